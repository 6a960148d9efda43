"""Which rows of which sources tell of the same race and the same run.

A pure function of all rows of one key (date, distance), in whatever order they came: importing in
another order gives the same races, and taking a file out gives what the others say alone.

- Betfair's markets are races. A results file's race joins the race at the same track with which it shares
  most dogs, or is one itself; then each form guides' group (date, track, distance, winner, time) likewise.
  Races with different numbers are never one.
- A run is a dog in a race. A row whose dog ran, by a stronger source, in a race of the key tells of that
  run, wherever the rest of its group went: a dog runs once a day over a distance.
- Cards lie under the key of their race's distance (:mod:`racing.race_day.card_distances`).
- Rows of sources that name no distance or no dog (The Greyhound Recorder, box order) are of the race that
  their key names (:mod:`racing.importers.waiting.rejoin`): they make no race, and move none.
- Of two rows of a dog on a day, the one with a result is its run. A blank one is a reserve that did not
  start; it makes no races one.

A *statement* is a row without a result that says when it was stated (``stated_at``), as a card is:

- Results outrank statements. Among statements the newest on a runner counts, whatever its source: scratched
  or not, box and number (together), price, trainer; a fact that it lacks is the one stated before.
- A dog that a newer whole statement of the same kind of source leaves out is scratched.
- A dog that is only stated, and that whole results of its race lack, did not start.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from typing import Any

from racing.importers.records.race_rules import why_impossible
from racing.importers.records.source_record import FACTS, SourceRecord

BETFAIR, RESULTS, CARD, FORM = "betfair", "results", "card", "form"
GUESSED = "~"
"""Stands before the distance in the race key of a card whose source does not state it."""
RECORDER, BOX_ORDER, STREAM_PLACE = "recorder", "box", "stream-place"
JOINING = (RECORDER, BOX_ORDER, STREAM_PLACE)
"""The kinds whose race keys are ``kind:key of the race that the row joins``."""
# The kinds of sources, as race keys begin with them. Of the first each race is one by its own identity; those
# of the next list every starter, with a result or before the race; form guides tell of single runs.
_STRENGTH = {
    BETFAIR: 0,
    **dict.fromkeys((RESULTS, "gbgb", "nz", "topaz", "csv"), 1),
    **dict.fromkeys((RECORDER, STREAM_PLACE, CARD, "betfair-place"), 2),
    FORM: 3,
    BOX_ORDER: 4,
}
# The sum of 1/SP over a whole field: below, runners are missing; above, races were mixed.
WHOLE_BOOK = (1.12, 1.40)
_facts_of = itemgetter(*FACTS)
_VALUES = tuple(name for name in FACTS if name != "is_scratched")
_FACTS_OF_RACES = {"number": "race_number", "grade": "grade", "off_at": "off_at", "going_s": "going_s"}
_OUTCOME = ("won", "placed", "winner_time_s")
_DID_NOT_START = {"is_scratched": True, **dict.fromkeys(_OUTCOME)}


@dataclass(slots=True)
class ResolvedRace:
    """A race with the rows that tell of each of its runners."""

    key: str
    strength: int
    track_id: int
    rows: list[SourceRecord]
    """The rows of the source that the race is known by."""
    number: int | None
    """That of any source; rows of another number are another race's."""
    runners: dict[int, list[SourceRecord]] = field(default_factory=dict)
    all_rows: list[SourceRecord] = field(default_factory=list)
    not_started: set[int] = field(default_factory=set)
    """Dogs that are listed here and ran elsewhere that day."""
    is_doubtful: bool = False
    """A dog ran in this race and in another, by rows that cannot both be true."""

    @property
    def market_id(self) -> str | None:
        """Return Betfair's identity of the race."""
        return self.key.partition(":")[2] if self.strength == 0 else None

    @property
    def source_key(self) -> str | None:
        """Return another source's identity of the race, where Betfair has none."""
        return self.key if self.strength else None

    def facts(self) -> dict[str, Any]:
        """Return what is known of the race: the strongest source's, else the next one's."""
        is_plain = not self.strength and len(self.rows) == len(self.all_rows)
        if is_plain and not any(map(_stated_at, self.rows)):
            rows = self.rows
        else:
            rows = sorted(self.all_rows, key=_order)
        return {
            name: next((row[column] for row in rows if row[column] is not None), None)
            for name, column in _FACTS_OF_RACES.items()
        }

    def runs(self) -> dict[int, dict[str, Any]]:
        """Return the facts of each dog's run."""
        runs = {dog_id: merge_facts(rows) for dog_id, rows in self.runners.items()}
        if any(map(_stated_at, self.all_rows)):
            self._apply_statements(runs)
        for dog_id in self.not_started:
            runs[dog_id] |= _DID_NOT_START
        return runs

    def _apply_statements(self, runs: dict[int, dict[str, Any]]) -> None:
        """Mark the dogs as scratched that newer statements of a kind leave out, or whole results lack."""
        newest: dict[str, Any] = {}
        for row in self.all_rows:
            at, kind = _stated_at(row), _kind(row["race_key"])
            if (
                at is not None
                and row.get("is_race_whole", True)
                and not (kind in newest and newest[kind] >= at)
            ):
                newest[kind] = at
        lists_all = any(
            _tells(row) and row.get("is_race_whole", True) and _strength(row["race_key"]) < _STRENGTH[CARD]
            for row in self.all_rows
        )
        for dog_id, rows in self.runners.items():
            if any(_stated_at(row) is None for row in rows):
                continue
            if lists_all or _is_left_out(rows, newest):
                runs[dog_id] |= _DID_NOT_START

    def is_whole(self, runs: dict[int, dict[str, Any]]) -> bool:
        """Tell whether every starter is known and all of it can be true of one race.

        Betfair and results list every starter, if each of their rows was understood; form guides' runners
        are all there if their prices make a whole book.
        """
        if self.is_doubtful or why_impossible(runs.values(), has_places=self.strength > 0) is not None:
            return False
        if self.strength < _STRENGTH[FORM]:
            return self._has_whole_source(runs)
        prices = [run["starting_price"] for run in runs.values() if not run["is_scratched"]]
        if None in prices or not any(run["won"] for run in runs.values()):
            return False
        if not all(row.get("is_race_whole", True) for row in self.all_rows):
            return False
        return bool(WHOLE_BOOK[0] <= sum(1 / price for price in prices) <= WHOLE_BOOK[1])

    def _has_whole_source(self, runs: dict[int, dict[str, Any]]) -> bool:
        """Tell whether the race's own source, or one that lists every starter, was all understood."""
        if all(row.get("is_race_whole", True) for row in self.all_rows):
            return True
        starters = {dog_id for dog_id, run in runs.items() if not run["is_scratched"]}
        files: dict[tuple[str, Any], list[SourceRecord]] = defaultdict(list)
        for row in self.all_rows:
            files[row["race_key"], row.get("file_id")].append(row)
        for (key, _), rows in files.items():
            if _strength(key) >= _STRENGTH[FORM] or not all(row.get("is_race_whole", True) for row in rows):
                continue
            if key == self.rows[0]["race_key"] or starters <= {row["dog_id"] for row in rows}:
                return True
        return False


