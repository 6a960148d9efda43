"""The latest cards of each version, as this process answered them: noted on the way, read by the fuses."""

import datetime as dt
from collections import deque

import numpy as np
from numpy.typing import NDArray

from model_registry.errors import NotScored
from racing.experiments.fuses import LatestAnswers
from service.problems import UNEXPECTED, problem_type_of
from service.serving.slots import Snapshot

N_LATEST = 300


class AnswerRecorder:
    """Remembers the latest cards of this process, at a fifth of a microsecond a card."""

    def __init__(self) -> None:
        self._latest: deque[tuple[dt.datetime, float | None, NDArray[np.float64] | None]]
        self._latest = deque(maxlen=N_LATEST)
        self.answered = self._latest.append
        """Note an answer: ``(when its snapshot was loaded, seconds that the model took, win probabilities)``.

        Of an error the seconds are NaN, and None where the model gave no number. A version that comes back is
        another snapshot, so that it is not blamed for its earlier term.
        """

    def failed(self, snapshot: Snapshot, error: Exception) -> None:
        """Note a card without an answer, unless that is due to the card, a database or the load."""
        if isinstance(error, NotScored) or problem_type_of(error) is UNEXPECTED:
            self._latest.append((snapshot.loaded_at, None if isinstance(error, NotScored) else np.nan, None))

    def of(self, snapshot: Snapshot, golden_error: str | None = None) -> LatestAnswers:
        """Return what there was of a version since it came in; from any thread."""
        cards = [card for card in tuple(self._latest) if card[0] == snapshot.loaded_at]
        seconds = np.array([took for _, took, _ in cards if took is not None])
        given = [p for _, _, p in cards if p is not None]
        return LatestAnswers(
            version=snapshot.version,
            n_errors=int(np.isnan(seconds).sum()),
            n_not_scored=len(cards) - len(seconds),
            n_cards=len(cards),
            model_ms=1000 * seconds[~np.isnan(seconds)],
            probabilities=np.concatenate(given) if given else np.zeros(0),
            golden_error=golden_error,
        )
