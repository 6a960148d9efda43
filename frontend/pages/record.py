"""Track record: what was answered beside how it came out."""

import datetime as dt
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from client import GreyhoundClient, Refused, Unavailable
from client.models import LoggedCardOut, LoggedCardsOut, LoggedRunnerOut, ScoreOut, ScoresOut
from frontend.asking import ask
from frontend.charts.lines import lines_by_week
from frontend.charts.reliability import reliability
from frontend.live import page

pages = Blueprint("record", __name__)
N_LISTED = 60
N_SHOWN = 20
_FILTERS = ("since", "until", "version", "track")


@dataclass(frozen=True)
class Judged:
    """A logged card with its outcome: the runner thought likeliest, and the winner."""

    card: LoggedCardOut
    pick: LoggedRunnerOut
    winner: LoggedRunnerOut | None


@dataclass(frozen=True)
class Record:
    """What the service says of its predictions: judged by week, track and version, and the newest."""

    weeks: ScoresOut
    tracks: ScoresOut
    versions: ScoresOut
    newest: LoggedCardsOut

    @property
    def judged(self) -> list[Judged]:
        """Return the newest cards whose outcome is known."""
        known = [card for card in self.newest.predictions if card.loss is not None]
        return [_judged(card) for card in known[:N_SHOWN]]


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
        return page("record/none.html", code=problem.status, problem=problem, asked=asked)
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


@pages.app_template_filter()
def behind_market(score: ScoreOut) -> float | None:
    """Return how much more race log loss the model has than the market, on the same races."""
    if score.log_loss_with_market is None or score.market_log_loss is None:
        return None
    return score.log_loss_with_market - score.market_log_loss


def _record(greyhound: GreyhoundClient, asked: Mapping[str, Any], with_late: bool) -> Record:
    """Ask for all of it at once: the service adds up a large log for each."""

    def score(by: Any) -> ScoresOut:
        return greyhound.scores(by=by, with_late=with_late, **asked)

    with ThreadPoolExecutor(4) as threads:
        newest = threads.submit(lambda: greyhound.predictions(limit=N_LISTED, **asked))
        weeks, tracks, versions = threads.map(score, ("week", "track", "version"))
        return Record(weeks, tracks, versions, newest.result())


def _judged(card: LoggedCardOut) -> Judged:
    pick = max(card.runners, key=lambda runner: runner.win_probability)
    return Judged(card, pick, next((runner for runner in card.runners if runner.won), None))