def resolve(rows: list[SourceRecord], ran_elsewhere: Collection[int] = ()) -> list[ResolvedRace]:
    """Return the races of one key; a row needs ``race_key``, ``dog_id``, ``track_id`` and the facts.

    ``ran_elsewhere`` are dogs with a result in another key of that day.
    """
    races: list[ResolvedRace] = []
    homes: dict[int, ResolvedRace] = {}
    groups = _groups(rows)
    for key in sorted(groups, key=lambda key: (joins(key), _strength(key), key)):
        group, strength = groups[key], _strength(key)
        if joins(key):
            _join(group, next(race for race in races if race.key == key.partition(":")[2]))
            continue
        number = next((row["race_number"] for row in group if row["race_number"] is not None), None)
        race = None if strength == 0 else _same_race(group, number, races, homes)
        if race is None:
            race = ResolvedRace(key, strength, group[0]["track_id"], group, number)
            races.append(race)
        elif race.number is None:
            race.number = number
        for row in group:
            dog_id = row["dog_id"]
            tells = _tells(row)
            home = homes.get(dog_id, race) if tells else race
            if home is not race:
                if strength == 0 or not _can_be_one(home.number, number):
                    home.is_doubtful = race.is_doubtful = True
                    home = race
                elif home.number is None:
                    home.number = number
            home.runners.setdefault(dog_id, []).append(row)
            home.all_rows.append(row)
            if tells:
                homes.setdefault(dog_id, home)
    if any(map(_is_blank, rows)):
        _find_reserves(races, {*homes, *ran_elsewhere})
    return [race for race in races if race.runners]


