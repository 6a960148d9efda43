"""What the features of some races may look at: their cards, the form behind them, the ratings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from racing.domain.runs import Entries, Floats, Form, FormTable, Ints
from racing.ops import select, sum_in_race
from racing.ratings.catalog import RATINGS
from racing.ratings.posterior import FormObservations, Posterior, posterior
from racing.ratings.replay import prior_mean

_BY_NAME = {rating.name: rating for rating in RATINGS}


@dataclass(slots=True)
class RaceView:
    """Whole races about to be run, n runners in all; asked for the same thing twice, it works it out once."""

    card: Entries
    form: Form | FormTable
    seen: Mapping[str, FormObservations]
    """By rating, what the runs of the form were worth."""
    box_effects: Mapping[str, Floats]
    """By rating, what each runner's box adds at its course, as of the month before."""
    track: Floats
    """The fixed number of each race's track in :mod:`racing.domain.tracks`, 0 for any other."""
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
            self._posteriors[rating] = posterior(self.form, self.card, self.seen[rating], kernel)
        return self._posteriors[rating]

    def ability(self, rating: str) -> Floats:
        """Return the expected ability.

        A dog without worths has what its known rivals suggest, where the rating allows it, else NaN.
        """

        def work_out() -> Floats:
            known, model = self.posterior(rating), _BY_NAME[rating]
            if model.debut is None:
                return select(known.is_known, known.mean, float("nan"))
            prior = prior_mean(known, model, lambda values: sum_in_race(values, self.race))
            return known.mean + known.loading * prior

        return self.once(f"{rating}.ability", work_out)

    def worth(self, rating: str) -> Floats:
        """Return what each run of the form was worth, brought up to today by the results since.

        Shape (n, WINDOW).
        """
        return self.once(f"{rating}.worth", lambda: self.seen[rating].worth_today)

    def once(self, name: str, work_out: Callable[[], Floats]) -> Floats:
        """Return a named array, worked out at the first call."""
        if name not in self._cache:
            self._cache[name] = work_out()
        return self._cache[name]
