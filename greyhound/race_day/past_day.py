"""A past day with the clock: cards in the morning, scratchings, prices at the off, results, the record."""

import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from greyhound_client import GreyhoundClient, Refused
from greyhound_client.models import ScoreOut
from racing.domain.cards import FIRST_RESERVE
from racing.stored_race import StoredRace

FIRST_OFF = dt.time(2, 0)  # UTC: noon in Melbourne
BETWEEN_RACES, BETWEEN_TRACKS = dt.timedelta(minutes=20), dt.timedelta(minutes=3)
CARDS_BEFORE, SCRATCHED_BEFORE, RESULT_AFTER = (dt.timedelta(minutes=m) for m in (60, 40, 4))
SETTLED_S = 15.0
"""Without another outcome for so long, no more are to come."""
_CARDS_A_REQUEST = 50
Show = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DayRace:
    """A race of the day and when it is due, UTC; ``is_made_up`` where no source knows the time."""

    race: StoredRace
    off_at: dt.datetime
    is_made_up: bool

    @property
    def name(self) -> str:
        """Return how lines call it."""
        return f"{self.race.track} R{self.race.race_number or '?'}"


@dataclass(frozen=True, slots=True)
class _Step:
    at: dt.datetime
    kind: Literal["scratch", "off", "result"]
    race: DayRace


def with_times(races: Sequence[StoredRace]) -> list[DayRace]:
    """Return the races that can be played, with their times: made up by number where they are not known."""
    playable = [
        race for race in races if race.is_outcome_known and race.race_number and len(race.entries) > 1
    ]
    tracks = {track: i for i, track in enumerate(sorted({race.track for race in playable}))}
    timed = []
    for race in playable:
        made_up = (
            dt.datetime.combine(race.date, FIRST_OFF, dt.UTC)
            + ((race.race_number or 1) - 1) * BETWEEN_RACES
            + (tracks[race.track] % 6) * BETWEEN_TRACKS
        )
        timed.append(DayRace(race, race.off_at or made_up, race.off_at is None))
    return sorted(timed, key=lambda one: (one.off_at, one.race.track, one.race.race_number))


class PastDay:
    """Plays a day into a service.

    Parameters
    ----------
    speed
        Seconds of the day a second; None waits for nothing.
    """

    def __init__(
        self, client: GreyhoundClient, races: Sequence[DayRace], *, speed: float | None, show: Show
    ) -> None:
        self._client = client
        self._races = races
        self._speed = speed
        self._show = show
        self._ids: dict[int, int] = {}
        self._started = time.monotonic()
        self._first = races[0].off_at - CARDS_BEFORE
        self._n_answered = 0

    def play(self) -> ScoreOut:
        """Let the day pass; return the record of it, beside the market."""
        self._send_cards()
        for hour, steps in groupby(self._steps(), key=lambda step: step.at.replace(minute=0, second=0)):
            self._show(f"{hour:%H}:00 UTC  {self._hour(list(steps))}")
        return self._record()

    def _send_cards(self) -> None:
        for i in range(0, len(self._races), _CARDS_A_REQUEST):
            some = self._races[i : i + _CARDS_A_REQUEST]
            stored = self._client.send_cards([_card(one) for one in some])
            self._ids |= {one.race.id: race.id for one, race in zip(some, stored.races, strict=True)}
        n_tracks = len({one.race.track for one in self._races})
        made_up = any(one.is_made_up for one in self._races)
        note = " Times are made up: the files do not tell them." if made_up else ""
        self._show(f"Morning: {len(self._races)} races at {n_tracks} tracks are stored.{note}")
        day = self._races[0].race.date
        predicted = [race for race in self._client.upcoming(date=day, predict=True).races if race.prediction]
        n_good = sum(race.prediction is not None and race.prediction.problem is None for race in predicted)
        self._show(f"Morning: {n_good} of {len(predicted)} have a prediction.")

    def _steps(self) -> Iterator[_Step]:
        steps: list[_Step] = []
        for one in self._races:
            steps += (
                _Step(one.off_at - SCRATCHED_BEFORE, "scratch", one),
                _Step(one.off_at, "off", one),
                _Step(one.off_at + RESULT_AFTER, "result", one),
            )
        yield from sorted(steps, key=lambda step: (step.at, step.kind, step.race.name))

    def _hour(self, steps: Sequence[_Step]) -> str:
        n_scratched = n_reserves = n_priced = n_results = 0
        for step in steps:
            self._wait_for(step.at)
            race, race_id = step.race.race, self._ids[step.race.race.id]
            if step.kind == "scratch":
                for name in _withdrawn(race):
                    self._client.scratch(race_id, name)
                    n_scratched += 1
                if reserves := _reserves_that_ran(race):
                    self._client.send_cards([_card_at_the_off(step.race)])
                    n_reserves += len(reserves)
            elif step.kind == "off":
                n_priced += self._price_and_predict(step.race, race_id)
            else:
                self._client.send_results([_result(race)])
                n_results += 1
        stepped_in = f"{n_reserves} reserves step in, " if n_reserves else ""
        return f"{n_scratched} scratched, {stepped_in}{n_priced} priced at the off, {n_results} results"

    def _price_and_predict(self, one: DayRace, race_id: int) -> int:
        prices = [{"name": runner.name, "last": runner.bsp} for runner in one.race.runners if runner.bsp]
        if prices:
            at = one.off_at.strftime("%Y-%m-%dT%H:%M:%SZ")
            self._client.send_prices([{"race_id": race_id, "at": at, "runners": prices}])
        try:
            self._client.race_prediction(race_id)
            self._n_answered += 1
        except Refused as problem:
            self._show(f"   {one.name} has no prediction: {problem.detail}")
        return int(bool(prices))

    def _record(self) -> ScoreOut:
        day = self._races[0].race.date

        def total() -> ScoreOut:
            return self._client.scores(by="track", since=day, until=day, with_late=True).total

        score, changed_at = total(), time.monotonic()
        while score.n_races < self._n_judged() and time.monotonic() - changed_at < SETTLED_S:
            time.sleep(0.2)
            before, score = score, total()
            changed_at = changed_at if score.n_races == before.n_races else time.monotonic()
        if score.n_races < self._n_judged():
            rule = "a race is judged if it has one winner and every starter was on the card"
            self._show(f"{score.n_races} of {self._n_judged()} races are judged: {rule}.")
        return score

    def _n_judged(self) -> int:
        """Return how many races have one winner, which a score counts."""
        races = [one.race for one in self._races]
        return min(
            self._n_answered, sum(sum(bool(runner.won) for runner in race.runners) == 1 for race in races)
        )

    def _wait_for(self, at: dt.datetime) -> None:
        if self._speed is not None:
            due = self._started + (at - self._first).total_seconds() / self._speed
            time.sleep(max(0.0, due - time.monotonic()))


