"""What carries the races: the rise of the loss when a group of features, or one of them, is shuffled."""

from collections.abc import Mapping

from racing.features.topics import TOPICS
from racing.metrics import Difference
from training.page.axis import axis_over
from training.page.content import ReportContent
from training.page.markup import Html, breakable, element
from training.page.rows import Row, rows_chart
from training.page.words import note, section, signed

MOST = 25


def features(content: ReportContent) -> Html:
    """Return the section."""
    importance = content.importance
    groups = ranked(importance.groups)
    top = ranked(importance.features)
    where = (
        f"within each of the latest {importance.n_races:,} test races"
        if importance.n_races
        else f"among the latest {importance.n_runners:,} test runners"
    )
    name, rise = next(iter(groups.items()))
    lead = (
        f"The longer a bar, the more the model relies on it: shuffling everything about {name} {where} "
        f"would cost {signed(rise.difference, 3)} of {content.loss_name}."
    )
    kept = dict(list(top.items())[:MOST])
    return section(
        "features",
        "What carries it",
        lead,
        _chart(groups, "Groups of features, shuffled together", "group", explained=True),
        _chart(kept, f"The {len(kept)} single features of {len(top)} that carry most", "feature"),
        note(
            "Runners of one race exchange their values, since only what tells them apart can help there. A "
            "single feature's bar is short where others tell the same, so the bars do not add up to the "
            "groups'. Whiskers: 95 % interval (bootstrap by race)."
        ),
    )


def ranked(rises: Mapping[str, Difference]) -> dict[str, Difference]:
    """Return the rises, the largest first."""
    return dict(sorted(rises.items(), key=lambda entry: -entry[1].difference))


def _chart(rises: Mapping[str, Difference], caption: str, head: str, *, explained: bool = False) -> Html:
    ends = [0.0, *(end for rise in rises.values() for end in (rise.low, rise.high))]
    return rows_chart(
        [
            Row(
                name=element(
                    "span",
                    breakable(name),
                    element("small", TOPICS[name]) if explained and name in TOPICS else None,
                ),
                bar=rise.difference,
                whisker=(rise.low, rise.high),
                figures=[signed(rise.difference)],
            )
            for name, rise in rises.items()
        ],
        axis_over(ends, n_ticks=3, pad=0.03),
        caption=caption,
        heads=[head, "rise of the loss", ""],
        reference=0.0,
    )
