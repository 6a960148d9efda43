"""Slices and places as tables for a terminal of 80 to 100 columns."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from training.evaluation.evaluation import EARLY, MARKET, MODEL, RATED, TRUTH, UNIFORM
from training.evaluation.places import PlaceComparison
from training.evaluation.slices import BY_CHANCE, MAX_ECE, OFF, SLICINGS, Slice

_HEADINGS = {
    MODEL: "model",
    UNIFORM: "uniform",
    RATED: "rated",
    EARLY: "early",
    MARKET: "market",
    TRUTH: "truth",
}

HOW_TO_READ_SLICES = f"""\
Losses of a line are of the same races, those with every price known. "mean p" and "won": mean probability and
share of winners, in %. "chance": 95 % of perfect models show a smaller ECE on so few runners. "slope" of the
log odds, with its 95 % interval: 1 is calibrated, below 1 too bold, above 1 too shy. The last word:
  ECE     the ECE lies above {MAX_ECE} and above chance
  trend   the slope's interval does not hold 1 (a perfect model gets this once in twenty)
  both    ECE and trend
  chance  the ECE lies above {MAX_ECE}, but a perfect model's may
  ok      none of these"""


def slice_table(slicing: str, slices: Sequence[Slice]) -> Table:
    """Return the slices of one slicing, a line each."""
    of_races = SLICINGS[slicing].is_of_races
    loss = "race log loss" if of_races else "log loss per runner"
    table = _table(f"By {slicing}: {SLICINGS[slicing].description} ({loss})")
    longest = max((len(found.name) for found in slices), default=0)
    table.add_column("", min_width=min(longest, 12))  # tracks' names may go on in a second line
    known = {name for found in slices for name in found.losses}
    # all at once would be too wide: where the truth is known, the rated price says least
    left_out = ({UNIFORM, EARLY} if not of_races else set()) | ({RATED} if TRUTH in known else set())
    shown = [name for name in _HEADINGS if name in known - left_out]
    headings = ["races" if of_races else "runners", *(_HEADINGS[name] for name in shown)]
    for heading in (*headings, *(() if of_races else ("mean p", "won")), "ECE", "chance", "slope"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for found in slices:
        happened = () if of_races else (f"{100 * found.predicted:.1f}", f"{100 * found.observed:.1f}")
        table.add_row(
            found.name,
            str(found.n_races if of_races else found.n_runners),
            *(f"{found.losses[name]:.3f}" if name in found.losses else "" for name in shown),
            *happened,
            f"{found.ece:.4f}".removeprefix("0"),
            f"{found.ece_by_chance:.4f}".removeprefix("0"),
            _slope(found),
            _mark(found),
        )
    return table


def place_table(title: str, places: PlaceComparison) -> Table:
    """Return the sources of place probabilities, a line each."""
    table = _table(title)
    table.add_column("")
    for heading in ("log loss", "Brier", "ECE", "model - this [95 %]"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in places.rows:
        gap = row.model_minus_this
        table.add_row(
            row.name,
            f"{row.log_loss:.4f}",
            f"{row.brier:.4f}",
            f"{row.ece:.4f}",
            "" if row is places.rows[0] else f"{gap.difference:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]",
        )
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0))


def _slope(found: Slice) -> str:
    slope, low, high = found.slope
    return f"{slope:.2f}±{(high - low) / 2:.2f}".replace("±0", "±") if slope == slope else "unknown"


def _mark(found: Slice) -> Text:
    if found.is_calibrated:
        return Text("chance") if found.ece_verdict == BY_CHANCE else Text("ok", "green")
    if found.ece_verdict != OFF:
        return Text("trend", "red")
    return Text("both" if found.has_trend else "ECE", "red")