def _race_of(race: StoredRace) -> dict[str, Any]:
    day = {"date": race.date.isoformat(), "track": race.track, "distance_m": race.distance_m}
    return day | {"race_number": race.race_number, "grade": race.grade}


def _card(one: DayRace) -> dict[str, Any]:
    """Return the card of the morning: nobody is scratched, and the reserves wait."""
    runners = [{"name": entry.name, "box": entry.box} for entry in one.race.entries if entry.box]
    return {**_race_of(one.race), "off_at": one.off_at.strftime("%Y-%m-%dT%H:%M:%SZ"), "runners": runners}


def _withdrawn(race: StoredRace) -> list[str]:
    """Return who was on the card and did not start; reserves that were not needed are none of them."""
    started = {runner.name for runner in race.runners}
    return [
        entry.name for entry in race.entries if entry.box and entry.is_scratched and entry.name not in started
    ]


def _reserves_that_ran(race: StoredRace) -> list[str]:
    return [runner.name for runner in race.runners if (runner.box or 0) >= FIRST_RESERVE]


def _card_at_the_off(one: DayRace) -> dict[str, Any]:
    """Return the card with the reserves that ran in the boxes that nobody else started from.

    Sources tell a reserve's number and not its box, so the first reserve has the first vacant box, as in
    :mod:`racing.domain.reserves`.
    """
    card, taken = _card(one), {runner.box for runner in one.race.runners}
    vacant = iter([box for box in range(1, FIRST_RESERVE) if box not in taken])
    reserves, withdrawn = _reserves_that_ran(one.race), _withdrawn(one.race)
    for runner in card["runners"]:
        runner["is_scratched"] = runner["name"] in withdrawn
        if runner["name"] in reserves:
            number = runner["box"]
            runner |= {"box": next(vacant, number), "rug": number, "is_reserve": False}
    return card


def _result(race: StoredRace) -> dict[str, Any]:
    runners = [
        {
            "name": runner.name,
            "box": runner.box if (runner.box or FIRST_RESERVE) < FIRST_RESERVE else None,
            "finish_position": runner.finish_position,
            "won": runner.won,
            "bsp": runner.bsp,
        }
        for runner in race.runners
    ]
    return {**_race_of(race), "runners": runners}
