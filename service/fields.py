"""Fields that several bodies of requests have in common: the same limits, said in the same words."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from racing.cards import BOX, DISTANCE_M, EARLY_SPEED, PRICE, WEIGHT_KG


class Input(BaseModel):
    """Strict: no unknown fields, no strings for numbers, no NaN."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


Name = Annotated[str, Field(min_length=1, max_length=60)]
Box = Annotated[int, Field(ge=BOX[0], le=BOX[1])]
DistanceM = Annotated[int, Field(ge=DISTANCE_M[0], le=DISTANCE_M[1])]
WeightKg = Annotated[float, Field(ge=WEIGHT_KG[0], le=WEIGHT_KG[1])]
Price = Annotated[float, Field(ge=PRICE[0], le=PRICE[1])]
EarlySpeed = Annotated[float, Field(ge=EARLY_SPEED[0], le=EARLY_SPEED[1])]
Grade = Annotated[str, Field(max_length=60)]
TimeS = Annotated[float, Field(ge=5, le=120)]

# What is told of a run: `null`, or left out, is unknown.
BoxOfRun = Annotated[Box | None, Field(description="Box that it started from.", examples=[4])]
WeightOfRun = Annotated[WeightKg | None, Field(description="Weight in kilograms.", examples=[31.2])]
PlaceInRun = Annotated[int | None, Field(ge=1, le=10, examples=[2])]
TimeOfRun = Annotated[TimeS | None, Field(description="The runner's own time in seconds.", examples=[29.61])]
FirstSplit = Annotated[
    float | None,
    Field(ge=0.5, le=60, description="Seconds to the first sectional mark.", examples=[5.12]),
]
MarginOfRun = Annotated[
    float | None,
    Field(
        ge=0,
        description="Lengths behind the winner; for the winner, lengths over the second.",
        examples=[2.5],
    ),
]
PositionInRunning = Annotated[
    str | None,
    Field(pattern=r"^[0-9]{1,10}$", description="Position at each call, one digit a call.", examples=["332"]),
]
StartingPrice = Annotated[Price | None, Field(description="Starting price, decimal odds.", examples=[4.6])]
Bsp = Annotated[Price | None, Field(description="Betfair starting price, decimal odds.", examples=[5.1])]
PlaceBsp = Annotated[
    Price | None,
    Field(description="Betfair starting price to be placed, decimal odds.", examples=[1.9]),
]
