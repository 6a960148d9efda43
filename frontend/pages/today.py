"""Today: every race of the day with the model's first choice, and files of cards dropped on it."""

import datetime as dt
from typing import Any

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from frontend import api
from frontend.live import page
from frontend.pages.ways import MOST_TRACKS, day_of
from frontend.race.blueprint import pages
from frontend.race.card_form import filled_in
from frontend.race_day.board import board_of
from frontend.race_day.dropped import MAX_BYTES, MAX_FILES, Stored, read_dropped, store, with_answers
from greyhound_client import Unavailable


@pages.get("/race")
def show() -> AnyResponse:
    """Show the races that are due, or all of a day; older addresses lead to where their pages are now."""
    args: dict[str, Any] = request.args.to_dict()
    if "day" in args or "before" in args:
        return redirect(url_for("race.past", **_only(args, "day", "before")))
    if filled := filled_in(request.args):
        fields: dict[str, Any] = dict(filled)
        return redirect(url_for("race.fill", **fields, _anchor="card"))
    day = day_of(args.get("on"))
    try:
        upcoming, problem = api.client().upcoming(day, predict=True), None
    except Unavailable as unavailable:
        upcoming, problem = None, unavailable
    now = upcoming.now if upcoming else dt.datetime.now(dt.UTC)
    return page(
        "race/today.html",
        board=board_of(upcoming) if upcoming else None,
        problem=problem,
        day=day,
        days=_days_around(now, day),
        max_files=MAX_FILES,
        max_mb=MAX_BYTES // 2**20,
    )


@pages.post("/race/drop")
def drop() -> Response:
    """Show the races of files that were dropped; with a key that is typed they are stored."""
    request.max_content_length = MAX_BYTES
    files = [file for file in request.files.getlist("cards") if file.filename]
    dropped, key = read_dropped(files), request.form.get("key", "").strip()
    stored = store(dropped, key) if key and dropped.races else Stored(())
    code = stored.code if dropped.races else 422
    return page(
        "race/dropped.html",
        code=code,
        tab="race.show",
        dropped=dropped if stored.races else with_answers(dropped),
        stored=stored,
        n_files=len(files),
        max_files=MAX_FILES,
        max_mb=MAX_BYTES // 2**20,
    )


@pages.get("/race/drop")
def nothing_dropped() -> AnyResponse:
    """Lead back to where files are dropped: what was sent is not stored."""
    return redirect(url_for("race.show", _anchor="drop"))


def _only(args: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: args[name] for name in names if name in args}


def _days_around(now: dt.datetime, day: dt.date | None) -> list[tuple[str, dt.date | None]]:
    """Return the days that the page offers: what is due, and yesterday, today and tomorrow at most tracks."""
    today = now.astimezone(MOST_TRACKS).date()
    one = dt.timedelta(days=1)
    days: list[tuple[str, dt.date | None]] = [
        ("Next to go", None), ("Yesterday", today - one), ("Today", today), ("Tomorrow", today + one)
    ]  # fmt: skip
    return (
        days if day is None or day in dict(days).values() else [*days, (f"{day:%a} {day.day} {day:%b}", day)]
    )
