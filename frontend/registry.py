"""What the service has to ask its registry for, which may be away while the champion serves on."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from frontend.api import ask, status
from frontend.evidence import Shown, shown
from greyhound_client import Call, Problem, TimedOut, Unavailable, endpoints
from greyhound_client.models import EvidenceOut

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Known(Generic[Answer]):
    """An answer, or why there is none now."""

    answer: Answer | None
    why_not: str = ""


def known(call: Call[Answer]) -> Known[Answer]:
    """Return what the registry says, or why it says nothing; one known to be away is not waited for."""
    error = status().registry.error
    if error:
        return Known(None, error)
    try:
        return Known(ask().ask(call))
    except (TimedOut, Unavailable) as trouble:
        return Known(None, trouble.detail if isinstance(trouble, Problem) else str(trouble))


def evidence_of_serving() -> Shown | None:
    """Return what is known of the version that serves, which needs no registry; None if none serves."""
    version = status().version
    return None if version is None else evidence(version)


def evidence(version: int) -> Shown:
    """Return what is known of a version.

    Raises
    ------
    client.Problem
        If the service cannot tell.
    """
    told: EvidenceOut = ask().ask(endpoints.evidence(version))
    return shown(told)
