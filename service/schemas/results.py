"""Body and answer of ``POST /results``: races that were run."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, StrictBool, model_validator

from racing.importers.records.finish_codes import Outcome, finish_of
from racing.importers.records.source_record import MAX_MARGIN_LENGTHS, RowRefused
from racing.importers.results_api import RaceResult
from service.schemas.fields import (
    BoxOfRun,
    Bsp,
    Day,
    DistanceM,
    FirstSplit,
    Input,
    MarginOfRun,
    PlaceBsp,
    PlainName,
    PositionInRunning,
    StartingPrice,
    TimeOfRun,
    WeightOfRun,
)

MAX_CODE = 30  # what is looked at of a finish code; none is as long


def _known_finish(finish: int | str | None) -> int | str | None:
    if finish == 0 or (isinstance(finish, str) and not finish.isprintable()):
        raise ValueError(f"finish_position must be 1..10 or a code such as DNF, got {finish!r}")
    try:
        finish_of("" if finish is None else str(finish)[:MAX_CODE])
    except RowRefused as error:
        raise ValueError(str(error)) from None
    return finish


class RunnerResultIn(Input):
    """One starter and how it ran. Leave out what is unknown."""

    name: PlainName = Field(description="The dog's name.", examples=["Sir Tick"])
    box: BoxOfRun = None
    finish_position: Annotated[int | str | None, AfterValidator(_known_finish)] = Field(
        default=None,
        description="Place at the finish, 1 to 10; null did not finish, unless `won` is given. Or a code as "
        "results have it: `=2` in a dead heat, `F`, `DNF`, `DSQ` and their like ran and was not placed, "
        "`SCR`, `NR`, `RES` did not run.",
        examples=[2],
    )
    won: StrictBool | None = Field(
        default=None,
        description="Whether it won, where its place is not known: exchanges tell no more.",
        examples=[False],
    )
    time_s: TimeOfRun = None
    first_split_s: FirstSplit = None
    margin_lengths: MarginOfRun = Field(default=None, le=MAX_MARGIN_LENGTHS)
    weight_kg: WeightOfRun = None
    position_in_running: PositionInRunning = None
    starting_price: StartingPrice = None
    bsp: Bsp = None
    place_bsp: PlaceBsp = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.won is not None and self.finish_position is not None:
            finish = finish_of(str(self.finish_position)[:MAX_CODE])
            ran = finish.outcome in (Outcome.PLACED, Outcome.UNPLACED)
            if not ran or self.won != (finish.place == 1):
                rule = "won and finish_position must agree; leave out the one that is unknown"
                raise ValueError(f"{rule}, got {self.won} and {self.finish_position!r}")
        return self


class RaceResultIn(Input):
    """One race that was run, with every starter. Sent again, it replaces what was sent before."""

    date: Day = Field(description="Race day, not after today.", examples=["2026-03-14"])
    track: PlainName = Field(description="Track, under any name that it goes by.", examples=["Sandown Park"])
    distance_m: DistanceM = Field(description="Distance in metres.", examples=[515])
    race_number: int | None = Field(
        default=None,
        ge=1,
        le=20,
        description="Number of the race at the meeting; without one, the dogs say which race it is.",
        examples=[6],
    )
    grade: PlainName | None = Field(
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

    def as_result(self) -> RaceResult:
        """Return the race as :mod:`racing` takes it."""
        runners = [runner.model_dump(by_alias=False) for runner in self.runners]
        for runner in runners:
            runner["runner"] = runner.pop("name")
        return RaceResult(**{**self.__dict__, "runners": runners})


class ResultsIn(Input):
    """Races that were run."""

    races: list[RaceResultIn] = Field(min_length=1, max_length=100, description="At most 100 at once.")


class RaceTakenOut(BaseModel):
    """What became of one race."""

    status: Literal["imported", "already imported", "refused"] = Field(
        description="`already imported`: the same was sent before.", examples=["imported"]
    )
    n_added: int = Field(description="Runs that were new.", examples=[8])
    n_updated: int = Field(description="Known runs to which it added facts.", examples=[0])
    n_known: int = Field(description="Runners to which it added nothing.", examples=[0])
    problems: list[str] = Field(
        description="What was not believed, and why; also why a race is not whole.", examples=[[]]
    )


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
