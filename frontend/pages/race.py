"""A race: stored, of a form guide or filled in, what the model makes of it, and what a person changes."""

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from frontend import api
from frontend.filters import sentence
from frontend.keyed_change import make_change
from frontend.live import page
from frontend.pages.ways import day_of, fill_page, guide_page
from frontend.race.blueprint import pages
from frontend.race.card_form import broken_rules, card_of_form, carried_card, filled_in, with_changes
from frontend.race.field import field_of
from frontend.race.pairs import pairs_of
from frontend.race.prediction import CardPrediction, predict, predict_stored
from frontend.race.reports import (
    NAMES_OF_PLACES,
    ReportRefused,
    dead_heats,
    finish_order,
    result_of,
    scratching_of,
)
from frontend.race.sent_text import text_of
from frontend.race.sorting import sorting_of
from frontend.race.stakes import LARGEST_SHARE, staking_of
from frontend.race.track_country import country_of
from frontend.race.traps import jacket, trap_word
from frontend.race_day.clock import clock_of
from greyhound_client import Problem, Refused, TimedOut
from greyhound_client.models import RunnerFormOut, StoredRaceOut

MAX_RACE_DIGITS = 10


@pages.get("/race/<int:race_id>")
def stored(race_id: int) -> Response:
    """Show a stored race, run or still to come."""
    return _stored(race_id)


@pages.post("/race/<int:race_id>/result")
def note_result(race_id: int) -> AnyResponse:
    """Report how a race came out, with the key that was typed, and show the race again."""
    race = api.client().race(race_id)
    try:
        result = result_of(race, finish_order(request.form), dead_heats(request.form))
    except ReportRefused as refused:
        return _stored(race_id, code=422, result_error=str(refused))
    outcome = make_change(
        request.form.get("key", "").strip(),
        None,
        lambda by: by.send_results([result]),
        scope="results",
        shown_by="this race",
    )
    if outcome.error:
        return _stored(race_id, code=outcome.code, result_error=outcome.error)
    if outcome.made and (taken := outcome.made.races[0]).status == "refused":
        return _stored(race_id, code=422, result_error=sentence("; ".join(taken.problems)))
    return redirect(url_for("race.stored", race_id=race_id), 303)


@pages.post("/race/<int:race_id>/scratching")
def store_scratching(race_id: int) -> AnyResponse:
    """Store that a runner is scratched, or is not after all, with the key that was typed."""
    name, is_scratched = scratching_of(request.form)
    outcome = make_change(
        request.form.get("key", "").strip(),
        None,
        lambda by: by.scratch(race_id, name, is_scratched=is_scratched),
        scope="results",
        shown_by="this race",
    )
    if outcome.error:
        return _stored(race_id, code=outcome.code, scratching_error=outcome.error)
    return redirect(url_for("race.stored", race_id=race_id), 303)


@pages.get("/race/card")
def card() -> Response:
    """Show the card that was filled in; its address holds all of it, so it can be shared."""
    prediction = predict(card_of_form(request.args))
    if prediction.problem is not None and isinstance(prediction.problem, Refused):
        rules = broken_rules(prediction.problem, prediction.card)
        return fill_page(code=422, problem=prediction.problem, rules=rules)
    fields: dict[str, Any] = dict(filled_in(request.args))
    return _answer(prediction, edit=url_for("race.fill", **fields, _anchor="card"))


@pages.post("/race/guide")
def read_guide() -> Response:
    """Show the card of a form guide that was sent."""
    sent = request.files.get("guide")
    if sent is None or not sent.filename:
        return guide_page(code=422, rules=[("Form guide", "choose a CSV file first")], form=request.form)
    details: dict[str, Any] = {
        name: text for name in ("date", "track", "distance_m") if (text := request.form.get(name, ""))
    }
    try:
        made = api.client().card(text_of(sent.read()), name=sent.filename, **details)
    except Refused as problem:
        rules = broken_rules(problem)
        return guide_page(code=422, problem=problem, rules=rules, form=request.form, file=sent.filename)
    return _answer(predict(made.card), guide=made, file=sent.filename)


