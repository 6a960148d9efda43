"""``GET /race-days``, ``/races``, ``/races/{race_id}``: what the race database holds, race by race."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy import Engine

from model_registry.learning import Learning
from racing.domain.errors import NoSuchRace
from racing.race_days import race_days, races_of_day
from racing.stored_race import stored_race
from service.card_json import answer_with_card
from service.fields import Day
from service.openapi import problems
from service.prediction_log.race_queries import Result, run_query
from service.races import RaceDaysOut, RacesOut, StoredRaceOut, race_days_out, races_out, stored_race_out
from service.running import Running, Service

router = APIRouter(tags=["races"])
MAX_ID = 2**31 - 1

Limit = Annotated[int, Query(ge=1, le=366, description="Days a page.")]
Before = Annotated[
    Day | None, Query(description="Days before this one; see `next_before`.", examples=["2026-03-15"])
]
OfDay = Annotated[Day, Query(description="The day.", examples=["2026-03-14"])]
Number = Annotated[str, Path(description="Number of the race, as listed.", examples=["9120"])]
Prices = Annotated[
    Literal["none", "at_the_off"],
    Query(
        description="`at_the_off` puts each runner's BSP (or starting price, where not all have a BSP) on "
        "the card as `price`, so that the answer has the market's view too. That is hindsight: these prices "
        "were known only as the boxes opened. `none` leaves the card as it was before.",
    ),
]


@router.get("/race-days", summary="Days of stored races", responses=problems(422, 503))
async def get_race_days(service: Service, limit: Limit = 50, before: Before = None) -> RaceDaysOut:
    """List the days that have races, the newest first, page by page."""
    days = await _query(service, lambda engine: race_days(engine, limit=limit, before=before))
    return race_days_out(days, limit, _learning(service))


@router.get("/races", summary="Stored races of a day", responses=problems(422, 503))
async def get_races(service: Service, date: OfDay) -> RacesOut:
    """List the races of a day, by track and number."""
    return races_out(await _query(service, lambda engine: races_of_day(engine, date)), _learning(service))


@router.get(
    "/races/{race_id}",
    summary="One stored race",
    response_model=StoredRaceOut,
    responses=problems(404, 422, 503),
)
async def get_race(service: Service, race_id: Number, prices: Prices = "none") -> Response:
    """Show a race as the card that it was, ready for `POST /predict`, and apart from it how it came out."""
    number = _number(race_id)
    race = await _query(service, lambda engine: stored_race(engine, number))
    shown = stored_race_out(race, with_prices=prices == "at_the_off", learning=_learning(service))
    return answer_with_card(shown)


async def _query(service: Running, query: Callable[[Engine], Result]) -> Result:
    return await run_query(service.reads, service.threads.stored_races, query)


def _learning(service: Running) -> Learning | None:
    champion = service.slots.peek()
    return champion.learning if champion else None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 11 and int(text) <= MAX_ID):
        raise NoSuchRace("a race is a whole number, such as 9120; GET /races?date=... lists those of a day")
    return int(text)
