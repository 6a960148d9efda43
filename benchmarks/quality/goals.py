"""What was to be reached, and whether it was: figures beside targets, nothing measured here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]

# On 2026-01-01 to 2026-03-31, 8,906 races, the ground on which the levels were set.
REFERENCE_UNIFORM, REFERENCE_MARKET = 1.9459, 1.4652
LEVELS: dict[str, tuple[float, float | None]] = {
    "form": (1.550, 1.540),
    "results": (1.660, None),
    "rated": (1.535, 1.525),
}
NEVER_ABOVE_MARKET_BY = 0.0003
GUIDES_WITHIN = 0.05
SHARE_OF_THEIR_TIME = 0.1

UNIFORM, RATED, MARKET = "uniform", "rated price", "market (BSP/SP)"


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure with its 95 % interval beside what it should be."""

    what: str
    value: float
    low: float
    high: float
    wanted: str
    is_reached: bool

    def as_json(self) -> dict[str, Any]:
        """Return the goal as a JSON object."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table: a model, what it had to reach, and what would be better still."""

    model: str
    scope: str
    n_races: int
    to_reach: Goal
    beyond: Goal
    command: str


def level_on(level: float, uniform: float, market: float) -> float:
    """Return the level that takes the same share of the market's information on other races."""
    share = (REFERENCE_UNIFORM - level) / (REFERENCE_UNIFORM - REFERENCE_MARKET)
    return uniform - share * (uniform - market)


def lines(results: Mapping[str, Json], *, is_reference: bool) -> list[Line]:
    """Return the rows of the table of all results that there are."""
    table = []
    scopes = {
        "form": "past prices, no price of the race itself",
        "results": "no prices at all, not even past ones",
        "rated": "form and the rated price known before the race",
    }
    for name, scope in scopes.items():
        if name in results:
            table.append(_model(name, scope, results[name], is_reference=is_reference))
        if name == "form" and "form" in results and results["form"]["with_market"] is not None:
            table.append(_with_market(results["form"]))
    if "guides" in results:
        table.append(_guides(results["guides"]))
    if "autogluon" in results:
        table.append(_autogluon(results["autogluon"]))
    return table


def _model(name: str, scope: str, result: Json, *, is_reference: bool) -> Line:
    rows = result["rows"]
    goals = []
    for level in LEVELS[name]:
        if level is None:
            goals.append(_below("model - rated price", rows[RATED]["model_minus_this"], "below 0"))
            continue
        wanted = level
        if not is_reference:
            wanted = level_on(level, rows[UNIFORM]["race_log_loss"], rows[MARKET]["race_log_loss"])
        goals.append(_at_most("race log loss", result["level"], wanted, digits=3 if is_reference else 4))
    return Line(name, scope, result["races"], goals[0], goals[1], result["command"])


def _with_market(form: Json) -> Line:
    gap = form["with_market"]["minus_market"]
    what = "combined - BSP"
    at_most = _at_most(what, gap, NEVER_ABOVE_MARKET_BY, digits=4)
    return Line(
        "form + BSP", "the market at the off", form["races"], at_most, _clear(what, gap), form["command"]
    )


def _guides(guides: Json) -> Line:
    near = _at_most("model - SP", guides["minus_market"], GUIDES_WITHIN, digits=2)
    beyond = _clear("combined - SP", guides["combined_minus_market"])
    return Line(
        "form guides alone",
        "times, splits, margins, past SPs",
        guides["races"],
        near,
        beyond,
        guides["command"],
    )


def _autogluon(found: Json) -> Line:
    theirs = found["seconds"]["AutoGluon"]
    quick = found["seconds"]["form, quick"]
    ahead = _clear(
        f"form - AutoGluon ({found['seconds']['form']:.0f} s, {theirs:.0f} s)", found["ours_minus_theirs"]
    )
    fast = _clear(f"quick - AutoGluon ({quick:.0f} s)", found["quick_minus_theirs"])
    fit = found["autogluon"]
    in_time = quick <= SHARE_OF_THEIR_TIME * min(theirs, fit["time_limit_s"])
    fast = Goal(
        fast.what,
        fast.value,
        fast.low,
        fast.high,
        f"{fast.wanted}, in a tenth of its time",
        fast.is_reached and in_time,
    )
    scope = (
        f"AutoGluon {fit['version']}, same features, same rows, {fit['time_limit_s']:.0f} s, {fit['presets']}"
    )
    return Line("ahead of AutoGluon", scope, found["races"], ahead, fast, found["commands"]["form, quick"])


def _at_most(what: str, found: tuple[float, float, float], limit: float, *, digits: int) -> Goal:
    value, low, high = found
    return Goal(what, value, low, high, f"at most {limit:.{digits}f}", value <= limit)


def _below(what: str, found: tuple[float, float, float], wanted: str) -> Goal:
    value, low, high = found
    return Goal(what, value, low, high, wanted, value < 0)


def _clear(what: str, found: tuple[float, float, float]) -> Goal:
    value, low, high = found
    return Goal(what, value, low, high, "below 0, interval clear of it", high < 0)
