"""A stored race as the card that it once was, and apart from it how it came out."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, select

from racing.database.one_state import reading_one_state
from racing.database.tables import Dog, Race, Run, Track
from racing.domain.cards import FIRST_RESERVE, N_RUNNERS, PRICE, Card, Runner, check_card, status_of
from racing.domain.errors import CardRefused, NoSuchRace
from racing.domain.off_time import off_time
from racing.importers.prices_before_off import prices_before_off
from racing.importers.runner_prices import latest_prices
from racing.probabilities import market_probabilities
from racing.race_day.upcoming import region_of, utc

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
class Entry:
    """A runner as it was entered; ``None`` is unknown."""

    name: str
    box: int | None
    """Where it starts; of a reserve the number that it has on the card."""
    trainer: str | None
    is_scratched: bool
    price: float | None
    """The last known before the off."""


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
    kind_of_prices: str | None
    """Which prices at the off every starter has: ``bsp``, else ``starting_price``, else none."""
    runners: tuple[Finish, ...]
    """Those that started, by box."""
    scratched: tuple[str, ...]
    country: str | None = None
    zone: str | None = None
    off_at: dt.datetime | None = None
    """When it was due to start, UTC."""
    entries: tuple[Entry, ...] = ()
    """Every runner, the scratched and the reserves too, by box."""

    @property
    def priced_card(self) -> Card | None:
        """Return the card with the last known prices before the off on it."""
        if self.card is None:
            return None
        prices = {entry.name: entry.price for entry in self.entries}
        runners = tuple(replace(runner, price=prices[runner.name]) for runner in self.card.runners)
        return replace(self.card, runners=runners)

    @property
    def prices_at_the_off(self) -> list[float] | None:
        """Return each starter's price at the off; ``None`` unless all have the same kind of price."""
        if self.kind_of_prices is None:
            return None
        return [getattr(runner, self.kind_of_prices) for runner in self.runners]


def stored_race(engine: Engine, race_id: int) -> StoredRace:
    """Return a stored race.

    A reserve that ran from an unknown box stands in the box of its number, and a rated price beyond
    the highest that a card takes stands as that one. The card of a race to come has its scratched runners.

    Raises
    ------
    NoSuchRace
        If the database has no race of that number.
    """
    found = stored_races(engine, [race_id])
    if not found:
        raise NoSuchRace(f"the database has no race {race_id}; GET /races?date=... lists those of a day")
    return found[0]


def stored_races(engine: Engine, race_ids: Sequence[int]) -> list[StoredRace]:
    """Return those of some races that are stored, by their numbers."""
    with reading_one_state(engine) as connection:
        return races_in(connection, race_ids)


def races_in(connection: Connection, race_ids: Sequence[int]) -> list[StoredRace]:
    """Return those of some races that are stored, as a transaction sees them."""
    track = (_TRACK.c.name, _TRACK.c.country, _TRACK.c.zone)
    races = connection.execute(
        select(_RACE, *track)
        .join(_TRACK, _TRACK.c.id == _RACE.c.track_id)
        .where(_RACE.c.id.in_(race_ids))
        .order_by(_RACE.c.id)
    ).all()
    runs: dict[int, list[Any]] = defaultdict(list)
    query = select(_RUN, _DOG.c.name).join(_DOG, _DOG.c.id == _RUN.c.dog_id)
    for run in connection.execute(query.where(_RUN.c.race_id.in_(race_ids))):
        runs[run.race_id].append(run)
    prices = latest_prices(connection, [race.id for race in races])
    early = prices_before_off(connection, _RACE.c.id.in_(race_ids))
    return [_stored_race(race, runs[race.id], prices.get(race.id, {}), early) for race in races]


