"""What changed about races of these days, as events: new cards, other fields, scratchings, results."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, select

from racing.database.tables import Dog, Track
from racing.race_day.events import EventKind, add_events

DAYS_BACK, DAYS_AHEAD = 1, 7
_CHUNK = 500
_replayed: list[dt.date] = []  # of this process: imports far below know no settings
_FACTS = (
    ("off_at", "is due at"),
    ("number", "is race"),
    ("distance_m", "is over metres"),
    ("grade", "has the grade"),
)
_DOG: Table = Dog.__table__  # type: ignore[attr-defined]
_TRACK: Table = Track.__table__  # type: ignore[attr-defined]
Row = Mapping[str, Any]
_Event = tuple[EventKind, Mapping[str, Any], int | None]


@dataclass(frozen=True, slots=True)
class RaceState:
    """A race and its runs, as rows of their tables."""

    race: Row
    runs: list[Row] = field(default_factory=list)

    @property
    def is_run(self) -> bool:
        """Whether its outcome is known."""
        return any(run["won"] is not None and not run["is_scratched"] for run in self.runs)


def replay_day(date: dt.date | None) -> None:
    """Let the events of this process be those about a day that is played again; ``None``: about today."""
    _replayed[:] = [] if date is None else [date]


def is_of_these_days(date: dt.date) -> bool:
    """Whether changes of a race are events: it is from yesterday to a week ahead, by UTC.

    In a service that plays a day again (:func:`replay_day`) they count from that day.
    """
    today = _replayed[0] if _replayed else dt.datetime.now(dt.UTC).date()
    return -DAYS_BACK <= (date - today).days <= DAYS_AHEAD


def note_race_changes(
    connection: Connection, before: Mapping[int, RaceState], after: Mapping[int, RaceState]
) -> int:
    """Add an event for each change of a race, in the transaction that makes it; return how many.

    Parameters
    ----------
    before, after
        The races that may have changed, by id; one that is absent was not there, or is gone. Those of other
        days are left out (:func:`is_of_these_days`).
    """
    pairs = [
        (number, before.get(number), after.get(number))
        for number in sorted({*before, *after})
        if is_of_these_days((after.get(number) or before[number]).race["date"])
    ]
    changed = [(number, old, new) for number, old, new in pairs if old is None or new is None or old != new]
    if not changed:
        return 0
    states = [state for _, old, new in changed for state in (old, new) if state is not None]
    dogs = _names(connection, _DOG, {run["dog_id"] for state in states for run in state.runs})
    tracks = _names(connection, _TRACK, {state.race["track_id"] for state in states})
    events: list[_Event] = []
    for number, old, new in changed:
        of_race = identity((new or old).race, tracks)  # type: ignore[union-attr]
        for kind, body in _changes(old, new, dogs):
            events.append((kind, {**of_race, **body}, number))
    if events:
        add_events(connection, events)
    return len(events)


def identity(race: Row, tracks: Mapping[int, str]) -> dict[str, Any]:
    """Return how events say which race it is."""
    return {
        "date": race["date"].isoformat(),
        "track": tracks.get(race["track_id"], ""),
        "race_number": race["number"],
        "off_at": _time(race["off_at"]),
    }


def _changes(
    old: RaceState | None, new: RaceState | None, dogs: Mapping[int, str]
) -> Iterator[tuple[EventKind, dict[str, Any]]]:
    if new is None:
        if old is not None and not old.is_run:
            yield "card", {"is_new": False, "is_gone": True, "n_runners": 0, "changes": ["it is gone"]}
    elif new.is_run:
        if old is None or _outcome(old) != _outcome(new):
            winners = sorted(dogs.get(run["dog_id"], "") for run in new.runs if run["won"])
            yield "result", {"winners": winners, "is_correction": old is not None and old.is_run}
    elif old is None or old.is_run:
        yield "card", {"is_new": old is None, "is_gone": False, "n_runners": _n_runners(new), "changes": []}
    else:
        yield from _scratchings(old, new, dogs)
        if sentences := list(_field_changes(old, new, dogs)):
            changed = {"is_new": False, "is_gone": False, "n_runners": _n_runners(new)}
            yield "card", changed | {"changes": sentences}


def _scratchings(
    old: RaceState, new: RaceState, dogs: Mapping[int, str]
) -> Iterator[tuple[EventKind, dict[str, Any]]]:
    was = {run["dog_id"]: bool(run["is_scratched"]) for run in old.runs}
    for run in new.runs:
        is_scratched = bool(run["is_scratched"])
        if was.get(run["dog_id"], is_scratched) != is_scratched:
            name, box = dogs.get(run["dog_id"], ""), run["box"] or run["rug"]
            yield "scratching", {"name": name, "box": box, "is_scratched": is_scratched}


def _field_changes(old: RaceState, new: RaceState, dogs: Mapping[int, str]) -> Iterator[str]:
    was, now = ({run["dog_id"]: run for run in state.runs} for state in (old, new))
    for dog in (dog for dog in now if dog not in was):
        yield f"{dogs.get(dog)} is in"
    for dog in (dog for dog in was if dog not in now):
        yield f"{dogs.get(dog)} is out"
    for dog, run in now.items():
        if dog in was and run["box"] != was[dog]["box"]:
            yield f"{dogs.get(dog)} starts from box {run['box'] or 'unknown'}"
    for name, sentence in _FACTS:
        if old.race[name] != new.race[name]:
            value = new.race[name]
            shown = _time(value) if isinstance(value, dt.datetime) else value
            yield f"it {sentence} {'unknown' if shown is None else shown}"


def _outcome(state: RaceState) -> set[tuple[Any, ...]]:
    if not state.is_run:
        return set()
    return {(run["dog_id"], run["won"], run["finish_position"]) for run in state.runs}


def _n_runners(state: RaceState) -> int:
    return sum(not run["is_scratched"] for run in state.runs)


def _time(at: dt.datetime | None) -> str | None:
    return None if at is None else f"{at.isoformat(timespec='seconds')}Z"


def _names(connection: Connection, table: Table, ids: Iterable[int]) -> dict[int, str]:
    wanted = sorted(ids)
    names: dict[int, str] = {}
    for i in range(0, len(wanted), _CHUNK):
        query = select(table.c.id, table.c.name).where(table.c.id.in_(wanted[i : i + _CHUNK]))
        names |= {row.id: row.name for row in connection.execute(query)}
    return names
