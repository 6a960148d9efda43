"""Why no version serves, or not the champion: in a code for programs and a sentence for people."""

from dataclasses import dataclass
from typing import Literal

from service.serving.state import RejectedVersion, WatcherState

Reason = Literal["loading", "no-champion", "champion-refused", "registry-unavailable"]

WHY_TEXT = {
    "corrupt": "a file cannot be read or run",
    "digest": "its files are not those on record",
    "features": "it needs features that this release does not compute",
    "foreign": "it is not a model of this product",
    "format": "another release wrote it",
    "golden": "it does not answer as it did when it was made",
    "incomplete": "a file is missing",
    "source": "its files lie, by its record, where this registry keeps none",
    "slow": "it is too slow",
    "registry": "its files cannot be fetched",
}


@dataclass(frozen=True, slots=True)
class Absence:
    """Why no version serves."""

    reason: Reason
    detail: str
    """In a sentence, with what to do."""
    cause: str | None = None
    """The error itself; it may hold paths and addresses of the service's machine."""

    def __str__(self) -> str:
        return f"{self.detail}: {self.cause}" if self.cause else self.detail


def why_none_serves(state: WatcherState) -> Absence:
    """Return the reason, given that no version serves."""
    if state.last_poll is None:
        return Absence("loading", "the service has just started and is asking its registry for the champion")
    if state.contact_error is not None:
        todo = "start it again, or train and promote a first version where there is none yet"
        return Absence("registry-unavailable", f"the registry cannot be read ({todo})", state.contact_error)
    if state.alias_version is None:
        return Absence(
            "no-champion", "no version is champion: promote a version, and it is served within seconds"
        )
    rejected = rejected_champion(state)
    if rejected is None:
        return Absence("loading", f"the champion, version {state.alias_version}, is being loaded")
    return Absence("champion-refused", describe_rejection(rejected), rejected.reason)


def rejected_champion(state: WatcherState) -> RejectedVersion | None:
    """Return the rejection of the version that the alias names, if it was rejected."""
    return next((one for one in state.rejected if one.version == state.alias_version), None)


def describe_rejection(rejected: RejectedVersion) -> str:
    """Return a rejection in a sentence, with what to do, without what may hold paths or addresses."""
    why = WHY_TEXT.get(rejected.why, "it cannot be loaded")
    todo = "promote another version or roll back" if rejected.is_final else "it is tried again by itself"
    return f"the champion, version {rejected.version}, was refused because {why} ({todo})"
