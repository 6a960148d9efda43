"""The judged races of the log as arrays: what the monitor's figures are made from.

Read in one transaction, in some seconds for 100,000 cards: a row a race, and each starter's share from the
sums (:mod:`racing.predictions.sums`), two bytes each, instead of a row a runner.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from racing.database.tables import Track, TrackAlias
from racing.domain.names import name_key
from racing.domain.tracks import KNOWN_TRACKS, known_track
from racing.predictions.sums import N_LEVELS, counting
from racing.predictions.tables import LATEST, RACE, SUMS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

MAX_RACES = 400_000
"""The newest of a longer log: some 150 MB while they are read."""
_AT_ONCE = 20_000
_BY_VERSION = counting(with_late=False, by_version=True)
_STATES = {track.name: track.state for track in KNOWN_TRACKS}


@dataclass(frozen=True, slots=True, eq=False)
class JudgedRaces:
    """Judged races, each by the last card that a version answered ahead of it.

    Arrays of shape (n_races,), by date, track, version and card; the market's are NaN where not every starter
    has a price. Two versions that answered a race have an entry each.
    """

    date: NDArray[np.datetime64]
    """Race days, datetime64[D]."""
    track: NDArray[np.int64]
    """Place in :attr:`tracks`."""
    version: Ints
    is_served: Flags
    """The last card of the race by whichever version: the one that counts for the service as a whole."""
    n_starters: Ints
    loss: Floats
    uniform_loss: Floats
    market_loss: Floats
    expected_loss: Floats
    """What the closing prices expect of ``loss``."""
    market_expected_loss: Floats
    start: Ints
    """Where a race's starters begin in ``share`` and ``won``; -1 where they are not known."""
    share: Floats
    """Shape (n_starters of all races,): each starter's probability, known to 1 / 32768; sums to 1 a race."""
    won: Flags
    tracks: tuple[str, ...]
    """Keys of the tracks, as cards name them."""
    names: tuple[str, ...]
    """Their names for people."""
    states: tuple[str, ...]
    """Their states; empty where unknown."""

    def __len__(self) -> int:
        return len(self.date)

    def of(self, chosen: NDArray[Any]) -> "JudgedRaces":
        """Return some of the races, by a mask or by their places; starters stay as they are."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in _PER_RACE})

    @property
    def gap(self) -> Floats:
        """Return how much more the loss is than the market's, race by race; NaN without a market."""
        return self.loss - self.market_loss

    @property
    def expected_gap(self) -> Floats:
        """Return the same as the closing prices expect it."""
        return self.expected_loss - self.market_expected_loss

    def starters(self) -> tuple[Floats, Flags, Ints]:
        """Return share, outcome and race (0, 1, 2 ...) of each known starter."""
        known = self.start >= 0
        first, n = self.start[known], self.n_starters[known]
        race = np.repeat(np.arange(len(n)), n)
        place = np.arange(len(race)) - np.repeat(np.cumsum(n) - n, n) + np.repeat(first, n)
        return self.share[place], self.won[place], race


_PER_RACE = (
    "date", "track", "version", "is_served", "n_starters", "loss", "uniform_loss", "market_loss",
    "expected_loss", "market_expected_loss", "start",
)  # fmt: skip


def judged_races(connection: Connection, since: dt.date, until: dt.date) -> JudgedRaces:
    """Read the races of some days that are judged, the newest :data:`MAX_RACES` of them."""
    since = _bounded(connection, since, until)
    of_race = ("n_starters", "loss", "uniform_loss", "market_loss", "expected_loss", "market_expected_loss")
    key = (LATEST.c.date, LATEST.c.track, LATEST.c.model_version)
    query = (
        select(*key, LATEST.c.is_last_ahead, *(RACE.c[name] for name in of_race))
        .join(RACE, RACE.c.prediction_id == LATEST.c.prediction_id)
        .where(LATEST.c.is_ahead.is_(True), RACE.c.loss.is_not(None))
        .where(LATEST.c.date >= since, LATEST.c.date <= until)
        .order_by(*key, LATEST.c.prediction_id)
    )
    tracks: dict[str, int] = {}
    parts = [_columns(rows, tracks) for rows in _portions(connection, query)]
    if not parts:
        parts = [_columns([], tracks)]
    columns = [np.concatenate(some) for some in zip(*parts, strict=True)]
    date, track, version, _, n_starters = columns[:5]
    start, levels = _starters(connection, since, until, tracks, (date, track, version), n_starters)
    names, states = _tracks(connection, tracks)
    return JudgedRaces(
        **dict(zip(_PER_RACE, [*columns, start], strict=True)),
        share=((levels >> 1) + 0.5) / N_LEVELS,
        won=(levels & 1).astype(bool),
        tracks=tuple(tracks),
        names=names,
        states=states,
    )


