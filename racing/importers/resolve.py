"""Which rows of which sources tell of the same race and the same run.

A pure function of all rows of one bucket (date, distance), in whatever order they came: importing in
another order gives the same races, and taking a file out gives what the others say alone.

- Betfair's markets are races. A results file's race joins the race at the same track with which it shares
  most dogs, or is one itself; then each form guides' group (date, track, distance, winner, time) likewise.
- A run is a dog in a race. A row whose dog ran, by a stronger source, in a race of the bucket tells of that
  run, wherever the rest of its group went: a dog runs once a day over a distance.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from racing.importers.claims import FACTS, Claim

BETFAIR, RESULTS, FORM = "betfair", "results", "form"
_STRENGTH = {BETFAIR: 0, RESULTS: 1, FORM: 2}
# The sum of 1/SP over a whole field: below, runners are missing; above, races were mixed.
WHOLE_BOOK = (1.12, 1.40)
_VALUES = tuple(name for name in FACTS if name != "is_scratched")


@dataclass(slots=True)
class ResolvedRace:
    """A race with the rows that tell of each of its runners."""

    key: str
    strength: int
    track_id: int
    rows: list[Claim]
    """The rows of the source that the race is known by."""
    runners: dict[int, list[Claim]] = field(default_factory=dict)
    all_rows: list[Claim] = field(default_factory=list)

    @property
    def market_id(self) -> str | None:
        """Return Betfair's identity of the race."""
        return self.key.partition(":")[2] if self.strength == 0 else None

    @property
    def source_key(self) -> str | None:
        """Return another source's identity of the race, where Betfair has none."""
        return self.key if self.strength else None

    def facts(self) -> dict[str, Any]:
        """Return grade and number: the strongest source's, else the next one's."""
        rows = (
            sorted(self.all_rows, key=_order)
            if self.strength or len(self.rows) < len(self.all_rows)
            else self.rows
        )
        return {
            "number": next((row["race_number"] for row in rows if row["race_number"] is not None), None),
            "grade": next((row["grade"] for row in rows if row["grade"] is not None), None),
        }

    def is_whole(self, runs: dict[int, dict[str, Any]]) -> bool:
        """Tell whether every starter is known: always from Betfair and results, else by the prices' sum."""
        if self.strength < _STRENGTH[FORM]:
            return True
        prices = [run["starting_price"] for run in runs.values()]
        if None in prices or not any(run["won"] for run in runs.values()):
            return False
        return WHOLE_BOOK[0] <= sum(1 / price for price in prices) <= WHOLE_BOOK[1]


def resolve(rows: list[Claim]) -> list[ResolvedRace]:
    """Return the races of one bucket; a row needs ``race_key``, ``dog_id``, ``track_id`` and the facts."""
    groups: dict[str, list[Claim]] = defaultdict(list)
    for row in rows:
        groups[row["race_key"]].append(row)
    races: list[ResolvedRace] = []
    homes: dict[int, ResolvedRace] = {}
    strengths = {key: _STRENGTH[key.partition(":")[0]] for key in groups}
    for key in sorted(groups, key=lambda key: (strengths[key], key)):
        group, strength = groups[key], strengths[key]
        race = None if strength == 0 else _same_race(group, races, homes)
        if race is None:
            race = ResolvedRace(key, strength, group[0]["track_id"], group)
            races.append(race)
        for row in group:
            dog_id = row["dog_id"]
            home = race if strength == 0 else homes.get(dog_id, race)
            home.runners.setdefault(dog_id, []).append(row)
            home.all_rows.append(row)
            if not row["is_scratched"]:
                homes.setdefault(dog_id, home)
    return [race for race in races if race.runners]


def union_of(rows: list[Claim]) -> dict[str, Any]:
    """Return the facts of a run: each from the strongest source that knows it."""
    first = rows[0]
    if len(rows) == 1:
        return {name: first[name] for name in FACTS}
    ordered = sorted(rows, key=_order)
    facts = {name: next((row[name] for row in ordered if row[name] is not None), None) for name in _VALUES}
    facts["is_scratched"] = all(row["is_scratched"] for row in rows)
    return facts


def _same_race(
    group: list[Claim], races: list[ResolvedRace], homes: dict[int, ResolvedRace]
) -> ResolvedRace | None:
    shared: dict[str, int] = defaultdict(int)
    found: dict[str, ResolvedRace] = {}
    for row in group:
        home = homes.get(row["dog_id"])
        if home is not None and home.track_id == row["track_id"]:
            shared[home.key] += 1
            found[home.key] = home
    if not found:
        return None
    return found[min(found, key=lambda key: (found[key].strength, -shared[key], key))]


def _order(row: Claim) -> tuple[Any, ...]:
    """Order rows by their source's strength and then by content, never by when they came."""
    content = chain((row["grade"],), (row[name] for name in FACTS))
    return (_STRENGTH[row["race_key"].partition(":")[0]], row["race_key"], tuple(map(str, content)))
