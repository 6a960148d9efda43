"""The races of a file of results while it is read: who won, who did not run, which of them are whole."""

from collections import defaultdict
from collections.abc import Callable, Collection

from racing.domain.cards import DISTANCE_M, SPEED_M_S, WEIGHT_KG
from racing.importers.records.finish_codes import Finish, Outcome
from racing.importers.records.race_rules import why_impossible
from racing.importers.records.source_record import (
    MAX_MARGIN_LENGTHS,
    ParsedFile,
    RowRefused,
    SourceRecord,
    distance_of_key,
    number,
)
from racing.importers.report import Problem


class RaceResults:
    """The runners of a file's races, each with its finish; a race is its ``race_key``."""

    def __init__(self, parsed: ParsedFile) -> None:
        self._parsed = parsed
        self._races: dict[str, list[tuple[SourceRecord, Finish]]] = defaultdict(list)
        self._ran: dict[tuple[str, int], SourceRecord] = {}
        self._not_whole: dict[str, str] = {}
        self._last_key: str | None = None
        self._is_next_incomplete = False

    def enter(self, record: SourceRecord, finish: Finish) -> None:
        """Enter a runner.

        Raises
        ------
        RowRefused
            If its dog stands in the race with other facts, or ran in another of that day and distance.
        """
        key, dog = record["race_key"], record["dog_name"]
        if self._is_next_incomplete:
            self._not_whole.setdefault(key, "")
            self._is_next_incomplete = False
        self._last_key = key
        record["finish_position"], record["is_blank"] = finish.place, False
        runners = self._races[key]
        for i, (other, its_finish) in enumerate(runners):
            if other["dog_key"] != record["dog_key"]:
                continue
            if its_finish == finish and all(other[name] == record[name] for name in record if name != "line"):
                self._parsed.n_repeated += 1
                return
            if _ran(its_finish) != _ran(finish):  # listed in one box, it ran from another
                self._parsed.n_repeated += 1
                if _ran(finish):
                    runners[i] = (record, finish)
                return
            self._not_whole[key] = f"a dog runs once in a race, {dog!r} stands twice"
            raise RowRefused(f"a dog runs once in a race, got {dog!r} twice (line {other['line']})")
        if _ran(finish):
            before = self._ran.setdefault((record["dog_key"], record["bucket"]), record)
            if before is not record:
                reason = f"a dog runs once a day over a distance, {dog!r} stands twice"
                self._not_whole[key] = self._not_whole[before["race_key"]] = reason
                rule = f"a dog runs once a day over a distance, got {dog!r} twice"
                raise RowRefused(f"{rule} (line {before['line']})")
        runners.append((record, finish))

    def refuse(self, line: int, reason: str, race_key: str | None = None) -> None:
        """Note a row that is not taken; its race, or both beside it if that is not known, is not whole."""
        self._parsed.refuse(line, reason)
        if race_key is not None:
            self._not_whole.setdefault(race_key, "")
            return
        if self._last_key is not None:
            self._not_whole.setdefault(self._last_key, "")
        self._is_next_incomplete = True

    def close(
        self,
        is_complete: Callable[[list[SourceRecord]], str | None] = lambda records: None,
        *,
        are_races_whole: bool = True,
    ) -> None:
        """Add the records to the file; ``is_complete`` returns why a race lacks starters, ``None`` if not.

        ``are_races_whole`` is whether the file has all runners of a race, not single dogs' runs.
        """
        for key, runners in self._races.items():
            dead_heats = _tell_outcomes(runners)
            records = [record for record, _ in runners]
            reason = self._not_whole.get(key) if are_races_whole else ""
            if reason is None:
                reason = why_impossible(records, has_places=True, dead_heats=dead_heats)
            if reason is None:
                reason = is_complete(records)
            for record in records:
                record["is_race_whole"] = reason is None
            if reason:  # of a refused row the reason is reported where the row is
                self._parsed.problems.add(Problem(self._parsed.name, records[0]["line"], "race", reason))
            self._parsed.records += records
        self._parsed.records.sort(key=lambda record: record["line"])


