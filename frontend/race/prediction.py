"""A card, what the service answers to it, and how to ask for the same."""

import json
from dataclasses import dataclass
from typing import Any

from frontend.api import ask
from frontend.curl import curl_line
from frontend.errors import code_of
from greyhound_client import Problem, endpoints
from greyhound_client.models import CardIn, PredictionOut


@dataclass(frozen=True)
class Asked:
    """A card that the service was asked about: its answer, or the problem that it has with it."""

    card: dict[str, Any]
    answer: PredictionOut | None
    problem: Problem | None
    raw: str
    """The answer as it came, indented."""

    def curl(self, service: str, *, with_key: bool = False) -> str:
        """Return the line that asks the service for the same."""
        return curl_line(f"{service}/predict?explain=true", self.card, with_key=with_key)

    @property
    def code(self) -> int:
        """Return the HTTP status that a page about it has."""
        return code_of(self.problem) if self.problem else 200


def predicted(card: CardIn | dict[str, Any]) -> Asked:
    """Ask for the probabilities of a card, and why.

    Raises
    ------
    client.Unreachable
        If the service does not answer.
    """
    told = card if isinstance(card, dict) else card.model_dump(mode="json", exclude_defaults=True)
    call = endpoints.predict(told, explain=True)
    response = ask().raw(call)
    answer, problem = None, None
    try:
        answer = call.read(response)
    except Problem as error:
        problem = error
    return Asked(told, answer, problem, _indented(response.text))


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):  # something in front of the service has answered
        return text
