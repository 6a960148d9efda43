"""What the features of some races may look at: their cards, the form behind them, the learnt tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from racing.ratings.catalog import RATINGS
from racing.ratings.effects import EffectBook
from racing.ratings.posterior import Posterior, Worths, as_of, posterior
from racing.ratings.replay import prior_mean
from racing.runs import Entries, Floats, Form, Ints

_BY_NAME = {rating.name: rating for rating in RATINGS}


@dataclass(slots=True)
class RaceView:
    """Whole races about to be run, n runners in all; asked for the same thing twice, it works it out once."""

    card: Entries
    form: Form
    worths: Mapping[str, Worths]
    """By rating, one entry a run behind the form."""
    effects: EffectBook
    track_code: Mapping[int, int]
    """The fixed number of each track that :mod:`racing.tracks` knows, by ``track_id``."""
    _cache: dict[str, Floats] = field(default_factory=dict)
    _posteriors: dict[str, Posterior] = field(default_factory=dict)

    @property
    def race(self) -> Ints:
        """Return the race of each runner, 0, 1, 2 ... in order."""
        return self.card.race

    def posterior(self, rating: str) -> Posterior:
        """Return what form says of each runner's ability by one rating."""
        if rating not in self._posteriors:
            kernel = _BY_NAME[rating].kernel
            self._posteriors[rating] = posterior(self.form, self.card, self.worths[rating], kernel)
        return self._posteriors[rating]

    def ability(self, rating: str) -> Floats:
        """Return the expected ability.

        A dog without worths has what its known rivals suggest, where the rating allows it, else NaN.
        """

        def work_out() -> Floats:
            known, model = self.posterior(rating), _BY_NAME[rating]
            expected = known.mean + known.loading * prior_mean(known, self.race, model)[self.race]
            return expected if model.debut is not None else np.where(known.is_known, expected, np.nan)

        return self.once(f"{rating}.ability", work_out)

    def box_effect(self, rating: str) -> Floats:
        """Return what the box adds at this course, as of the month before."""

        def work_out() -> Floats:
            course = self.effects.courses.of(self.card.track_id, self.card.distance_m)
            return self.effects.box_effect(rating, self.card.day, course, self.card.box)

        return self.once(f"{rating}.box", work_out)

    def worth(self, rating: str) -> Floats:
        """Return what each run of the form was worth, brought up to today by the results since.

        Shape (n, WINDOW).
        """

        def work_out() -> Floats:
            days_ago = self.card.day[:, None] - self.form.day
            moved = np.cumsum(np.nan_to_num(self.form.of(self.worths[rating].shift)), axis=1)
            return as_of(self.form, self.worths[rating], days_ago)[0] + moved

        return self.once(f"{rating}.worth", work_out)

    def once(self, name: str, work_out: Callable[[], Floats]) -> Floats:
        """Return a named array, worked out at the first call."""
        if name not in self._cache:
            self._cache[name] = work_out()
        return self._cache[name]
