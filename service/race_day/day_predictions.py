"""The predictions of a day's races: each made once, however many ask.

**Guarantee:** a prediction of a stored race is made, logged and counted once for each artifact of the
champion, experiment and state of the race's field (runners, boxes, scratchings, prices); many who ask at once
cause one scoring. After new ratings it is made again, and logged if it is another. At most 2,000 are
remembered, the least recently used is forgotten first. Cards take their turns behind single cards, as those
of a batch do.

Each process remembers its own; one that starts anew makes them anew.
"""

import asyncio
import datetime as dt
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from pydantic import ValidationError

from racing.domain.cards import Card
from racing.domain.errors import CardRefused, NoSuchRace, RacingError, Violation
from racing.race_day.upcoming import UpcomingRace
from racing.stored_race import StoredRace, stored_races
from service.errors import NotReady, ServiceError
from service.experiments.follower import ActiveExperiment
from service.observability.metrics import Metrics
from service.observability.stages import StageTimer
from service.prediction.bets import RequestedBets
from service.prediction.form_store import FormStore
from service.prediction.predictor import Predictor
from service.race_database import TimedReads
from service.race_day.in_short import in_short, without_prediction
from service.server.request_queue import RequestQueue
from service.serving.slots import ModelSlots, Snapshot

N_REMEMBERED = 2_000
_PIECE = 50  # races that are read at once
_STATE = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Remembered:
    """An answer to a race, and of what it is the answer."""

    state: _STATE
    tables: object | None
    version: int
    answer: bytes
    in_short: dict[str, Any]