def _ran(finish: Finish) -> bool:
    return finish.outcome in (Outcome.PLACED, Outcome.UNPLACED)


def _tell_outcomes(runners: list[tuple[SourceRecord, Finish]]) -> Collection[int]:
    """Set who won and what follows from it; return the places that the source calls dead heats."""
    is_void = any(finish.outcome is Outcome.NO_RACE for _, finish in runners)
    has_result = not is_void and any(finish.place is not None for _, finish in runners)
    winner_s = next((record["time_s"] for record, finish in runners if finish.place == 1), None)
    for record, finish in runners:
        record["is_scratched"] = finish.outcome is Outcome.DID_NOT_RUN
        if is_void:
            record["finish_position"] = None
        elif not has_result:
            record["is_blank"] = not record["is_scratched"]
        elif finish.outcome is Outcome.BLANK:
            record["is_scratched"] = True  # of a race that has a result
        elif not record["is_scratched"]:
            record["won"] = finish.place == 1
            record["winner_time_s"] = winner_s
    if has_result:
        _give_winners_their_margin([record for record, _ in runners if record["won"] is not None])
    return {finish.place for _, finish in runners if finish.is_dead_heat and finish.place is not None}


def _give_winners_their_margin(ran: list[SourceRecord]) -> None:
    """Set the margin of the winner: that of the second, to whom the others' margins are no less."""
    winners = [record for record in ran if record["won"]]
    behind = [
        record["margin_lengths"]
        for record in ran
        if not record["won"] and record["margin_lengths"] is not None and record["finish_position"] == 2
    ]
    for record in winners:
        own = record["margin_lengths"] or None
        record["margin_lengths"] = 0.0 if len(winners) > 1 else min(behind, default=own)


def set_measures(record: SourceRecord, texts: dict[str, str], parsed: ParsedFile) -> None:
    """Set the facts that are numbers with limits; what lies outside of them is dropped.

    ``texts`` holds ``weight_kg``, ``time_s``, ``first_split_s`` or ``margin_lengths``; 0 s is no time. A
    record whose distance is 0 has a time that is possible over some distance.
    """
    distance_m = distance_of_key(record["bucket"])
    (shortest, longest), (slow, fast) = (distance_m or low for low in DISTANCE_M), SPEED_M_S
    limits = {
        "weight_kg": WEIGHT_KG,
        "margin_lengths": (0.0, MAX_MARGIN_LENGTHS),
        "time_s": (shortest / fast, longest / slow),
        "first_split_s": (0.5, longest / slow),
    }
    for name, text in texts.items():
        low, high = limits[name]
        value = number(text)
        if value is not None and low <= value <= high:
            record[name] = value
        elif text and value != 0:
            dog = record["dog_name"]
            parsed.drop(record["line"], f"{name} must be {low:.5g}..{high:.5g}, got {text!r} ({dog!r})")


def whole_number(name: str, text: str, low: int, high: int) -> int | None:
    """Return a whole number, ``None`` where it is unknown.

    Raises
    ------
    RowRefused
        If it is none, or outside the limits.
    """
    if not text:
        return None
    value = number(text)
    if value is None or value not in range(low, high + 1):
        raise RowRefused(f"{name} must be {low}..{high}, got {text!r}")
    return int(value)


def set_calls(record: SourceRecord, text: str, parsed: ParsedFile) -> None:
    """Set the positions in running, one digit a call; what is none is dropped, and 0 is unknown."""
    calls = text.strip()
    if calls.isascii() and calls.isdigit():
        record["position_in_running"] = calls if calls.strip("0") else None
    elif calls:
        dog = record["dog_name"]
        parsed.drop(record["line"], f"position_in_running must be digits, got {calls!r} ({dog!r})")
