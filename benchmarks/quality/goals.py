"""What was to be reached, and whether it was: figures beside targets, nothing measured here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]
Interval = Sequence[float]
"""A figure, and the ends of its 95 % interval."""

# On 2026-01-01 to 2026-03-31, 8,906 races, the ground on which the levels were set.
REFERENCE_UNIFORM, REFERENCE_MARKET = 1.9459, 1.4652
LEVELS: dict[str, tuple[float, float]] = {
    "form": (1.540, 1.536),
    "results": (1.610, 1.600),
    "rated": (1.527, 1.522),
}
"""Of race log loss: to reach, and beyond."""
FIRST_STARTERS, REFERENCE_RATED_OF_FIRST = 0.438, 0.440
"""Log loss per runner, of the form model and of the rated price."""
NEVER_ABOVE_MARKET_BY = 0.0003
GUIDES_WITHIN, GUIDES_COMBINED_BELOW = 0.020, 0.025
TRUTH_COVERED = (0.78, 0.82)
SHARE_OF_THEIR_TIME = 0.1

UNIFORM, RATED, MARKET = "uniform", "rated price", "market (BSP/SP)"
CALIBRATED_SLICINGS = ("state", "field", "favourites")
"""Of which each slice's ECE is to be within chance, or .012: favourites and outsiders are of the last."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure with its 95 % interval beside what it should be."""

    what: str
    value: float
    low: float
    high: float
    wanted: str
    is_reached: bool
    expected: Interval | None = None
    """The same figure as the market's closing shares expect it, a quarter as noisy; ``None`` is unknown."""

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
        if name == "form" and "form" in results:
            table += _others_of_form(results["form"], is_reference=is_reference)
    if "guides" in results:
        table.append(_guides(results["guides"]))
    if "truth" in results:
        table.append(_truth(results["truth"]))
    if "autogluon" in results:
        table.append(_autogluon(results["autogluon"]))
    return table


def _model(name: str, scope: str, result: Json, *, is_reference: bool) -> Line:
    rows = result["rows"]
    goals = []
    for level in LEVELS[name]:
        wanted = level
        if not is_reference:
            wanted = level_on(level, rows[UNIFORM]["race_log_loss"], rows[MARKET]["race_log_loss"])
        digits = 3 if is_reference else 4
        expected = result["expected_level"]
        goals.append(_at_most("race log loss", result["level"], wanted, digits=digits, expected=expected))
    return Line(name, scope, result["races"], goals[0], goals[1], result["command"])


def _others_of_form(form: Json, *, is_reference: bool) -> list[Line]:
    """Return the rows of the form model beside its level: with the market, first starters, calibration."""
    first = [found for found in form["slices"] if (found["slicing"], found["name"]) == FIRST_SLICE]
    return [
        *([_with_market(form)] if form["with_market"] is not None else []),
        *(_first_starters(form, found, is_reference=is_reference) for found in first if found["gaps"]),
        _calibration(form),
    ]


FIRST_SLICE = ("prior-runs", "none known")


def _first_starters(form: Json, found: Json, *, is_reference: bool) -> Line:
    what, gap = "log loss per runner", found["gaps"][RATED]
    gained = REFERENCE_RATED_OF_FIRST - FIRST_STARTERS
    wanted = FIRST_STARTERS if is_reference else found["losses"][RATED] - gained
    level = found["levels"]["model"]
    reached = _at_most(what, level["realised"], wanted, digits=3, expected=level["expected"])
    beyond = _clear("model - rated price", gap["realised"], expected=gap["expected"])
    scope = "runners without a known run before"
    return Line("first starters, by form", scope, found["n_compared"], reached, beyond, form["command"])


def _calibration(form: Json) -> Line:
    """Return how many slices are calibrated by their ECE; beyond it none has a trend either."""
    slices = [found for found in form["slices"] if found["slicing"] in CALIBRATED_SLICINGS]
    good = [found for found in slices if found["ece_verdict"] != "off"]
    straight = [found for found in slices if found["is_calibrated"]]

    def goal(what: str, n: int) -> Goal:
        missed = len(slices) - n
        return Goal(what, missed, missed, missed, f"none of {len(slices)}", missed == 0)

    return Line(
        "calibration of form",
        "states, sizes of field, favourites to outsiders",
        form["races"],
        goal("slices off", len(good)),
        goal("slices off or with a trend", len(straight)),
        form["command"],
    )


def _with_market(form: Json) -> Line:
    found = form["with_market"]
    gap, what = found["minus_market"], "combined - BSP"
    at_most = _at_most(what, gap, NEVER_ABOVE_MARKET_BY, digits=4)
    return Line(
        "form + BSP", "the market at the off", form["races"], at_most, _clear(what, gap), form["command"]
    )


def _guides(guides: Json) -> Line:
    near = _at_most("model - SP", guides["minus_market"], GUIDES_WITHIN, digits=3)
    beyond = _at_most("combined - SP", guides["combined_minus_market"], -GUIDES_COMBINED_BELOW, digits=3)
    return Line(
        "form guides alone",
        "times, splits, margins, past SPs",
        guides["races"],
        near,
        beyond,
        guides["command"],
    )


def _truth(found: Json) -> Line:
    way, low, high = found["covered_interval"]
    expected = found["expected_covered_interval"]
    goals = [
        Goal("share of the way", way, low, high, f"at least {wanted:.0%}", way >= wanted, expected)
        for wanted in TRUTH_COVERED
    ]
    return Line("simulated season", "past prices", found["races"], goals[0], goals[1], found["command"])


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


def _at_most(
    what: str, found: Interval, limit: float, *, digits: int, expected: Interval | None = None
) -> Goal:
    value, low, high = found
    return Goal(what, value, low, high, f"at most {limit:.{digits}f}", value <= limit, expected)


def _clear(what: str, found: Interval, *, expected: Interval | None = None) -> Goal:
    value, low, high = found
    return Goal(what, value, low, high, "below 0, interval clear of it", high < 0, expected)
