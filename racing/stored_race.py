"""A stored race as the card that it once was, and apart from it how it came out."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Engine, select

from racing.database.tables import Dog, Race, Run, Track
from racing.domain.cards import FIRST_RESERVE, PRICE, Card, Runner, check_card
from racing.domain.errors import CardRefused, NoSuchRace
from racing.probabilities import market_probabilities

_RUN, _RACE = Run.__table__, Race.__table__  # type: ignore[attr-defined]
_DOG, _TRACK = Dog.__table__, Track.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Finish:
    """How one runner ran; ``None`` is unknown.

    ``market_probability`` is the market's at the off: BSP's, else the starting prices', within the race.
    """

    name: str
    box: int | None
    finish_position: int | None
    won: bool | None
    placed: bool | None
    time_s: float | None
    margin_lengths: float | None
    starting_price: float | None
    bsp: float | None
    place_bsp: float | None
    market_probability: float | None


@dataclass(frozen=True, slots=True)
class StoredRace:
    """A stored race: what was known before it, and how it came out."""

    id: int
    date: dt.date
    track: str
    race_number: int | None
    distance_m: int
    grade: str | None
    is_whole: bool
    is_simulated: bool
    is_outcome_known: bool
    card: Card | None
    """As before the race, names without form; ``None`` where it breaks a rule of cards."""
    why_no_card: str | None
    prices: str | None
    """Which prices every starter has: ``bsp``, else ``starting_price``, else none."""
    runners: tuple[Finish, ...]
    """Those that started, by box."""
    scratched: tuple[str, ...]

    @property
    def prices_at_the_off(self) -> list[float] | None:
        """Return each starter's price at the off; ``None`` unless all have the same kind of price."""
        return None if self.prices is None else [getattr(runner, self.prices) for runner in self.runners]


def stored_race(engine: Engine, race_id: int) -> StoredRace:
    """Return a stored race.

    A reserve that ran from an unknown box stands in the box of its number, and a rated price beyond
    the highest that a card takes stands as that one.

    Raises
    ------
    NoSuchRace
        If the database has no race of that number.
    """
    with engine.connect() as connection:
        race = connection.execute(
            select(_RACE, _TRACK.c.name.label("track"))
            .join(_TRACK, _TRACK.c.id == _RACE.c.track_id)
            .where(_RACE.c.id == race_id)
        ).one_or_none()
        if race is None:
            raise NoSuchRace(f"the database has no race {race_id}; GET /races?date=... lists those of a day")
        runs = connection.execute(
            select(_RUN, _DOG.c.name).join(_DOG, _DOG.c.id == _RUN.c.dog_id).where(_RUN.c.race_id == race_id)
        ).all()
    is_run = any(run.won is not None and not run.is_scratched for run in runs)
    starters = [run for run in runs if not run.is_scratched and (run.won is not None or not is_run)]
    starters.sort(key=lambda run: (run.box or run.rug or 99, run.name))
    prices = next((kind for kind in ("bsp", "starting_price") if _all_have(starters, kind)), None)
    market = _market(starters, prices)
    card, why_no_card = _card(race, starters, is_run=is_run)
    return StoredRace(
        id=race.id,
        date=race.date,
        track=race.track,
        race_number=race.number,
        distance_m=race.distance_m,
        grade=race.grade,
        is_whole=race.is_whole,
        is_simulated=race.is_simulated,
        is_outcome_known=is_run,
        card=card,
        why_no_card=why_no_card,
        prices=prices,
        runners=tuple(_finish(run, share) for run, share in zip(starters, market, strict=True)),
        scratched=tuple(sorted(run.name for run in runs if run not in starters)),
    )


def _all_have(runs: Sequence[Any], price: str) -> bool:
    return bool(runs) and all(getattr(run, price) is not None for run in runs)


def _market(runs: Sequence[Any], prices: str | None) -> list[float] | list[None]:
    if prices is None:
        return [None] * len(runs)
    odds = np.array([getattr(run, prices) for run in runs], float)
    shares: list[float] = market_probabilities(odds, np.zeros(len(runs), np.int64)).tolist()
    return shares


def _card(race: Any, runs: Sequence[Any], *, is_run: bool) -> tuple[Card | None, str | None]:
    """Return the card, or why there is none."""
    unknown = sorted(run.name for run in runs if not (run.box or run.rug))
    if unknown:
        return None, f"a card tells every runner's box, and that of {', '.join(unknown)} is not known"
    card = Card(
        date=race.date,
        track=race.track,
        distance_m=race.distance_m,
        grade=race.grade,
        race_number=race.number,
        runners=tuple(
            Runner(
                name=run.name,
                box=run.box or run.rug,
                rug=run.rug if run.box and (run.rug or 0) >= FIRST_RESERVE else None,
                is_reserve=False if is_run and (run.box or run.rug) >= FIRST_RESERVE else None,  # it ran
                weight_kg=run.weight_kg,
                rated_price=None if run.rated_price is None else min(run.rated_price, PRICE[1]),
                early_speed=run.early_speed,
            )
            for run in runs
        ),
    )
    try:
        check_card(card, today=race.date)
    except CardRefused as error:
        return None, str(error)
    return card, None


def _finish(run: Any, market_probability: float | None) -> Finish:
    values: dict[str, Any] = {name: getattr(run, name, None) for name in Finish.__dataclass_fields__}
    return Finish(**values | {"box": run.box or run.rug, "market_probability": market_probability})
