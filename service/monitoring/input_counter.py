"""Counts the features of answered cards, by day and version, in threads of its own.

An answer puts references to its arrays into a bounded queue, and that is all that it waits for. One thread
counts what lies there, many cards at a time; another writes the totals to the database. Each total has a
writer's name of its own and its row is rewritten whole, so nothing is counted twice, whatever is killed or
written late; a ``kill -9`` loses what was counted since the last write (``GREYHOUND_INPUTS_INTERVAL_S``).

A card that is requested again with the same features counts once a day and process: pages that ask every
minute would make a race's runners count hundreds of times.
"""

import datetime as dt
import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from racing.domain.cards import Card
from racing.domain.names import name_key
from racing.domain.tracks import track_name
from racing.features import FEATURE_NAMES
from racing.monitor.drift import psi
from racing.monitor.input_counts import FACTS, Bins, Counted, bins_of, note_track
from racing.monitor.input_days import WRITTEN_DAYS, store_counts
from service.race_database import RaceDatabase
from service.serving.slots import Snapshot
from service.settings import ServiceSettings

log = logging.getLogger("greyhound.service")

MAX_WAITING = 2048
"""Cards in the queue; one has some 6 kB of features."""
MAX_TOTALS = 32
MAX_REMEMBERED = 20_000
"""Cards of a day that are known when they come again; later ones count each time."""
N_TOP = 5
FEWEST_RUNNERS = 500
"""A PSI of fewer is noise."""
STOP_S = 0.5
_EVERY_S = 0.25
_CHUNK = 64  # cards counted at a time, in some 1 ms
_STATEMENT_S = 5.0
_DAY_S = 86_400


class CountedCard(Protocol):
    """What is counted of an answer, see :class:`service.prediction.card_prediction.CardPrediction`."""

    @property
    def card(self) -> Card: ...
    @property
    def features(self) -> NDArray[np.float32]: ...
    @property
    def win_probability(self) -> NDArray[np.float64]: ...
    @property
    def is_known(self) -> NDArray[np.bool_]: ...
    @property
    def n_prior_runs(self) -> NDArray[np.int64]: ...
    @property
    def market_probability(self) -> NDArray[np.float64] | None: ...


class _Answered(NamedTuple):
    snapshot: Snapshot
    features: NDArray[np.float32]
    win_probability: NDArray[np.float64]
    is_known: NDArray[np.bool_]
    n_prior_runs: NDArray[np.int64]
    track: str
    distance_m: int
    is_priced: bool
    race: tuple[object, ...]
    """Its day, number and runners: which race it is, apart from the features."""
    at_s: float


@dataclass(slots=True, eq=False)
class _Total:
    """What this process has counted of a day and version."""

    date: dt.date
    version: int
    digest: str
    counted: Counted
    writer: str = field(default_factory=lambda: uuid.uuid4().hex)
    seen: set[int] = field(default_factory=set)
    n_changes: int = 0
    n_written: int = 0
    """``n_changes`` at the last write."""