def _stored_race(
    race: Any, runs: Sequence[Any], last: Mapping[int, float], early: Mapping[int, float]
) -> StoredRace:
    is_run = any(run.won is not None and not run.is_scratched for run in runs)
    starters = [run for run in runs if not run.is_scratched and (run.won is not None or not is_run)]
    starters.sort(key=_by_box)
    prices = next((kind for kind in ("bsp", "starting_price") if _all_have(starters, kind)), None)
    market = _market(starters, prices)
    on_card = starters if is_run else [run for run in runs if not run.is_scratched or run.box or run.rug]
    card, why_no_card = _card(race, sorted(on_card, key=_by_box), early, is_run=is_run)
    country, zone = region_of(race)
    return StoredRace(
        id=race.id,
        date=race.date,
        track=race.name,
        race_number=race.number,
        distance_m=race.distance_m,
        grade=race.grade,
        is_whole=race.is_whole,
        is_simulated=race.is_simulated,
        is_outcome_known=is_run,
        card=card,
        why_no_card=why_no_card,
        kind_of_prices=prices,
        runners=tuple(_finish(run, share) for run, share in zip(starters, market, strict=True)),
        scratched=tuple(sorted(run.name for run in runs if run not in starters)),
        country=country,
        zone=zone,
        off_at=utc(race.off_at),
        entries=tuple(_entry(run, last.get(run.dog_id)) for run in sorted(runs, key=_by_box)),
    )


def _by_box(run: Any) -> tuple[int, str]:
    return run.box or run.rug or 99, run.name


def _entry(run: Any, last_price: float | None) -> Entry:
    price = last_price or run.last_price
    if price is not None and not PRICE[0] <= price <= PRICE[1]:
        price = None
    return Entry(run.name, run.box or run.rug, run.trainer, run.is_scratched, price)


def _all_have(runs: Sequence[Any], price: str) -> bool:
    return bool(runs) and all(getattr(run, price) is not None for run in runs)


def _market(runs: Sequence[Any], prices: str | None) -> list[float] | list[None]:
    if prices is None:
        return [None] * len(runs)
    odds = np.array([getattr(run, prices) for run in runs], float)
    shares: list[float] = market_probabilities(odds, np.zeros(len(runs), np.int64)).tolist()
    return shares


def _card(
    race: Any, runs: Sequence[Any], early: Mapping[int, float], *, is_run: bool
) -> tuple[Card | None, str | None]:
    """Return the card, or why there is none."""
    unknown = sorted(run.name for run in runs if not (run.box or run.rug))
    if unknown:
        return None, f"a card tells every runner's box, and that of {', '.join(unknown)} is not known"
    card = Card(
        date=race.date,
        track=race.name,
        distance_m=race.distance_m,
        grade=race.grade,
        race_number=race.number,
        off_at=_off_at(race),
        runners=tuple(
            Runner(
                name=run.name,
                box=run.box or run.rug,
                rug=run.rug if run.box and (run.rug or 0) >= FIRST_RESERVE else None,
                is_reserve=False if is_run and (run.box or run.rug) >= FIRST_RESERVE else None,  # it ran
                is_scratched=run.is_scratched,
                weight_kg=run.weight_kg,
                price_10m=early.get(run.id),
                rated_price=None if run.rated_price is None else min(run.rated_price, PRICE[1]),
                early_speed=run.early_speed,
            )
            for run in runs
        ),
    )
    starters = [runner.name for runner in card.runners if status_of(runner) == "starter"]
    if len(starters) < N_RUNNERS[0]:
        left = f"only {starters[0]} is left" if starters else "nobody is left"
        return None, f"{left} of {len(card.runners)} runners, and a race needs two that start"
    try:
        check_card(card, today=race.date)
    except CardRefused as error:
        return None, str(error)
    return card, None


def _off_at(race: Any) -> str | None:
    """Return when the race was due to start as a card says it, if that is about its day."""
    if race.off_at is None:
        return None
    text = race.off_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return text if off_time(text, race.date) else None


def _finish(run: Any, market_probability: float | None) -> Finish:
    values: dict[str, Any] = {name: getattr(run, name, None) for name in Finish.__dataclass_fields__}
    return Finish(**values | {"box": run.box or run.rug, "market_probability": market_probability})