@pages.post("/race/change")
def change() -> Response:
    """Show a card again, with the prices that were filled in and without who was scratched."""
    sent = carried_card(request.form.get("card", ""))
    if sent is None:
        return fill_page(code=422, rules=[("The card", "it was not sent along whole; begin anew")])
    race_id = request.form.get("race", "")
    is_stored = race_id.isascii() and race_id.isdigit() and len(race_id) <= MAX_RACE_DIGITS
    context: dict[str, Any] = {"is_changed": True}
    if is_stored:
        context |= _of_stored(api.client().race(int(race_id), prices="at_the_off"))
    else:
        context["country"] = country_of(str(sent.get("track", "")))
    changed = with_changes(sent, request.form, trap_word=trap_word(context["country"]))
    return _answer(predict(changed.card), steps_in=changed.steps_in, **context)


@pages.get("/race/change")
def again() -> AnyResponse:
    """Lead back to the beginning: what was sent is not stored."""
    return redirect(url_for("race.show"))


def _stored(race_id: int, **context: Any) -> Response:
    race = api.client().race(race_id, prices="at_the_off")
    prediction = None
    if race.card:
        prediction = predict(race.card) if race.outcome else predict_stored(race)
    return _answer(prediction, **_of_stored(race), **context)


def _of_stored(race: StoredRaceOut) -> dict[str, Any]:
    races = api.client().races(race.date).races
    meeting = [one for one in races if one.track == race.track and one.n_runners > 1]
    form = _form_lines(race.id)
    clock, now = clock_of(race), dt.datetime.now(dt.UTC)
    is_over = clock.is_past(now) if clock else race.date <= now.date()
    return {
        "race": race,
        "country": race.country,
        "outcome": race.outcome,
        "meeting": meeting,
        "clock": clock,
        "is_over": is_over,
        "form_lines": form,
        "entries": {one.name: one for one in race.runners or []},
    }


def _form_lines(race_id: int) -> dict[str, RunnerFormOut]:
    """Return the last runs of each runner; none where the service cannot say, as a field stands without."""
    try:
        return {one.name: one for one in api.client().race_form(race_id).runners}
    except (Problem, TimedOut):
        return {}


def _address_with(**changes: str) -> str:
    """Return this page's address with something in it changed."""
    return f"{request.path}?{urlencode(request.args.to_dict() | changes)}#field"


def _answer(prediction: CardPrediction | None, *, code: int = 200, **context: Any) -> Response:
    typed = request.form if request.method == "POST" else request.args
    sorting = sorting_of(typed.get("sort") or typed.get("sorted") or "")
    staking = staking_of(typed)
    race = context.get("race")
    if "country" not in context:
        context["country"] = country_of(str(prediction.card.get("track", ""))) if prediction else None
    country = context["country"]
    field = rules = None
    if prediction and prediction.answer:
        outcome = context.get("outcome")
        field = field_of(prediction.card, prediction.answer, outcome, country=country, staking=staking)
    if prediction and prediction.problem:
        rules = broken_rules(prediction.problem, prediction.card)
    day = race.date if race else day_of(str(prediction.card.get("date", ""))) if prediction else None
    if prediction and code == 200:
        code = prediction.status_code
    pairs = pairs_of(prediction.answer) if prediction and prediction.answer else None
    context |= {"prediction": prediction, "field": field, "pairs": pairs, "rules": rules, "day": day}
    is_posted = request.method == "POST"
    context |= {
        "sorting": sorting,
        "staking": staking,
        "largest_share": LARGEST_SHARE,
        "jacket": jacket(country),
        "trap_word": trap_word(country),
        "is_posted": is_posted,
        "is_live": race is not None and not context.get("outcome") and not is_posted,
        "address_with": _address_with,
        "names_of_places": NAMES_OF_PLACES,
    }
    return page("race/answer.html", code=code, **context)