class InputCounter:
    """Counts what comes in; an answer never waits for it and never fails by it.

    Attributes
    ----------
    n_dropped : int
        Cards that found the queue full, and were answered uncounted.
    n_lost : int
        Cards counted of days that could not be written before they were given up.
    facts : ndarray
        ``FACTS`` of all cards since the process began.
    moved : tuple
        The features of today's cards that lie farthest from the training, and their PSI.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self.is_on = settings.count_inputs
        self.n_dropped = self.n_lost = 0
        self.facts = np.zeros(len(FACTS), np.int64)
        self.moved: tuple[tuple[str, float], ...] = ()
        self.error: str | None = None
        """Why the last write failed, if it did."""
        self._interval_s = settings.inputs_interval_s
        self._database = RaceDatabase(settings.database, statement_timeout_s=_STATEMENT_S)
        self._engine: Any = None
        self._queue: deque[_Answered] = deque()
        self._totals: dict[tuple[int, int, str], _Total] = {}
        self._versions: dict[str, tuple[Bins, frozenset[str]]] = {}
        self._lock = threading.Lock()  # between the two threads; no answer takes it
        self._counting = threading.Lock()
        self._stopping, self._last_write = threading.Event(), threading.Event()
        self._threads = [
            threading.Thread(target=self._count_until_stopped, name="input-counter", daemon=True),
            threading.Thread(target=self._write_until_stopped, name="input-writer", daemon=True),
        ]

    def put(self, snapshot: Snapshot, prediction: CountedCard) -> None:
        """Count an answered card, soon; from the event loop's thread, about a microsecond."""
        if not self.is_on:
            return
        queue = self._queue
        if len(queue) >= MAX_WAITING:
            self.n_dropped += 1
            return
        card = prediction.card
        queue.append(
            _Answered(
                snapshot,
                prediction.features,
                prediction.win_probability,
                prediction.is_known,
                prediction.n_prior_runs,
                card.track,
                card.distance_m,
                prediction.market_probability is not None,
                (card.date, card.race_number, *[runner.name for runner in card.runners]),
                time.time(),
            )
        )

    def start(self) -> None:
        """Begin to count and to write."""
        if self.is_on:
            for thread in self._threads:
                thread.start()

    def stop(self) -> None:
        """Count what is in the queue, write it, and end; blocking, a second at most."""
        if self.is_on and self._threads[0].is_alive():
            self._stopping.set()
            self._threads[0].join(STOP_S)
            self._last_write.set()
            self._threads[1].join(STOP_S)

    def count_waiting(self) -> None:
        """Count what is in the queue; from any thread but the event loop's."""
        with self._counting:
            queue = self._queue
            while n_waiting := min(len(queue), _CHUNK):
                cards = [queue.popleft() for _ in range(n_waiting)]
                for _, alike in groupby(
                    cards, key=lambda card: (id(card.snapshot), int(card.at_s // _DAY_S))
                ):
                    self._count(list(alike))

    def write(self) -> bool:
        """Write the totals that have changed; return whether the database has them all. Blocking."""
        if not self._database.is_set:
            return False
        try:
            with self._database.engine() as engine:
                if engine is not self._engine:  # another file, which has nothing of this process
                    self._engine = engine
                    with self._lock:
                        for total in self._totals.values():
                            total.n_written = 0
                for total in self._changed():
                    self._write_one(engine, total)
        except Exception as error:  # whatever the driver throws: it is tried again
            why = " ".join(str(error).split())[:300] or type(error).__name__
            if self.error is None and self._engine is not None:
                log.warning("the counts of inputs cannot be written: %s", why)
            self.error = why
            return False
        self.error = None
        return True

    def _count_until_stopped(self) -> None:
        while True:
            is_last = self._stopping.wait(_EVERY_S)
            try:
                self.count_waiting()
            except Exception:  # counting must go on
                log.exception("counting inputs failed")
            if is_last:
                return

    def _write_until_stopped(self) -> None:
        while not self._last_write.wait(self._interval_s):
            self._note_moved()
            self.write()
        self.write()
        self._database.close()

    def _count(self, cards: Sequence[_Answered]) -> None:
        """Add cards of one version and day to its total."""
        snapshot, day = cards[0].snapshot, int(cards[0].at_s // _DAY_S)
        bins, tracks = self._version(snapshot)
        total = self._total(day, snapshot, bins)
        new = [card for card in cards if not _was_seen(total.seen, card)]
        if not new:
            return
        columns = snapshot.columns[: len(snapshot.model.spec.runner_features)]
        features = np.concatenate([card.features[:, columns] for card in new])
        counts = bins.count(features, np.concatenate([card.win_probability for card in new]))
        facts = [(int(card.at_s % _DAY_S // 3600), _facts(card, tracks), card.track) for card in new]
        with self._lock:
            total.counted.counts += counts
            for hour, of_card, track in facts:
                total.counted.hours[hour] += of_card
                if of_card[FACTS.index("n_unknown_tracks")]:
                    note_track(total.counted.unknown_tracks, track)
            total.n_changes += len(new)
        self.facts = self.facts + np.sum([of_card for _, of_card, _ in facts], axis=0)

    def _version(self, snapshot: Snapshot) -> tuple[Bins, frozenset[str]]:
        """Return the bins of a version, and the keys of the tracks that it has seen."""
        digest = snapshot.model.digest
        found = self._versions.get(digest)
        if found is None:
            documents = snapshot.model.documents
            bins = bins_of(documents.get("reference", {}), snapshot.model.spec.runner_features)
            tracks = documents.get("effects", {}).get("tracks")
            names = tracks.values() if isinstance(tracks, dict) else ()
            if len(self._versions) >= MAX_TOTALS:
                self._versions.clear()
            found = self._versions[digest] = bins, frozenset(name_key(str(name)) for name in names)
        return found

    def _total(self, day: int, snapshot: Snapshot, bins: Bins) -> _Total:
        key = day, snapshot.version, snapshot.model.digest
        total = self._totals.get(key)
        if total is None:
            date = dt.date(1970, 1, 1) + dt.timedelta(days=day)
            total = _Total(date, snapshot.version, snapshot.model.digest, Counted(bins, bins.no_counts()))
            with self._lock:
                self._totals[key] = total
                self._give_up_old(day)
        return total

    def _give_up_old(self, today: int) -> None:
        """Forget what is too old to be written any more, so that memory is bounded."""
        keys = sorted(self._totals)
        old = [key for key in keys if key[0] <= today - WRITTEN_DAYS]
        for key in old or keys[:-MAX_TOTALS]:
            total = self._totals.pop(key)
            self.n_lost += total.n_changes - total.n_written
        for key, total in self._totals.items():
            if key[0] < today:
                total.seen.clear()

    def _changed(self) -> list[_Total]:
        with self._lock:
            return [total for total in self._totals.values() if total.n_changes != total.n_written]

    def _write_one(self, engine: Any, total: _Total) -> None:
        with self._lock:
            n_changes = total.n_changes
            counted = Counted(total.counted.bins, total.counted.counts.copy())
            counted.add(Counted(total.counted.bins, counted.bins.no_counts(), total.counted.hours))
            counted.unknown_tracks = dict(total.counted.unknown_tracks)
        with engine.begin() as connection:
            store_counts(
                connection,
                writer=total.writer,
                date=total.date,
                version=total.version,
                digest=total.digest,
                counted=counted,
            )
        with self._lock:
            total.n_written = n_changes

    def _note_moved(self) -> None:
        """Note which features of the newest day's most answered version lie farthest from its training."""
        with self._lock:
            totals = list(self._totals.items())
            if not totals:
                return
            newest = max(key[0] for key, _ in totals)
            total = max((t for key, t in totals if key[0] == newest), key=lambda t: t.n_changes)
            counts, bins = total.counted.counts.copy(), total.counted.bins
        if counts[-1].sum() < FEWEST_RUNNERS:
            self.moved = ()
            return
        moved = np.nan_to_num(psi(counts, bins.shares, bins.exists))
        self.moved = tuple((bins.names[i], float(moved[i])) for i in np.argsort(-moved)[:N_TOP])


def _was_seen(seen: set[int], card: _Answered) -> bool:
    """Return whether a card has come with the same features today, and remember it.

    Numbers of single runs, three times as many, are of the same form and left out.
    """
    features = card.features[:, : len(FEATURE_NAMES)].tobytes()
    key = hash((features, card.track, card.race, card.is_priced))
    if key in seen:
        return True
    if len(seen) < MAX_REMEMBERED:
        seen.add(key)
    return False


def _facts(card: _Answered, tracks: frozenset[str]) -> tuple[int, ...]:
    """Return a card's ``FACTS``."""
    n_runners = len(card.n_prior_runs)
    n_unknown = n_runners - int(np.count_nonzero(card.is_known))
    is_unknown_track = bool(tracks) and _key_of_track(card.track, card.distance_m) not in tracks
    has_no_form = not card.n_prior_runs.any()
    return 1, n_runners, n_unknown, int(is_unknown_track), int(has_no_form), int(card.is_priced)


@lru_cache(4096)
def _key_of_track(track: str, distance_m: int) -> str:
    return name_key(track_name(track, distance_m))
