"""Fields that several bodies of requests have in common: the same limits and descriptions."""

import datetime as dt
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from racing.domain.cards import BOX, DISTANCE_M, EARLY_SPEED, PRICE, WEIGHT_KG
from racing.domain.off_time import OFF_AT
from racing.domain.plain_text import unprintable


class Input(BaseModel):
    """Strict: no unknown fields, no strings for numbers, no NaN."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class Output(BaseModel):
    """Read from the attributes of a value of ours."""

    model_config = ConfigDict(from_attributes=True)


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _as_day(value: Any) -> Any:
    """Let no number, time or short form be a day: pydantic would take ``"0"`` for 1970."""
    if type(value) is dt.date:
        return value
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return dt.date.fromisoformat(value)
    except ValueError:  # no such day
        pass
    raise _broken(f"a date is written YYYY-MM-DD, got {str(value)[:30]!r}")


def _as_plain_text(text: str) -> str:
    rule = unprintable(text)
    if rule is not None:
        raise _broken(rule)
    return text


def _broken(rule: str) -> PydanticCustomError:
    return PydanticCustomError("broken_rule", "{rule}", {"rule": rule})


Day = Annotated[dt.date, BeforeValidator(_as_day)]
PlainText = Annotated[str, AfterValidator(_as_plain_text)]
"""Of cards :func:`racing.domain.cards.check_card` requires the same, whichever way they come in."""
Name = Annotated[str, Field(min_length=1, max_length=60)]
Box = Annotated[int, Field(ge=BOX[0], le=BOX[1])]
DistanceM = Annotated[int, Field(ge=DISTANCE_M[0], le=DISTANCE_M[1])]
WeightKg = Annotated[float, Field(ge=WEIGHT_KG[0], le=WEIGHT_KG[1])]
Price = Annotated[float, Field(ge=PRICE[0], le=PRICE[1])]
EarlySpeed = Annotated[float, Field(ge=EARLY_SPEED[0], le=EARLY_SPEED[1])]
Grade = Annotated[str, Field(max_length=60)]
PlainName = Annotated[Name, AfterValidator(_as_plain_text)]
OffAt = Annotated[str, Field(pattern=OFF_AT)]
TimeS = Annotated[float, Field(ge=5, le=120)]

# Facts of a run: `null`, or left out, is unknown.
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