class DayPredictions:
    """Answers stored races, and remembers the answers; all of it belongs to the event loop."""

    def __init__(
        self,
        slots: ModelSlots,
        experiment: ActiveExperiment,
        predictor: Predictor,
        form: FormStore,
        queue: RequestQueue,
        reads: TimedReads,
        metrics: Metrics,
        *,
        n_remembered: int = N_REMEMBERED,
    ) -> None:
        self._slots = slots
        self._experiment = experiment
        self._predictor = predictor
        self._form = form
        self._queue = queue
        self._reads = reads
        self._metrics = metrics
        self._n_remembered = n_remembered
        self._remembered: OrderedDict[int, Remembered] = OrderedDict()
        self._being_made: dict[int, asyncio.Task[Remembered]] = {}

    async def in_short(self, races: Sequence[UpcomingRace], request_id: str) -> dict[int, dict[str, Any]]:
        """Return the predictions of races in short, by the race's number; each has one, or says why not."""
        try:
            champion = self._slots.get()
        except NotReady as error:
            return {race.id: without_prediction(None, str(error)) for race in races}
        found: dict[int, dict[str, Any]] = {}
        ids = [race.id for race in races if not (race.is_outcome_known and self._recall(race.id))]
        for i in range(0, len(ids), _PIECE):
            for stored, body in await self._reads.run(_Reading(ids[i : i + _PIECE])):
                found[stored.id] = await self._short(champion, stored, body, request_id)
        for race in races:
            if race.id not in found:
                known = self._recall(race.id)
                found[race.id] = known.in_short if known else without_prediction(None, "the race is gone")
        return found

    async def of_race(
        self,
        race_id: int,
        request_id: str,
        *,
        is_explained: bool = False,
        bets: RequestedBets | None = None,
    ) -> tuple[bytes, int]:
        """Return the whole answer to a race as it is stored now, as JSON, and the version that answered.

        Raises
        ------
        racing.domain.errors.NoSuchRace, racing.domain.errors.CardRefused
            If there is no such race, or it makes no card.
        service.errors.NotReady
            If no champion serves.
        """
        champion = self._slots.get()
        found = await self._reads.run(_Reading([race_id]))
        if not found:
            raise NoSuchRace(f"the database has no race {race_id}; GET /races/upcoming lists those to come")
        ((race, body),) = found
        if body is None:
            raise CardRefused([Violation(("card",), race.why_no_card or "the race makes no card")])
        known = await self._answer(champion, race, body, request_id)
        if not is_explained and bets is None:
            return known.answer, known.version
        return await self._predictor.answer(
            champion,
            body,
            StageTimer(),
            request_id=request_id,
            is_explained=is_explained,
            bets=bets,
            may_split=True,
            is_noted=False,
        )

    async def _short(
        self, champion: Snapshot, race: StoredRace, body: bytes | None, request_id: str
    ) -> dict[str, Any]:
        if body is None:
            return without_prediction(champion.version, race.why_no_card or "the race makes no card")
        try:
            return (await self._answer(champion, race, body, f"{request_id}.{race.id}")).in_short
        except (RacingError, ServiceError, ValidationError) as error:
            return without_prediction(champion.version, str(error))

    async def _answer(self, champion: Snapshot, race: StoredRace, body: bytes, request_id: str) -> Remembered:
        """Return the answer to a race; of several that ask for it at once one makes it."""
        while True:
            known = self._recall(race.id)
            if known is not None and (race.is_outcome_known or self._is_current(known, champion, body)):
                return known
            task = self._being_made.get(race.id)
            if task is None:
                task = asyncio.create_task(self._make(champion, race, body, request_id, known))
                self._being_made[race.id] = task
                task.add_done_callback(lambda _: self._being_made.pop(race.id, None))
                return await asyncio.shield(task)
            await asyncio.wait({task})
            champion = self._slots.get()

    async def _make(
        self, champion: Snapshot, race: StoredRace, body: bytes, request_id: str, known: Remembered | None
    ) -> Remembered:
        """Make an answer, and remember it unless the race has been run."""
        state, tables = self._state(champion, body), self._form.tables
        if known is not None and known.state == state:  # new ratings: perhaps they say the same of this race
            answer, version = await self._in_turn(champion, body, request_id, is_noted=False)
            if _probabilities(answer) == _probabilities(known.answer):
                return self._remember(race.id, replace(known, tables=tables))
        is_noted = not race.is_outcome_known
        answer, version = await self._in_turn(champion, body, request_id, is_noted=is_noted)
        made = Remembered(state, tables, version, answer, in_short(answer, body, dt.datetime.now(dt.UTC)))
        return self._remember(race.id, made) if is_noted else made

    async def _in_turn(
        self, champion: Snapshot, body: bytes, request_id: str, *, is_noted: bool
    ) -> tuple[bytes, int]:
        await self._queue.enter_last()
        timer = StageTimer()
        try:
            return await self._predictor.answer(
                champion, body, timer, request_id=request_id, may_split=True, is_noted=is_noted
            )
        finally:
            self._metrics.count_stages(timer.seconds())

    def _state(self, champion: Snapshot, body: bytes) -> _STATE:
        experiment = self._experiment.current
        contest = (experiment and experiment.id, tuple(one.version for one in self._slots.challengers))
        return (champion.version, champion.model.digest, contest, body)

    def _is_current(self, known: Remembered, champion: Snapshot, body: bytes) -> bool:
        return known.tables is self._form.tables and known.state == self._state(champion, body)

    def _recall(self, race_id: int) -> Remembered | None:
        known = self._remembered.get(race_id)
        if known is not None:
            self._remembered.move_to_end(race_id)
        return known

    def _remember(self, race_id: int, made: Remembered) -> Remembered:
        self._remembered[race_id] = made
        self._remembered.move_to_end(race_id)
        while len(self._remembered) > self._n_remembered:
            self._remembered.popitem(last=False)
        return made


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads some races and writes their priced cards as JSON; called in a thread."""

    race_ids: Sequence[int]

    def __call__(self, engine: Any) -> list[tuple[StoredRace, bytes | None]]:
        return [(race, _body(race.priced_card)) for race in stored_races(engine, self.race_ids)]


def _body(card: Card | None) -> bytes | None:
    return None if card is None else msgspec.json.encode(card)


def _probabilities(answer: bytes) -> list[tuple[str, float]]:
    runners = msgspec.json.decode(answer)["runners"]
    return [(runner["name"], runner["win_probability"]) for runner in runners]
