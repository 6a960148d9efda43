"""The lift over uniform by slice: where the model knows much, and where it knows little."""

from collections.abc import Sequence
from itertools import groupby

from training.evaluation.slice_definitions import SLICINGS
from training.page.axis import axis_over
from training.page.content import Lift, ReportContent
from training.page.markup import Html, element
from training.page.rows import Heading, Mark, Row, rows_chart
from training.page.words import note, percent, section, signed

_TITLES = {
    "favourites": "By the model's order in the race",
    "field": "By number of runners",
    "state": "By state",
    "distance": "By distance",
    "prior-runs": "By known runs before race day",
    "layoff": "By days since the last run",
}


def lift(content: ReportContent) -> Html:
    """Return the section."""
    lifts = content.lifts
    of_races = [each for each in lifts if each.of.is_of_races]
    of_runners = [each for each in lifts if not each.of.is_of_races]
    if not lifts:
        return section(
            "lift", "Where it knows much, and where little", "No slice has enough whole races to judge."
        )
    weakest = min(of_races or of_runners, key=lambda each: each.model.difference)
    strongest = max(of_races or of_runners, key=lambda each: each.model.difference)
    lead = (
        "The further right a dot, the more the model gains over knowing only the number of runners: most for "
        f"{strongest.of.name} ({signed(strongest.model.difference, 3)}), least for {weakest.of.name} "
        f"({signed(weakest.model.difference, 3)})."
    )
    return section(
        "lift",
        "Where it knows much, and where little",
        lead,
        _chart(of_races, "Lift over uniform in race log loss, by races"),
        _chart(of_runners, "Lift over uniform in log loss per runner, by runners"),
        note("Dots are the model with its 95 % interval; rings are the closing market on the same races.")
        if any(each.market is not None for each in lifts)
        else None,
    )


def _chart(lifts: Sequence[Lift], caption: str) -> Html | None:
    if not lifts:
        return None
    ends = [0.0, *(end for each in lifts for end in (each.model.low, each.model.high, each.market or 0.0))]
    rows: list[Row | Heading] = []
    for name, of in groupby(lifts, key=lambda each: each.of.slicing):
        rows.append(Heading(_TITLES.get(name, SLICINGS[name].description)))
        rows.extend(_row(each) for each in of)
    return rows_chart(
        rows,
        axis_over(ends, n_ticks=4),
        caption=caption,
        heads=["", "lift", "races", "lift", "of the market's"],
        reference=0.0,
    )


def _row(each: Lift) -> Row:
    marks = [Mark(each.model.difference, "model", f"model {signed(each.model.difference)}")]
    if each.market is not None:
        marks.insert(0, Mark(each.market, "ring", f"market {signed(each.market)}"))
    share = each.model.difference / each.market if each.market and each.market > 0 else None
    return Row(
        name=element("span", each.of.name),
        marks=marks,
        whisker=(each.model.low, each.model.high),
        figures=[f"{each.of.n_compared:,}", signed(each.model.difference, 3), percent(share, 0)],
    )