def joins(race_key: str) -> bool:
    """Return whether a row with this key is of a race that other sources make."""
    return race_key.partition(":")[0] in JOINING


def is_distance_guessed(race_key: str) -> bool:
    """Return whether a key is of a card whose source does not state the distance."""
    return _is_card(race_key) and f"|{GUESSED}" in race_key


def strength_of(kind: str) -> int:
    """Return the strength of a kind of source: the smaller, the stronger."""
    return _STRENGTH[kind]


def merge_facts(rows: list[SourceRecord]) -> dict[str, Any]:
    """Return the facts of a run: each from the strongest source that knows it."""
    first = rows[0]
    if len(rows) == 1:
        return dict(zip(FACTS, _facts_of(first), strict=True))
    ordered = sorted(rows, key=_order)
    facts = {name: next((row[name] for row in ordered if row[name] is not None), None) for name in _VALUES}
    if any(map(_is_blank, rows)):  # it says of the result only that it knows none
        telling = [row for row in ordered if _tells(row)] or ordered
        facts |= {
            name: next((row[name] for row in telling if row[name] is not None), None) for name in _OUTCOME
        }
    facts["is_scratched"] = all(row["is_scratched"] for row in _newest(ordered))
    placed = next((row for row in ordered if _stated_at(row) and (row["box"] or row["rug"])), None)
    if placed is not None and not any(_tells(row) for row in rows):
        facts |= {"box": placed["box"], "rug": placed["rug"]}
    return facts


def _newest(ordered: list[SourceRecord]) -> list[SourceRecord]:
    """Return the rows that say whether a dog is scratched: those of results, else the newest statements."""
    of_results = [row for row in ordered if _stated_at(row) is None]
    if of_results:
        return of_results
    newest = _stated_at(ordered[0])
    return [row for row in ordered if _stated_at(row) == newest]


def _is_left_out(rows: list[SourceRecord], newest: dict[str, Any]) -> bool:
    """Return whether the last that was stated of a dog is that a whole card of some source lacks it."""
    own: dict[str, Any] = {}
    for row in rows:
        at, kind = _stated_at(row), _kind(row["race_key"])
        own[kind] = max(own.get(kind, at), at)
    last = max(own.values())
    return any(kind in newest and own[kind] < newest[kind] > last for kind in own)


def _groups(rows: list[SourceRecord]) -> dict[str, list[SourceRecord]]:
    """Return the rows by race; a results file's race_id over several race numbers is several races."""
    groups: dict[str, list[SourceRecord]] = defaultdict(list)
    for row in rows:
        groups[row["race_key"]].append(row)
    for key in [key for key in groups if _strength(key) == _STRENGTH[RESULTS]]:
        numbers = {row["race_number"] for row in groups[key]}
        if len(numbers - {None}) > 1:
            for row in groups.pop(key):
                groups[key if row["race_number"] is None else f"{key}#{row['race_number']}"].append(row)
    return groups


def _same_race(
    group: list[SourceRecord], number: int | None, races: list[ResolvedRace], homes: dict[int, ResolvedRace]
) -> ResolvedRace | None:
    shared: dict[str, set[int]] = defaultdict(set)
    found: dict[str, ResolvedRace] = {}
    track_id = group[0]["track_id"]
    for row in group:
        home = homes.get(row["dog_id"])
        if (
            home is not None
            and home.track_id == track_id
            and _can_be_one(home.number, number)
            and (_tells(row) or _is_listed(row) or _stated_at(row) is not None)
        ):
            shared[home.key].add(row["dog_id"])
            found[home.key] = home
    if found and not any(_tells(row) for row in group):
        # A race without a result yet may list reserves that ran in others.
        n_listed = len({row["dog_id"] for row in group if _is_listed(row)})
        found = {
            key: race
            for key, race in found.items()
            if 2 * len(shared[key]) > min(n_listed, _n_ran(race))
            or (number is not None and race.number == number)
        }
    if not found:
        return _same_field(group, number, track_id, races)
    return found[min(found, key=lambda key: (found[key].strength, -len(shared[key]), key))]


