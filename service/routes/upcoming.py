"""``/races/upcoming`` and its like: the races to come as they are stored, each with its prediction."""

import datetime as dt
from collections.abc import Callable
from typing import Annotated, TypeVar

import msgspec
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Engine

from racing.domain.bets import DEFAULT_TOP
from racing.race_day.report_cards import report_cards, report_scratching
from racing.race_day.upcoming import UpcomingRace, upcoming_races
from service.dependencies import DayPredictions, Events, JsonBody, RaceReads, Slots, Threads, WriteDatabase
from service.errors import NoAnswerInTime, OutcomeUnknown
from service.openapi.responses import json_content, problems
from service.prediction.bets import RequestedBets
from service.race_database import RaceDatabase
from service.routes.predict import Bets, Explain, Top
from service.routes.races import Number, has_learnt_of, race_number_of
from service.schemas.fields import Day
from service.schemas.prediction import PredictionOut
from service.schemas.races import StoredRaceOut, stored_race_out
from service.schemas.upcoming import (
    EXAMPLE_CARDS,
    EXAMPLE_SCRATCHING,
    CardsIn,
    ScratchingIn,
    StoredCardOut,
    StoredCardsOut,
    UpcomingOut,
    as_card,
    time_stated,
    upcoming_out,
)
from service.schemas.validation import validated
from service.security.api_key_auth import KEY_PROBLEMS, require_scope
from service.thread_pools import ThreadPools

T = TypeVar("T")
router = APIRouter(tags=["race day"])

OfDay = Annotated[
    Day | None,
    Query(
        description="All races of a day, run or not. Left out: those that are due.", examples=["2026-03-14"]
    ),
]
Predict = Annotated[bool, Query(description="Also answer each race's prediction, in short.")]


@router.get(
    "/races/upcoming",
    summary="The races to come",
    response_model=UpcomingOut,
    responses=problems(422, 503),
)
async def get_upcoming(
    request: Request, reads: RaceReads, day: DayPredictions, date: OfDay = None, predict: Predict = False
) -> Response:
    """List the races that are due from 30 minutes ago to 24 hours ahead, or all of a day.

    Of races whose time is not known, those of today at their track are due. With `predict=true` each has its
    prediction in short: made, logged and counted once for each version and state of its field (scratchings,
    boxes, prices), however often it is requested. Of a race that has been run it is the last that was made
    before, if this process has it.
    """
    now = dt.datetime.now(dt.UTC)
    races, as_json = await reads.run(lambda engine: _due(engine, now, date))
    predictions = await day.in_short(races, request.scope["request_id"]) if predict else {}
    return Response(upcoming_out(now, as_json, predictions), media_type="application/json")


@router.post(
    "/races/upcoming",
    summary="Store races to come",
    response_description="All of them are stored.",
    responses=problems(400, 413, 415, 422, 503, *KEY_PROBLEMS),
    dependencies=[require_scope("results")],
    response_model=StoredCardsOut,
    openapi_extra=json_content(CardsIn, EXAMPLE_CARDS),
)
async def post_cards(body: JsonBody, database: WriteDatabase, threads: Threads, events: Events) -> Response:
    """Send races to come as they are now; all of a request is stored or nothing.

    Of what is stated of a runner the newest counts, from any source; a runner that a newer card leaves out
    is scratched. Form on the cards is not stored: `GET /races/{race_id}/prediction` knows the runs that the
    database has. It is safe to send them again. Takes a key with the scope
    `results`.
    """
    stored = await _written(threads, database, lambda engine: _stored(engine, body))
    events.wake()
    return Response(stored, media_type="application/json")


@router.post(
    "/races/{race_id}/scratchings",
    summary="Scratch a runner",
    responses=problems(400, 404, 413, 415, 422, 503, *KEY_PROBLEMS),
    dependencies=[require_scope("results")],
    openapi_extra=json_content(ScratchingIn, EXAMPLE_SCRATCHING),
)
async def scratch(
    body: JsonBody, database: WriteDatabase, threads: Threads, slots: Slots, events: Events, race_id: Number
) -> StoredRaceOut:
    """Say that a runner of a race to come is withdrawn, or is not after all; the answer is the race then.

    It is safe to send it again. What another source states later counts instead. Takes a key with the scope
    `results`.
    """
    scratching, number = validated(ScratchingIn, body), race_number_of(race_id)
    now = dt.datetime.now(dt.UTC)
    race = await _written(
        threads,
        database,
        lambda engine: report_scratching(
            engine, number, scratching.name, now, is_scratched=scratching.is_scratched
        ),
    )
    events.wake()
    return stored_race_out(race, with_prices=False, has_learnt=has_learnt_of(slots))


@router.get(
    "/races/{race_id}/prediction",
    summary="The prediction of a stored race",
    response_model=PredictionOut,
    response_description="As that of `POST /predict`.",
    responses=problems(404, 422, 503),
)
async def get_race_prediction(
    request: Request,
    day: DayPredictions,
    race_id: Number,
    explain: Explain = False,
    bets: Bets = None,
    top: Top = DEFAULT_TOP,
) -> Response:
    """Answer the stored card as it is now, with its newest prices on it.

    It is made, logged and counted once for each version and state of the field, however often it is
    requested; of a race that has been run nothing is logged.
    """
    answer, version = await day.of_race(
        race_number_of(race_id),
        request.scope["request_id"],
        is_explained=explain,
        bets=RequestedBets.of(bets, top),
    )
    request.scope["model_version"] = version  # for the log line
    return Response(answer, media_type="application/json")


def _due(
    engine: Engine, now: dt.datetime, date: dt.date | None
) -> tuple[list[UpcomingRace], dict[int, bytes]]:
    """Return races, and each as JSON: written in the thread that reads them, for there may be hundreds."""
    races = upcoming_races(engine, now, date)
    return races, {race.id: msgspec.json.encode(race) for race in races}


def _stored(engine: Engine, body: bytes) -> str:
    """Store cards, and return what became of them as JSON; a hundred take longer than a loop may wait."""
    cards = validated(CardsIn, body)
    stored = report_cards(engine, [as_card(card) for card in cards.cards], time_stated(cards.stated_at))
    return StoredCardsOut(races=[StoredCardOut.model_validate(card) for card in stored]).model_dump_json()


async def _written(threads: ThreadPools, database: RaceDatabase, write: Callable[[Engine], T]) -> T:
    """Return what a function writes, in a thread; also when nobody waits for it any more."""

    def blocking() -> T:
        with database.engine() as engine:
            return write(engine)

    try:
        return await threads.results.call(blocking)
    except NoAnswerInTime as error:
        if not error.is_begun:
            raise
        raise OutcomeUnknown(f"{error}: it may yet be stored; it is safe to send it again") from None
