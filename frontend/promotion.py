"""A change of the champion: what is wanted, what the person typed, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from frontend.api import ask, status
from frontend.comparison import Comparison, compare
from frontend.errors import code_of
from frontend.registry import evidence, evidence_of_serving
from greyhound_client import Problem, Unreachable
from greyhound_client.models import PromotionOut

MAX_REASON = 2000


@dataclass(frozen=True, slots=True)
class Wanted:
    """A promotion or rollback that is asked for."""

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
class Asked:
    """What the person typed. The key is in no text that is made of this."""

    reason: str = ""
    key: str = field(default="", repr=False)
    is_forced: bool = False
    instead_of: str = ""
    """The version that served when the difference was shown."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The change on record, or why there is none."""

    record: PromotionOut | None = None
    trouble: str = ""
    code: int = 200


def wanted_promotion(version: int) -> Wanted:
    """Return what promoting a version would change."""
    serving = status().version
    return Wanted("promote", version, serving, compare(evidence_of_serving(), evidence(version)))


def wanted_rollback() -> Wanted:
    """Return what a rollback would change, by the registry's record."""
    to = ask().promotions(limit=1).rollback_to
    serving = status().version
    comparison = None if to is None else compare(evidence_of_serving(), evidence(to))
    return Wanted("rollback", to, serving, comparison)


def asked_for(form: Mapping[str, str]) -> Asked:
    """Read what was typed."""
    return Asked(
        reason=form.get("reason", "").strip(),
        key=form.get("key", "").strip(),
        is_forced="force" in form,
        instead_of=form.get("instead_of", ""),
    )


def change(wanted: Wanted, asked: Asked) -> Outcome:
    """Ask the service for the change, under the key that was typed and no other."""
    wrong = _what_is_wrong(wanted, asked)
    if wrong:
        return wrong
    try:
        by = ask().using(api_key=asked.key)
    except ValueError:
        return Outcome(trouble="An API key has letters, digits and underscores only.", code=422)
    try:
        if wanted.action == "rollback":
            return Outcome(by.rollback(reason=asked.reason))
        assert wanted.version is not None
        return Outcome(by.promote(wanted.version, reason=asked.reason, force=asked.is_forced))
    except Problem as problem:
        broken = "; ".join(f"{rule.pointer.removeprefix('#/')}: {rule.rule}" for rule in problem.errors)
        return Outcome(trouble=f"{problem.title}: {broken or problem.detail}.", code=code_of(problem))
    except Unreachable as error:
        told = "Whether the change was made, the record of promotions tells once the service answers again"
        return Outcome(trouble=f"{error}. {told}.", code=503)


def _what_is_wrong(wanted: Wanted, asked: Asked) -> Outcome | None:
    if wanted.version is None:
        return Outcome(trouble="There is no champion before this one to go back to.", code=409)
    if asked.instead_of != str(wanted.serving or ""):
        serves = f"Version {wanted.serving} serves" if wanted.serving else "No version serves"
        told = f"{serves} by now: the difference below is the one that holds, nothing was changed"
        return Outcome(trouble=f"{told}. Confirm again if it is still what you want.", code=409)
    if not 1 <= len(asked.reason) <= MAX_REASON:
        told = f"A reason has 1 to {MAX_REASON} characters, this one has {len(asked.reason)}"
        return Outcome(trouble=f"{told}: others will read it in the record.", code=422)
    if not asked.key:
        return Outcome(trouble="A change takes an API key with the scope `promote`.", code=422)
    return None
