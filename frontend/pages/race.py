"""Race: a stored race, a form guide or a card filled in, and what the model makes of it."""

import datetime as dt
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from frontend import api
from frontend.live import page
from frontend.race.card_form import BOXES, broken_rules, card_of_form, carried_card, filled_in, with_changes
from frontend.race.field import field_of
from frontend.race.prediction import CardPrediction, predict
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
    race = api.client().race(race_id, prices="at_the_off")
    return _stored(race, predict(race.card) if race.card else None)


@pages.get("/race/card")
def card() -> Response:
    """Show the card that was filled in; its address holds all of it, so it can be shared."""
    prediction = predict(card_of_form(request.args))
    if prediction.problem is not None and isinstance(prediction.problem, Refused):
        rules = broken_rules(prediction.problem, prediction.card)
        return _ways(at="card", problem=prediction.problem, rules=rules, form=request.args)
    fields: dict[str, Any] = dict(filled_in(request.args))
    return _answer(prediction, edit=url_for("race.show", **fields, _anchor="card"))


@pages.post("/race/guide")
def guide() -> Response:
    """Show the card of a form guide that was sent."""
    sent = request.files.get("guide")
    if sent is None or not sent.filename:
        return _ways(at="guide", rules=[("Form guide", "choose a CSV file first")], form=request.form)
    details: dict[str, Any] = {
        name: text for name in ("date", "track", "distance_m") if (text := request.form.get(name, ""))
    }
    try:
        made = api.client().card(_text(sent.read()), name=sent.filename, **details)
    except Refused as problem:
        rules = broken_rules(problem)
        return _ways(at="guide", problem=problem, rules=rules, form=request.form, file=sent.filename)
    return _answer(predict(made.card), guide=made, file=sent.filename)


@pages.post("/race/change")
def change() -> Response:
    """Show a card again, with the prices that were filled in and without who was scratched."""
    sent = carried_card(request.form.get("card", ""))
    if sent is None:
        return _ways(at="card", rules=[("The card", "it was not sent along whole; begin anew")])
    prediction = predict(with_changes(sent, request.form))
    race_id = request.form.get("race", "")
    if race_id.isascii() and race_id.isdigit() and len(race_id) < 11:
        return _stored(api.client().race(int(race_id), prices="at_the_off"), prediction, is_changed=True)
    return _answer(prediction)


@pages.get("/race/guide")
@pages.get("/race/change")
def again() -> AnyResponse:
    """Lead back to the beginning: what was sent is not stored."""
    return redirect(url_for("race.show"))


def _stored(race: StoredRaceOut, prediction: CardPrediction | None, *, is_changed: bool = False) -> Response:
    races = api.client().races(race.date).races
    meeting = [one for one in races if one.track == race.track and one.n_runners > 1]
    return _answer(prediction, race=race, outcome=race.outcome, meeting=meeting, is_changed=is_changed)


def _answer(prediction: CardPrediction | None, **context: Any) -> Response:
    field = rules = None
    if prediction and prediction.answer:
        field = field_of(prediction.card, prediction.answer, context.get("outcome"))
    if prediction and prediction.problem:
        rules = broken_rules(prediction.problem, prediction.card)
    race = context.get("race")
    day = race.date if race else _day(str(prediction.card.get("date", ""))) if prediction else None
    code = prediction.status_code if prediction else 200
    context |= {"prediction": prediction, "field": field, "rules": rules, "day": day}
    return page("race/answer.html", code=code, **context)


def _ways(*, at: str = "", rules: Any = (), problem: Problem | None = None, **context: Any) -> Response:
    days, days_problem = _days()
    date = _day(request.args.get("day")) or (days.race_days[0].date if days and days.race_days else None)
    meetings = _meetings(api.client().races(date).races) if days and date else []
    return page(
        "race/ways.html",
        code=422 if at else 200,
        days=days,
        days_problem=days_problem,
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
        return api.client().race_days(limit=N_DAYS, before=_day(request.args.get("before"))), None
    except Unavailable as problem:
        return None, problem


def _meetings(races: list[ListedRaceOut]) -> list[tuple[str, list[ListedRaceOut]]]:
    """Return the races that can be predicted, track by track."""
    fields = [race for race in races if race.n_runners > 1]
    return [(track, list(found)) for track, found in groupby(fields, key=lambda race: race.track)]


def _day(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text or "")
    except ValueError:
        return None


def _text(raw: bytes) -> str:
    """Return the text of a file in whichever encoding, as the importers read it."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
