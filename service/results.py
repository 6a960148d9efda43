"""What goes over the wire for ``POST /results``: races that were run."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from racing.cards import BOX, DISTANCE_M, PRICE, WEIGHT_KG
from racing.importers.claims import MAX_MARGIN_LENGTHS
from racing.importers.told import ToldRace

Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f]*$")]
Price = Annotated[float, Field(ge=PRICE[0], le=PRICE[1])]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class RunnerResultIn(_Input):
    """One starter and how it ran. Leave out what is unknown, and runners that were scratched."""

    name: Name = Field(description="The dog's name.", examples=["Sir Tick"])
    box: int | None = Field(
        default=None, ge=BOX[0], le=BOX[1], description="Box that it started from.", examples=[1]
    )
    finish_position: int | None = Field(
        default=None, ge=1, le=10, description="Place at the finish; null did not finish.", examples=[1]
    )
    time_s: float | None = Field(
        default=None, ge=5, le=120, description="The runner's own time in seconds.", examples=[29.61]
    )
    first_split_s: float | None = Field(
        default=None, ge=0.5, le=60, description="Seconds to the first sectional mark.", examples=[5.12]
    )
    margin_lengths: float | None = Field(
        default=None,
        ge=0,
        le=MAX_MARGIN_LENGTHS,
        description="Lengths behind the winner; for the winner, lengths over the second.",
        examples=[2.5],
    )
    weight_kg: float | None = Field(
        default=None, ge=WEIGHT_KG[0], le=WEIGHT_KG[1], description="Weight in kilograms.", examples=[31.2]
    )
    position_in_running: str | None = Field(
        default=None,
        pattern=r"^[0-9]{1,10}$",
        description="Position at each call, one digit a call.",
        examples=["332"],
    )
    starting_price: Price | None = Field(
        default=None, description="Starting price, decimal odds.", examples=[4.6]
    )
    bsp: Price | None = Field(
        default=None, description="Betfair starting price, decimal odds.", examples=[5.1]
    )
    place_bsp: Price | None = Field(
        default=None, description="Betfair starting price to be placed, decimal odds.", examples=[1.9]
    )


class RaceResultIn(_Input):
    """One race that was run, with every starter. Sent again, it replaces what was sent before."""

    date: dt.date = Field(description="Race day, not after today.", examples=["2026-03-14"])
    track: Name = Field(description="Track, under any name that it goes by.", examples=["Sandown Park"])
    distance_m: int = Field(
        ge=DISTANCE_M[0], le=DISTANCE_M[1], description="Distance in metres.", examples=[515]
    )
    race_number: int = Field(ge=1, le=20, description="Number of the race at the meeting.", examples=[6])
    grade: Name | None = Field(
        default=None, description="Grade as the source writes it.", examples=["Grade 5"]
    )
    runners: list[RunnerResultIn] = Field(
        min_length=2,
        max_length=10,
        description="Every starter.",
        examples=[
            [{"name": "Sir Tick", "finish_position": 1}, {"name": "Nala's Ghost", "finish_position": 2}]
        ],
    )

    def told(self) -> ToldRace:
        """Return the race in the words of :mod:`racing`."""
        runners = [runner.model_dump(by_alias=False) for runner in self.runners]
        for runner in runners:
            runner["runner"] = runner.pop("name")
        return ToldRace(**{**self.__dict__, "runners": runners})


class ResultsIn(_Input):
    """Races that were run."""

    races: list[RaceResultIn] = Field(min_length=1, max_length=100, description="At most 100 at once.")


class RaceTakenOut(BaseModel):
    """What became of one race."""

    status: Literal["imported", "already imported", "refused"] = Field(
        description="`already imported`: it was told before in the same words.", examples=["imported"]
    )
    n_added: int = Field(description="Runs that were new.", examples=[8])
    n_updated: int = Field(description="Known runs of which it told more.", examples=[0])
    n_known: int = Field(description="Runners of which it told nothing new.", examples=[0])
    problems: list[str] = Field(description="What was not believed, and why.", examples=[[]])


class ResultsOut(BaseModel):
    """What became of results; those that were taken are stored."""

    races: list[RaceTakenOut] = Field(description="In the order of the request.")
    ratings: Literal["follow", "current"] = Field(
        description="`follow`: the ratings learn from these races within seconds; until then answers "
        "warn of `ratings_behind`. `current`: nothing changed.",
        examples=["follow"],
    )


EXAMPLE_RESULTS = {
    "races": [
        {
            "date": "2026-03-14",
            "track": "Sandown Park",
            "distance_m": 515,
            "race_number": 6,
            "grade": "Grade 5",
            "runners": [
                {"name": "Sir Tick", "box": 1, "finish_position": 1, "time_s": 29.52, "bsp": 2.6},
                {"name": "Nala's Ghost", "box": 2, "finish_position": 3, "margin_lengths": 4.25, "bsp": 3.9},
                {"name": "Quiet Harbour", "box": 4, "finish_position": 2, "margin_lengths": 1.5, "bsp": 3.4},
            ],
        }
    ]
}
"""Results that anyone may send."""
