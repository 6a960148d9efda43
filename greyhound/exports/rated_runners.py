"""The races of a day with a version's fair prices, as tools for the exchange know them."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Engine, select

from racing.database.tables import Dog, Race, Run
from racing.domain.cards import Card
from racing.domain.names import plain_name
from racing.race_days import races_of_day
from racing.stored_race import StoredRace, stored_race

if TYPE_CHECKING:
    from service.schemas.prediction import PredictionOut, RunnerOut

_RUN, _DOG, _RACE = Run.__table__, Dog.__table__, Race.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedRunner:
    """A runner with its fair price; ``None`` is unknown."""

    race_id: int
    date: dt.date
    track: str
    race_number: int | None
    distance_m: int
    off_at: dt.datetime | None
    """UTC, without a zone."""
    market_id: str | None
    """Betfair's, beginning with ``1.``."""
    number: int | None
    """On its rug, by which Betfair names it; a reserve's differs from its box."""
    box: int
    name: str
    win_probability: float
    place_probability: float
    fair_price: float
    model_version: int

    @property
    def selection(self) -> str:
        """Return the runner's name as Betfair writes it: ``1. Sir Tick``."""
        return self.name if self.number is None else f"{self.number}. {self.name}"


@dataclass(frozen=True, slots=True)
class RatedDay:
    """The runners of a day, by track, race and box, and what must be known of them."""

    runners: tuple[RatedRunner, ...]
    warnings: tuple[str, ...]


def rated_day(engine: Engine, date: dt.date, answer_to: Callable[[Card], "PredictionOut"]) -> RatedDay:
    """Return the runners of each race of a day as of its morning, whether it is run or to come.

    Those that do not start have no price: the scratched, and reserves that are not known to run.
    """
    runners: list[RatedRunner] = []
    warnings: list[str] = []
    without_market = 0
    for listed in races_of_day(engine, date):
        race = stored_race(engine, listed.id)
        name = f"{race.track} race {race.race_number or '?'}"
        if race.card is None:
            warnings.append(f"{name} is left out: {race.why_no_card}")
            continue
        answer = answer_to(race.card)
        rated = _rated(engine, race, answer)
        without_market += not (rated and rated[0].market_id)
        runners += rated
        learnt = [one.text for one in answer.warnings if one.code == "learnt_day"]
        warnings += [text for text in learnt if text not in warnings]
    if without_market:
        warnings.append(f"{without_market} races have no market id of Betfair")
    return RatedDay(tuple(runners), tuple(warnings))


def _rated(engine: Engine, race: StoredRace, answer: "PredictionOut") -> list[RatedRunner]:
    with engine.connect() as connection:
        facts = connection.execute(
            select(_RACE.c.market_id, _RACE.c.off_at).where(_RACE.c.id == race.id)
        ).one()
        numbers: dict[str, int | None] = {
            name: rug or box
            for name, rug, box in connection.execute(
                select(_DOG.c.name, _RUN.c.rug, _RUN.c.box)
                .join(_DOG, _DOG.c.id == _RUN.c.dog_id)
                .where(_RUN.c.race_id == race.id)
            )
        }

    def rated(runner: "RunnerOut") -> RatedRunner:
        assert runner.win_probability is not None
        assert runner.place_probability is not None
        assert runner.fair_price is not None
        return RatedRunner(
            race_id=race.id,
            date=race.date,
            track=race.track,
            race_number=race.race_number,
            distance_m=race.distance_m,
            off_at=facts.off_at,
            market_id=_market_id(facts.market_id),
            number=numbers.get(runner.name),
            box=runner.box,
            name=plain_name(runner.name),
            win_probability=runner.win_probability,
            place_probability=runner.place_probability,
            fair_price=runner.fair_price,
            model_version=answer.model_version,
        )

    return [rated(runner) for runner in answer.runners if runner.status == "starter"]


def _market_id(stored: str | None) -> str | None:
    """Return Betfair's id of a market as its exchange writes it; monthly files leave out the ``1.``."""
    return stored if stored is None or "." in stored else f"1.{stored}"
