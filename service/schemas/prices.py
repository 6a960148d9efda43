"""Body and answer of ``POST /prices``: what the market offers before the off."""

import datetime as dt
from typing import Annotated

from pydantic import Field, model_validator

from racing.domain.off_time import OFF_AT
from racing.race_day.report_prices import MAX_REPORTS, PriceReport, PricesTaken, QuotedRunner
from service.schemas.fields import Box, Input, Output, PlainName, Price

Volume = Annotated[float, Field(ge=0, le=1e9)]
_TIME = OFF_AT.replace(")?(Z|", r"([.][0-9]{1,6})?)?(Z|")


class QuotedRunnerIn(Input):
    """A runner, by its name or its box, and its prices; leave out what is unknown."""

    name: PlainName | None = Field(default=None, description="The dog's name.", examples=["Sir Tick"])
    box: Box | None = Field(default=None, description="Its box, where no name is given.", examples=[1])
    back: Price | None = Field(default=None, description="Best decimal odds to back.", examples=[3.4])
    lay: Price | None = Field(default=None, description="Best decimal odds to lay.", examples=[3.5])
    last: Price | None = Field(default=None, description="Last odds that were matched.", examples=[3.45])
    volume: Volume | None = Field(default=None, description="Matched until then.", examples=[1250.0])

    @model_validator(mode="after")
    def _says_who_and_what(self) -> "QuotedRunnerIn":
        if (self.name is None) == (self.box is None):
            raise ValueError("a runner is known by its name or its box, one of them")
        if self.back is self.lay is self.last is None:
            raise ValueError("a runner has one of back, lay and last, or more")
        return self


class PriceReportIn(Input):
    """The prices of a race's runners at one time."""

    race_id: int = Field(
        ge=1,
        le=2**31 - 1,
        description="Number of the race, as `GET /races/upcoming` has it.",
        examples=[9120],
    )
    at: str = Field(
        pattern=_TIME,
        description="When they were offered, with its zone: at most 7 days before the off that is due and "
        "1 day after it.",
        examples=["2026-03-14T08:31:10Z"],
    )
    runners: list[QuotedRunnerIn] = Field(
        min_length=1,
        max_length=10,
        description="Those whose prices are known.",
        examples=[[{"name": "Sir Tick", "back": 3.4, "lay": 3.5}]],
    )

    @model_validator(mode="after")
    def _is_a_time(self) -> "PriceReportIn":
        self.time()
        return self

    def time(self) -> dt.datetime:
        """Return when they were offered, UTC, without a zone."""
        try:
            return dt.datetime.fromisoformat(self.at).astimezone(dt.UTC).replace(tzinfo=None)
        except (ValueError, OverflowError):
            raise ValueError(f"at is a time with its zone, got {self.at!r}") from None

    def as_report(self) -> PriceReport:
        """Return the prices as :mod:`racing` takes them."""
        runners = tuple(QuotedRunner(**runner.model_dump()) for runner in self.runners)
        return PriceReport(race_id=self.race_id, at=self.time(), runners=runners)


class PricesIn(Input):
    """Prices of races to come."""

    prices: list[PriceReportIn] = Field(
        min_length=1,
        max_length=MAX_REPORTS,
        description=f"At most {MAX_REPORTS} at once; a race may stand in several, of several times.",
    )


class PricesOut(Output):
    """What became of the prices; all of them are stored."""

    n_races: int = Field(description="Races that they are of.", examples=[1])
    n_prices: int = Field(description="Runners' prices that were new.", examples=[1])
    n_known: int = Field(
        description="Those that were stored already, or are older than what their minute has.", examples=[0]
    )


def prices_out(taken: PricesTaken) -> PricesOut:
    """Return the answer."""
    return PricesOut(n_races=taken.n_races, n_prices=taken.n_prices, n_known=taken.n_known)


EXAMPLE_PRICES = {
    "prices": [
        {
            "race_id": 9120,
            "at": "2026-03-14T08:31:10Z",
            "runners": [
                {"name": "Sir Tick", "back": 3.4, "lay": 3.5, "last": 3.45, "volume": 1250.0},
                {"box": 2, "back": 5.0, "lay": 5.3},
            ],
        }
    ]
}
"""Prices that anyone may send."""
