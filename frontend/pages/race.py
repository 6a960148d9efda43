"""Race: a stored race, a form guide or a card filled in, and what the model makes of it."""

import datetime as dt
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from frontend.api import ask
from frontend.race.card_form import BOXES, broken_rules, card_of_form, filled_in, sent_along, with_changes
from frontend.race.field import field_of
from frontend.live import page
from frontend.race.prediction import Asked, predicted
from greyhound_client import Problem, Refused, Unavailable
from greyhound_client.models import ListedRaceOut, RaceDaysOut, StoredRaceOut

pages = Blueprint("race", __name__)
N_DAYS = 60
_MOST_TRACKS = ZoneInfo("Australia/Sydney")  # the day that a card filled in begins with


@pages.get("/race")
def show() -> Response:
    """Show the three ways to a race."""
    return _ways()


@pages.get("/race/<int:race_id>")
def stored(race_id: int) -> Response:
    """Show a stored race."""
    race = ask().race(race_id, prices="at_the_off")
    return _stored(race, predicted(race.card) if race.card else None)


@pages.get("/race/card")
def card() -> Response:
    """Show the card that was filled in; its address holds all of it, so it can be shared."""
    asked = predicted(card_of_form(request.args))
    if asked.problem is not None and isinstance(asked.problem, Refused):
        rules = broken_rules(asked.problem, asked.card)
        return _ways(at="card", problem=asked.problem, rules=rules, form=request.args)
    fields: dict[str, Any] = dict(filled_in(request.args))
    return _answer(asked, edit=url_for("race.show", **fields, _anchor="card"))


@pages.post("/race/guide")
def guide() -> Response:
    """Show the card of a form guide that was sent."""
    sent = request.files.get("guide")
    if sent is None or not sent.filename:
        return _ways(at="guide", rules=[("Form guide", "choose a CSV file first")], form=request.form)
    told: dict[str, Any] = {
        name: words for name in ("date", "track", "distance_m") if (words := request.form.get(name, ""))
    }
    try:
        made = ask().card(_text(sent.read()), name=sent.filename, **told)
    except Refused as problem:
        rules = broken_rules(problem)
        return _ways(at="guide", problem=problem, rules=rules, form=request.form, file=sent.filename)
    return _answer(predicted(made.card), guide=made, file=sent.filename)


@pages.post("/race/change")
def change() -> Response:
    """Show a card again, with the prices that were filled in and without who was scratched."""
    sent = sent_along(request.form.get("card", ""))
    if sent is None:
        return _ways(at="card", rules=[("The card", "it was not sent along whole; begin anew")])
    asked = predicted(with_changes(sent, request.form))
    race_id = request.form.get("race", "")
    if race_id.isascii() and race_id.isdigit() and len(race_id) < 11:
        return _stored(ask().race(int(race_id), prices="at_the_off"), asked, is_changed=True)
    return _answer(asked)


@pages.get("/race/guide")
@pages.get("/race/change")
def again() -> AnyResponse:
    """Lead back to the beginning: what was sent is not kept."""
    return redirect(url_for("race.show"))


def _stored(race: StoredRaceOut, asked: Asked | None, *, is_changed: bool = False) -> Response:
    day = [one for one in ask().races(race.date).races if one.track == race.track and one.n_runners > 1]
    return _answer(asked, race=race, outcome=race.outcome, meeting=day, is_changed=is_changed)


def _answer(asked: Asked | None, **context: Any) -> Response:
    field = rules = None
    if asked and asked.answer:
        field = field_of(asked.card, asked.answer, context.get("outcome"))
    if asked and asked.problem:
        rules = broken_rules(asked.problem, asked.card)
    race = context.get("race")
    day = race.date if race else _day(str(asked.card.get("date", ""))) if asked else None
    code = asked.code if asked else 200
    return page("race/answer.html", code=code, asked=asked, field=field, rules=rules, day=day, **context)


def _ways(*, at: str = "", rules: Any = (), problem: Problem | None = None, **context: Any) -> Response:
    days, trouble = _days()
    date = _day(request.args.get("day")) or (days.race_days[0].date if days and days.race_days else None)
    meetings = _meetings(ask().races(date).races) if days and date else []
    return page(
        "race/ways.html",
        code=422 if at else 200,
        days=days,
        trouble=trouble,
        date=date,
        meetings=meetings,
        boxes=BOXES,
        at=at,
        rules=rules,
        problem=problem,
        today=dt.datetime.now(_MOST_TRACKS).date().isoformat(),
        **({"form": request.args} | context),
    )


def _days() -> tuple[RaceDaysOut | None, Problem | None]:
    try:
        return ask().race_days(limit=N_DAYS, before=_day(request.args.get("before"))), None
    except Unavailable as problem:
        return None, problem


def _meetings(races: list[ListedRaceOut]) -> list[tuple[str, list[ListedRaceOut]]]:
    """Return the races that can be predicted, track by track."""
    fields = [race for race in races if race.n_runners > 1]
    return [(track, list(found)) for track, found in groupby(fields, key=lambda race: race.track)]


def _day(words: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(words or "")
    except ValueError:
        return None


def _text(raw: bytes) -> str:
    """Return the text of a file in whichever encoding, as the importers read it."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
