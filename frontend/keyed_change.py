"""A change that a person makes with an API key, typed for this one change and stored nowhere."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from frontend import api
from frontend.errors import status_code
from greyhound_client import GreyhoundClient, Problem, Unreachable

MAX_REASON = 2000
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Made]):
    """What a change made, or why nothing was changed as far as is known."""

    made: Made | None = None
    error: str = ""
    code: int = 200


def make_change(
    key: str,
    reason: str | None,
    change: Callable[[GreyhoundClient], Made],
    *,
    shown_by: str,
    scope: str = "promote",
) -> Outcome[Made]:
    """Make a change through the service, under the key that was typed and no other.

    ``reason`` is None for a change that takes none; ``shown_by`` is what shows whether it was made after all,
    where the service did not answer in time.
    """
    if reason is not None and not 1 <= len(reason) <= MAX_REASON:
        rule = f"A reason has 1 to {MAX_REASON} characters, this one has {len(reason)}"
        return Outcome(error=f"{rule}: others will read it in the record.", code=422)
    if not key:
        return Outcome(error=f"A change takes an API key with the scope `{scope}`.", code=422)
    try:
        by = api.client().using(api_key=key)
    except ValueError:
        return Outcome(error="An API key has letters, digits and underscores only.", code=422)
    try:
        return Outcome(change(by))
    except Problem as problem:
        broken = "; ".join(f"{rule.pointer.removeprefix('#/')}: {rule.rule}" for rule in problem.errors)
        return Outcome(error=f"{problem.title}: {broken or problem.detail}.", code=status_code(problem))
    except Unreachable as error:
        where = f"Whether the change was made, {shown_by} shows once the service answers again"
        return Outcome(error=f"{error}. {where}.", code=503)
