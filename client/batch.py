"""The lines that ``POST /predict/batch`` streams, one for each card."""

import json
from typing import TypeAlias

import httpx
from pydantic import ValidationError

from client.errors import Problem, Unreachable, Unreadable, problem_of_document
from client.models import PredictionOut

CardAnswer: TypeAlias = PredictionOut | Problem
"""The answer to one card of a batch; a problem is handed over, not raised, as other cards follow."""


def answer_of_line(line: str) -> CardAnswer:
    """Return what a line says of its card."""
    try:
        said = json.loads(line)
        if "model_version" in said:
            return PredictionOut.model_validate(said)
        return problem_of_document(said)
    except (ValidationError, ValueError, TypeError, AttributeError) as error:
        raise Unreadable(f"a line of the stream is no answer to a card: {line[:200]!r}") from error


def broken_off(url: str, n_answers: int, error: httpx.TransportError) -> Unreachable:
    """Return the error for a stream that ended before its time."""
    words = str(error) or type(error).__name__
    return Unreachable(f"the service at {url} broke off after {n_answers} answers: {words}")
