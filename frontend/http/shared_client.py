"""What all visitors see is asked once, for all of them, and kept for a moment.

A page that is open asks every few seconds, and so does each of a hundred: the service is asked once a second
all the same, and once at a time for each question, however long an answer takes.
"""

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import httpx

from greyhound_client import Call, GreyhoundClient

MAX_ANSWERS = 64
MAX_KEPT_BYTES = 256 * 1024  # of one answer; a larger one is asked for each time


@dataclass(slots=True)
class _Kept:
    answer: "Future[httpx.Response]" = field(default_factory=Future)
    until: float = float("inf")


class Answers:
    """Answers of the last moment, and questions that are being asked now."""

    def __init__(self, for_s: float) -> None:
        self._for_s = for_s
        self._lock = threading.Lock()
        self._kept: dict[Hashable, _Kept] = {}

    def get(self, question: Hashable, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """Return the answer to a question, asking only if nobody has or does just now."""
        with self._lock:
            found = self._kept.get(question)
            is_known = found is not None and time.monotonic() < found.until
            if found is None or not is_known:
                found = self._kept[question] = _Kept()
                if len(self._kept) > MAX_ANSWERS:
                    del self._kept[next(iter(self._kept))]
        if not is_known:
            self._ask(question, found, ask)
        return found.answer.result()

    def forget(self) -> None:
        """Let everything be asked anew."""
        with self._lock:
            self._kept.clear()

    def _ask(self, question: Hashable, kept: _Kept, ask: Callable[[], httpx.Response]) -> None:
        is_large = False
        try:
            answer = ask()
            is_large = len(answer.content) > MAX_KEPT_BYTES
            kept.answer.set_result(answer)
        except BaseException as error:
            kept.answer.set_exception(error)
        kept.until = time.monotonic() + self._for_s
        if is_large:
            with self._lock:
                if self._kept.get(question) is kept:
                    del self._kept[question]


class SharedClient(GreyhoundClient):
    """A client whose questions that change nothing are asked together with those of others."""

    def __init__(self, url: str, *, for_s: float, **options: Any) -> None:
        super().__init__(url, **options)
        self._answers = Answers(for_s)

    def raw(self, call: Call[Any] | str) -> httpx.Response:
        """Return the answer of a call as it came, which may be some moments old."""
        call = Call("GET", call, str) if isinstance(call, str) else call
        if call.method != "GET":
            answer = super().raw(call)
            if not call.is_repeatable:  # a promotion: whatever was known may have changed
                self._answers.forget()
            return answer
        question = (self._api_key, call.path, tuple(sorted((name, str(v)) for name, v in call.query.items())))
        return self._answers.get(question, lambda: super(SharedClient, self).raw(call))
