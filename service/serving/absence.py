"""Why no version serves, as the watcher has seen it: in a code for programs and a sentence for people."""

from dataclasses import dataclass
from typing import Literal

from service.serving.state import RejectedVersion, WatcherState

Reason = Literal["loading", "no-champion", "champion-refused", "registry-unavailable"]

WHY_IN_WORDS = {
    "corrupt": "a file cannot be read or run",
    "digest": "its files are not those on record",
    "features": "it needs features that this release does not compute",
    "foreign": "it is not a model of this product",
    "format": "another release wrote it",
    "golden": "it does not answer as it did when it was made",
    "incomplete": "a file is missing",
    "source": "its files are said to lie where this registry keeps none",
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
    if state.last_look is None:
        return Absence("loading", "the service has just started and is asking its registry for the champion")
    if state.contact_error is not None:
        todo = "start it again, or train and promote a first version where there is none yet"
        return Absence("registry-unavailable", f"the registry cannot be asked ({todo})", state.contact_error)
    if state.alias_version is None:
        return Absence(
            "no-champion", "no version is champion: promote a version, and it is served within seconds"
        )
    refusal = refusal_of_champion(state)
    if refusal is None:
        return Absence("loading", f"the champion, version {state.alias_version}, is being loaded")
    return Absence("champion-refused", in_words(refusal), refusal.reason)


def refusal_of_champion(state: WatcherState) -> RejectedVersion | None:
    """Return why the version that the alias names was refused, if it was."""
    return next((one for one in state.refusals if one.version == state.alias_version), None)


def in_words(refusal: RejectedVersion) -> str:
    """Return a refusal in a sentence, with what to do, without what may hold paths or addresses."""
    why = WHY_IN_WORDS.get(refusal.why, "it cannot be loaded")
    todo = "promote another version or roll back" if refusal.is_final else "it is tried again by itself"
    return f"the champion, version {refusal.version}, was refused because {why} ({todo})"