def _n_ran(race: ResolvedRace) -> int:
    """Return of how many dogs it is known how they ran in a race."""
    return len({row["dog_id"] for row in race.all_rows if _tells(row)})


def _same_field(
    group: list[SourceRecord], number: int | None, track_id: int, races: list[ResolvedRace]
) -> ResolvedRace | None:
    """Return the race without a result that lists more than half of the smaller one's dogs."""
    dogs = {row["dog_id"] for row in group if not row["is_scratched"]}
    found: list[tuple[int, int, str, ResolvedRace]] = []
    for race in races:
        if race.track_id == track_id and _can_be_one(race.number, number):
            listed = {row["dog_id"] for row in race.rows if _is_listed(row)}
            n_shared = len(dogs & listed)
            is_one = 2 * n_shared > min(len(dogs), len(listed))
            if is_one or _are_cards_of_one_race(group, number, race):
                found.append((race.strength, -n_shared, race.key, race))
    return min(found, key=lambda one: one[:3])[3] if found else None


def _are_cards_of_one_race(group: list[SourceRecord], number: int | None, race: ResolvedRace) -> bool:
    """Tell whether a card is of a race that a card makes, whichever dogs are scratched meanwhile.

    One whose distance is a guess is of the race of its number, whatever its field.
    """
    keys = race.key, group[0]["race_key"]
    if not all(map(_is_card, keys)):
        return False
    if number is not None and race.number == number and any(map(is_distance_guessed, keys)):
        return True
    dogs, others = {row["dog_id"] for row in group}, {row["dog_id"] for row in race.rows}
    return 2 * len(dogs & others) > min(len(dogs), len(others))


def _join(group: list[SourceRecord], race: ResolvedRace) -> None:
    """Add rows to the race that their key names; a runner without a result that they strike out is out."""
    if race.number is None:
        race.number = group[0]["race_number"]
    for row in group:
        rows = race.runners.setdefault(row["dog_id"], [])
        rows.append(row)
        race.all_rows.append(row)
        if row["is_scratched"] and not any(_tells(one) for one in rows):
            race.not_started.add(row["dog_id"])


def _find_reserves(races: list[ResolvedRace], ran: set[int]) -> None:
    """Note the dogs that did not start where they are listed, since they ran elsewhere that day."""
    for race in races:
        for dog_id, rows in race.runners.items():
            if dog_id in ran and not any(_tells(row) for row in rows):
                race.not_started.add(dog_id)


def _tells(row: SourceRecord) -> bool:
    """Tell whether a row says how its dog ran."""
    return not (row["is_scratched"] or row.get("is_blank"))


def _is_listed(row: SourceRecord) -> bool:
    """Tell whether a row is of a race without a result."""
    return _is_blank(row) and row["won"] is None and not row["is_scratched"]


def _is_blank(row: SourceRecord) -> bool:
    return bool(row.get("is_blank", False))


def _can_be_one(number: int | None, other: int | None) -> bool:
    return number is None or other is None or number == other


def _stated_at(row: SourceRecord) -> Any:
    """Return when a row without a result was stated, UTC; ``None`` where that does not matter."""
    at = row.get("stated_at")
    return None if at is None or not (_is_blank(row) or row["is_scratched"]) else at


def _is_card(race_key: str) -> bool:
    return _kind(race_key) == CARD


def _kind(race_key: str) -> str:
    return race_key.partition(":")[0]


def _strength(race_key: str) -> int:
    return _STRENGTH[race_key.partition(":")[0]]


def _order(row: SourceRecord) -> tuple[Any, ...]:
    """Order rows by their source's strength and then by content, never by when they came.

    Statements stand behind them, the newest first.
    """
    content = chain((row["grade"],), (row[name] for name in FACTS))
    at = _stated_at(row)
    age = (0, 0.0) if at is None else (1, -at.timestamp())
    return (*age, _strength(row["race_key"]), row["race_key"], tuple(map(str, content)))
