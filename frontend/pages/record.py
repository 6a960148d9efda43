"""Track record: predictions beside the outcomes."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request, url_for

from frontend import api
from frontend.charts import judged_races, reliability, through_the_clock, weekly_losses
from frontend.errors import status_code
from frontend.live import page
from greyhound_client import GreyhoundClient, Refused, Unavailable
from greyhound_client.models import ByMinutesOut, LoggedCardOut, LoggedCardsOut, LoggedRunnerOut, ScoresOut

pages = Blueprint("record", __name__)
N_LISTED = 60
N_SHOWN = 20
NO_CARDS = LoggedCardsOut(predictions=[], next_before=None, n_unread=0)
_FILTERS = ("since", "until", "version", "track")


@dataclass(frozen=True)
class Judged:
    """A logged card with its outcome: the runner thought likeliest, and the winner."""

    card: LoggedCardOut
    pick: LoggedRunnerOut
    winner: LoggedRunnerOut | None


@dataclass(frozen=True)
class Record:
    """The scores of logged predictions by week, track and version, and the newest of them."""

    weeks: ScoresOut
    tracks: ScoresOut
    versions: ScoresOut
    clock: ByMinutesOut
    """Beside the prices of minutes before the off."""
    counted: LoggedCardsOut
    """The newest of the cards that the figures are of."""
    newest: LoggedCardsOut
    """The newest of all, where none is judged."""

    @property
    def judged(self) -> list[Judged]:
        """Return the newest cards that the figures are of."""
        return [_judged(card) for card in self.counted.predictions if card.runners]

    @property
    def n_runners(self) -> int:
        """Return how many runners the calibration is of."""
        return sum(one.n_runners for one in self.weeks.calibration)


@pages.get("/record")
def show() -> Response:
    """Show the track record of the days, version and track of the filters."""
    filters: dict[str, Any] = {
        name: text for name in _FILTERS if (text := request.args.get(name, "").strip())
    }
    with_late = request.args.get("late") == "1"
    try:
        record = _record(api.client(), filters, with_late)
    except (Unavailable, Refused) as problem:
        return page("record/none.html", code=status_code(problem), problem=problem, filters=filters)
    if not record.weeks.total.n_races:
        n_late = 0 if with_late else api.client().scores(with_late=True, **filters).total.n_races
        return page("record/empty.html", record=record, n_late=n_late, filters=filters, with_late=with_late)
    return page(
        "record/record.html",
        record=record,
        filters=filters,
        with_late=with_late,
        lines=weekly_losses(record.weeks.groups),
        races=judged_races(
            [(one.card, _address(one.card)) for one in record.judged], record.weeks.total.log_loss
        ),
        plot=reliability(record.weeks.calibration),
        clock=through_the_clock(record.clock.minutes),
    )


@pages.app_template_filter()
def as_day(text: str) -> dt.date:
    """Return the Monday by which a week is named."""
    return dt.date.fromisoformat(text)


def _record(greyhound: GreyhoundClient, filters: Mapping[str, Any], with_late: bool) -> Record:
    """Return all of it, fetched side by side."""

    def score(by: Any) -> Callable[[], ScoresOut]:
        return lambda: greyhound.scores(by=by, with_late=with_late, **filters)

    weeks, tracks, versions, clock, counted = api.gather(
        [
            *map(score, ("week", "track", "version")),
            lambda: greyhound.by_minutes(with_late=with_late, **filters),
            lambda: greyhound.predictions(limit=N_SHOWN, counted=True, with_late=with_late, **filters),
        ]
    )
    newest = NO_CARDS if weeks.total.n_races else greyhound.predictions(limit=N_LISTED, **filters)
    return Record(weeks, tracks, versions, clock, counted, newest)


def _address(card: LoggedCardOut) -> str:
    """Return the address of the page of a card's race; empty where the race is not stored."""
    return url_for("race.stored", race_id=card.race_id) if card.race_id else ""


def _judged(card: LoggedCardOut) -> Judged:
    pick = max(card.runners, key=lambda runner: runner.win_probability)
    return Judged(card, pick, next((runner for runner in card.runners if runner.won), None))
