"""Track record: what was answered beside how it came out."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from frontend.api import ask, at_once
from frontend.charts.lines import lines_by_week
from frontend.charts.reliability import reliability
from frontend.errors import code_of
from frontend.live import page
from greyhound_client import GreyhoundClient, Refused, Unavailable
from greyhound_client.models import LoggedCardOut, LoggedCardsOut, LoggedRunnerOut, ScoresOut

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
    """What the service says of its predictions: judged by week, track and version, and the newest of them."""

    weeks: ScoresOut
    tracks: ScoresOut
    versions: ScoresOut
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
    """Show the track record of the days, version and track that are asked for."""
    asked: dict[str, Any] = {
        name: words for name in _FILTERS if (words := request.args.get(name, "").strip())
    }
    with_late = request.args.get("late") == "1"
    try:
        record = _record(ask(), asked, with_late)
    except (Unavailable, Refused) as problem:
        return page("record/none.html", code=code_of(problem), problem=problem, asked=asked)
    if not record.weeks.total.n_races:
        n_late = 0 if with_late else ask().scores(with_late=True, **asked).total.n_races
        return page("record/empty.html", record=record, n_late=n_late, asked=asked, with_late=with_late)
    return page(
        "record/record.html",
        record=record,
        asked=asked,
        with_late=with_late,
        lines=lines_by_week(record.weeks.groups),
        plot=reliability(record.weeks.calibration),
    )


@pages.app_template_filter()
def as_day(words: str) -> dt.date:
    """Read the Monday that a week is called by."""
    return dt.date.fromisoformat(words)


def _record(greyhound: GreyhoundClient, asked: Mapping[str, Any], with_late: bool) -> Record:
    """Ask for all of it at once."""

    def score(by: Any) -> Callable[[], ScoresOut]:
        return lambda: greyhound.scores(by=by, with_late=with_late, **asked)

    weeks, tracks, versions, counted = at_once(
        [
            *map(score, ("week", "track", "version")),
            lambda: greyhound.predictions(limit=N_SHOWN, counted=True, with_late=with_late, **asked),
        ]
    )
    newest = NO_CARDS if weeks.total.n_races else greyhound.predictions(limit=N_LISTED, **asked)
    return Record(weeks, tracks, versions, counted, newest)


def _judged(card: LoggedCardOut) -> Judged:
    pick = max(card.runners, key=lambda runner: runner.win_probability)
    return Judged(card, pick, next((runner for runner in card.runners if runner.won), None))
