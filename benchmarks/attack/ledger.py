"""What was answered to whom, and how long it took; an answer that the service's document does not name."""

import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from benchmarks.attack.peer import Answer


class Ledger:
    """Answers by who got them.

    Parameters
    ----------
    document
        The service's own OpenAPI document.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.statuses: dict[str, Counter[int]] = defaultdict(Counter)
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.undeclared: Counter[tuple[str, int]] = Counter()
        self.reasons: Counter[tuple[str, str]] = Counter()
        """Why a request was refused with 503, by who sent it."""
        self.acknowledged: dict[str, float] = {}
        """When the answer of each card was there, by request id, by the monotonic clock."""
        self._declared = [
            (method.upper(), re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), set(operation["responses"]))
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        ]

    def note(self, who: str, operation: str, answer: Answer, began: float) -> Answer:
        """Count an answer to ``METHOD /path``, and return it."""
        self.statuses[who][answer.status] += 1
        self.seconds[who].append(time.monotonic() - began)
        if answer.status == 503:
            self.reasons[who, json.loads(answer.body)["detail"]] += 1
        if answer.status >= 500 and str(answer.status) not in self._statuses_of(operation):
            self.undeclared[operation, answer.status] += 1
        return answer

    def _statuses_of(self, operation: str) -> set[str]:
        method, _, path = operation.partition(" ")
        path = path.partition("?")[0]
        for known, pattern, statuses in self._declared:
            if known == method and pattern.fullmatch(path):
                return statuses
        return set()
