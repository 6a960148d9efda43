"""``GET /race-days``, ``/races``, ``/races/{race_id}``: what the race database holds, race by race."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from racing.domain.errors import NoSuchRace
from racing.race_days import race_days, races_of_day
from racing.stored_race import stored_race
from service.dependencies import RaceReads, Slots
from service.openapi.responses import problems
from service.schemas.fields import Day
from service.schemas.races import (
    HasLearnt,
    RaceDaysOut,
    RacesOut,
    StoredRaceOut,
    race_days_out,
    races_out,
    stored_race_out,
)
from service.serving.slots import ModelSlots

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
async def get_race_days(
    reads: RaceReads, slots: Slots, limit: Limit = 50, before: Before = None
) -> RaceDaysOut:
    """List the days that have races, the newest first, page by page."""
    days = await reads.run(lambda engine: race_days(engine, limit=limit, before=before))
    return race_days_out(days, limit, has_learnt_of(slots))


@router.get("/races", summary="Stored races of a day", responses=problems(422, 503))
async def get_races(reads: RaceReads, slots: Slots, date: OfDay) -> RacesOut:
    """List the races of a day, by track and number."""
    return races_out(await reads.run(lambda engine: races_of_day(engine, date)), has_learnt_of(slots))


@router.get("/races/{race_id}", summary="One stored race", responses=problems(404, 422, 503))
async def get_race(reads: RaceReads, slots: Slots, race_id: Number, prices: Prices = "none") -> StoredRaceOut:
    """Show a race as the card that it was, ready for `POST /predict`, and apart from it how it came out."""
    number = race_number_of(race_id)
    race = await reads.run(lambda engine: stored_race(engine, number))
    return stored_race_out(race, with_prices=prices == "at_the_off", has_learnt=has_learnt_of(slots))


def has_learnt_of(slots: ModelSlots) -> HasLearnt:
    """Return how to find out whether the version that serves has learnt from a day."""
    champion = slots.peek()
    return champion.learning.has_learnt if champion else lambda _: None


def race_number_of(text: str) -> int:
    """Return the number of a race from an address; raises NoSuchRace where it is none."""
    if not (text.isascii() and text.isdigit() and len(text) < 11 and int(text) <= MAX_ID):
        raise NoSuchRace("a race is a whole number, such as 9120; GET /races?date=... lists those of a day")
    return int(text)
