"""``GET /dogs``, ``/dogs/{dog_id}``, ``/races/{race_id}/form``: dogs by name, and what they did."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from racing.dogs.form_lines import race_form
from racing.dogs.profile import dog_profile
from racing.dogs.search import MAX_QUERY, find_dogs
from racing.domain.errors import NoSuchDog
from service.dependencies import RaceReads
from service.openapi.responses import problems
from service.routes.races import MAX_ID, Number, race_number_of
from service.schemas.dogs import DogOut, FoundDogsOut, RaceFormOut
from service.schemas.fields import Day, PlainText

router = APIRouter(tags=["races"])

Name = Annotated[
    PlainText,
    Query(
        min_length=1,
        max_length=MAX_QUERY,
        description="Any part of a dog's name, or several; case, accents, apostrophes and spaces do not "
        "matter. Signs such as % mean nothing.",
        examples=["sir tick"],
    ),
]
Limit = Annotated[int, Query(ge=1, le=100, description="At most so many dogs.")]
Runs = Annotated[int, Query(ge=1, le=200, description="Runs a page.")]
Before = Annotated[
    Day | None, Query(description="Runs before this day; see `next_before`.", examples=["2026-03-15"])
]
DogNumber = Annotated[str, Path(description="Number of the dog, as found.", examples=["1412"])]


@router.get("/dogs", summary="Dogs by name", responses=problems(422, 503))
async def get_dogs(reads: RaceReads, q: Name, limit: Limit = 20) -> FoundDogsOut:
    """Find stored dogs by any part of their names; where there is none, names that were probably meant."""
    return FoundDogsOut.model_validate(await reads.run(lambda engine: find_dogs(engine, q, limit=limit)))


@router.get("/dogs/{dog_id}", summary="One dog", responses=problems(404, 422, 503))
async def get_dog(reads: RaceReads, dog_id: DogNumber, limit: Runs = 30, before: Before = None) -> DogOut:
    """Show a dog: its runs, its ratings over time, and how it fared by box and by track."""
    number = _number(dog_id)
    dog = await reads.run(lambda engine: dog_profile(engine, number, limit=limit, before=before))
    return DogOut.model_validate(dog)


@router.get("/races/{race_id}/form", summary="Form lines of a race", responses=problems(404, 503))
async def get_race_form(reads: RaceReads, race_id: Number) -> RaceFormOut:
    """Show each runner's last six runs of days before the race's: none of its own day, and none later."""
    number = race_number_of(race_id)
    return RaceFormOut.model_validate(await reads.run(lambda engine: race_form(engine, number)))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 11 and int(text) <= MAX_ID):
        raise NoSuchDog("a dog is a whole number, such as 1412; GET /dogs?q=... finds dogs by name")
    return int(text)
