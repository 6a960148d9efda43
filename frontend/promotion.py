"""A change of the champion: the proposal, the confirmation that a person typed, and the outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from frontend import api
from frontend.comparison import Comparison, compare
from frontend.keyed_change import Outcome, make_change
from greyhound_client import GreyhoundClient
from greyhound_client.models import PromotionOut


@dataclass(frozen=True, slots=True)
class Proposal:
    """A promotion or rollback before it is confirmed, with what it would change."""

    action: Literal["promote", "rollback"]
    version: int | None
    """The version that would serve; None where there is none to go back to."""
    serving: int | None
    comparison: Comparison | None

    @property
    def failed(self) -> list[str]:
        """Why the version did not pass its gates; a promotion then takes force."""
        return self.comparison.after.failed if self.comparison and self.action == "promote" else []


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the person typed. The key is in no text that is made of this."""

    reason: str = ""
    key: str = field(default="", repr=False)
    is_forced: bool = False
    instead_of: str = ""
    """The version that served when the difference was shown."""


def propose_promotion(version: int) -> Proposal:
    """Return what promoting a version would change."""
    serving = api.status().version
    return Proposal("promote", version, serving, compare(api.champion_evidence(), api.evidence(version)))


def propose_rollback() -> Proposal:
    """Return what a rollback would change, by the registry's record."""
    to = api.client().promotions(limit=1).rollback_to
    serving = api.status().version
    comparison = None if to is None else compare(api.champion_evidence(), api.evidence(to))
    return Proposal("rollback", to, serving, comparison)


def read_confirmation(form: Mapping[str, str]) -> Confirmation:
    """Return the confirmation that a form holds."""
    return Confirmation(
        reason=form.get("reason", "").strip(),
        key=form.get("key", "").strip(),
        is_forced="force" in form,
        instead_of=form.get("instead_of", ""),
    )


def apply_change(proposal: Proposal, confirmation: Confirmation) -> Outcome[PromotionOut]:
    """Make the change through the service, under the key that was typed and no other."""
    version = proposal.version
    if version is None:
        return Outcome(error="There is no champion before this one to go back to.", code=409)
    if confirmation.instead_of != str(proposal.serving or ""):
        serves = f"Version {proposal.serving} serves" if proposal.serving else "No version serves"
        now = f"{serves} by now: the difference below is the one that holds, nothing was changed"
        return Outcome(error=f"{now}. Confirm again if it is still what you want.", code=409)

    def change(by: GreyhoundClient) -> PromotionOut:
        if proposal.action == "rollback":
            return by.rollback(reason=confirmation.reason)
        return by.promote(version, reason=confirmation.reason, force=confirmation.is_forced)

    shown_by = "the record of promotions"
    return make_change(confirmation.key, confirmation.reason, change, shown_by=shown_by)
