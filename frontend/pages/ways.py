"""The ways to a race besides the day's: a past day, a form guide, a card filled in."""

import datetime as dt
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, request

from frontend import api
from frontend.live import page
from frontend.race.blueprint import pages
from frontend.race.card_form import BOXES
from greyhound_client import GreyhoundError, Problem, Unavailable
from greyhound_client.models import ListedRaceOut, RaceDayOut, RaceDaysOut

N_DAYS = 60
MOST_TRACKS = ZoneInfo("Australia/Sydney")  # the day that a card filled in begins with


@pages.get("/race/past")
def past() -> Response:
    """Show the races of a day that is stored."""
    days, days_problem = _days()
    date = day_of(request.args.get("day")) or (_newest_past(days.race_days) if days else None)
    meetings = _meetings(api.client().races(date).races) if days and date else []
    return page("race/past.html", days=days, days_problem=days_problem, date=date, meetings=meetings)


@pages.get("/race/guide")
def guide() -> Response:
    """Show where a form guide is dropped."""
    return guide_page()


@pages.get("/race/fill")
def fill() -> Response:
    """Show the card to fill in; an address may hold what is filled in already."""
    return fill_page()


def guide_page(*, code: int = 200, **context: Any) -> Response:
    """Return the page of a form guide, with what was wrong with one that was sent."""
    return page("race/guide.html", code=code, tab="race.guide", **({"form": {}} | context))


def fill_page(*, code: int = 200, **context: Any) -> Response:
    """Return the page of a card to fill in, with what was wrong with one that was."""
    today = dt.datetime.now(MOST_TRACKS).date().isoformat()
    context = {"form": request.args, "boxes": BOXES, "today": today, "tracks": _tracks()} | context
    return page("race/fill.html", code=code, tab="race.fill", **context)


def day_of(text: str | None) -> dt.date | None:
    """Return the day that an address names; None if it names none."""
    try:
        return dt.date.fromisoformat(text or "")
    except ValueError:
        return None


def _days() -> tuple[RaceDaysOut | None, Problem | None]:
    try:
        return api.client().race_days(limit=N_DAYS, before=day_of(request.args.get("before"))), None
    except Unavailable as problem:
        return None, problem


def _newest_past(days: list[RaceDayOut]) -> dt.date | None:
    """Return the newest day that is not ahead, else the newest."""
    today = dt.datetime.now(MOST_TRACKS).date()
    return next((day.date for day in days if day.date <= today), days[0].date if days else None)


def _meetings(races: list[ListedRaceOut]) -> list[tuple[str, list[ListedRaceOut]]]:
    """Return the races that can be predicted, track by track."""
    fields = [race for race in races if race.n_runners > 1]
    return [(track, list(found)) for track, found in groupby(fields, key=lambda race: race.track)]


def _tracks() -> list[str]:
    """Return names of tracks that the field offers while one types: those of the newest day."""
    try:
        days = api.client().race_days(limit=1).race_days
        return sorted({race.track for race in api.client().races(days[0].date).races}) if days else []
    except GreyhoundError:
        return []