def newest_judged(connection: Connection, now: dt.datetime) -> dt.date | None:
    """Return the last day of races that are judged by answers up to ``now``, UTC; it may lie ahead of now."""
    at = now.replace(tzinfo=None)
    query = select(RACE.c.date).where(RACE.c.is_ahead.is_(True), RACE.c.loss.is_not(None), RACE.c.at <= at)
    return connection.scalar(query.order_by(RACE.c.date.desc()).limit(1))


def _bounded(connection: Connection, since: dt.date, until: dt.date) -> dt.date:
    """Return the first day such that no more than :data:`MAX_RACES` are read."""
    query = (
        select(SUMS.c.date, func.sum(SUMS.c.n_races))
        .where(SUMS.c.counting == _BY_VERSION, SUMS.c.date >= since, SUMS.c.date <= until)
        .group_by(SUMS.c.date)
        .order_by(SUMS.c.date.desc())
    )
    n_races = 0
    for day, n in connection.execute(query):
        n_races += n
        if n_races > MAX_RACES:
            return max(since, day + dt.timedelta(days=1))
    return since


def _portions(connection: Connection, query: Any) -> Iterator[Sequence[Any]]:
    with connection.execute(query, execution_options={"yield_per": _AT_ONCE}) as result:
        yield from result.partitions()


def _columns(rows: Sequence[Any], tracks: dict[str, int]) -> tuple[NDArray[Any], ...]:
    date, track, version, is_served, n_starters, *losses = zip(*rows, strict=True) if rows else ([],) * 10
    return (
        np.array(date, "datetime64[D]"),
        np.array([tracks.setdefault(key, len(tracks)) for key in track], np.int64),
        np.array(version, np.int64),
        np.array(is_served, bool),
        np.array(n_starters, np.int64),
        *(np.array(values, np.float64) for values in losses),  # None becomes NaN
    )


def _starters(
    connection: Connection,
    since: dt.date,
    until: dt.date,
    tracks: dict[str, int],
    key: tuple[NDArray[np.datetime64], Ints, Ints],
    n_starters: Ints,
) -> tuple[Ints, NDArray[np.uint16]]:
    """Return where each race's starters begin, and the starters as the sums have them.

    A sum of a track's day has its cards' starters one after the other, card by card: the order of the races
    here. Where the numbers differ, which only an older program's sums can do, they are not known.
    """
    date, track, version = key
    n_races = len(date)
    start = np.full(n_races, -1, np.int64)
    changes = np.logical_or.reduce([values[1:] != values[:-1] for values in key])
    first = np.flatnonzero(np.r_[n_races > 0, changes])
    ends = np.r_[first[1:], n_races]
    places = {
        (date[i].item(), int(track[i]), int(version[i])): (int(i), int(end))
        for i, end in zip(first, ends, strict=False)
    }
    query = select(SUMS.c.date, SUMS.c.track, SUMS.c.model_version, SUMS.c.shares).where(
        SUMS.c.counting == _BY_VERSION, SUMS.c.date >= since, SUMS.c.date <= until
    )
    found: list[bytes] = []
    n_before = 0
    for rows in _portions(connection, query):
        for day, name, number, shares in rows:
            place = places.get((day, tracks.get(name, -1), number))
            if place is None:
                continue
            n = n_starters[place[0] : place[1]]
            if int(n.sum()) * 2 == len(shares):
                start[place[0] : place[1]] = n_before + np.cumsum(n) - n
                found.append(shares)
                n_before += int(n.sum())
    return start, np.frombuffer(b"".join(found), "<u2")


def _tracks(connection: Connection, keys: dict[str, int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the name and the state of each track that cards name."""
    tracks = Track.__table__  # type: ignore[attr-defined]
    aliases = TrackAlias.__table__  # type: ignore[attr-defined]
    query = select(aliases.c.alias, tracks.c.name, tracks.c.state).join(
        tracks, tracks.c.id == aliases.c.track_id
    )
    stored = {alias: (name, state) for alias, name, state in connection.execute(query)}
    for name in _STATES:
        stored.setdefault(name_key(name), (name, None))
    found = [stored.get(key, (known_track(key) or key, None)) for key in keys]
    names = tuple(name for name, _ in found)
    return names, tuple(state or _STATES.get(name, "") for name, state in found)
