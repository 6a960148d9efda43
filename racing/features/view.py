"""What a feature may look at: the view of races about to be run, built in one way from two sources.

History and a card come as the same two tables, so that a feature is the same in training and in the service::

    racing.features.table                     racing.features.cards.card_view
    runs of history, gathered                 n runners, and their runs of the database or of the card
                     \\                        /
                      runners: RUNNER_COLUMNS, one value a runner
                      form: racing.ratings.dog_forms.COLUMNS, each of shape (n, K)
                                    |
                               build_view
                                    |
      RaceView: card, form, box effects; observations and posterior of each rating, when they are first used
                                    |
             racing.features.formulas, one float a runner  ->  racing.features.matrix

For a card the whole of it, from the two tables on, is recorded once and then played (:mod:`racing.ops`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from racing.domain.runs import Entries, Floats, Form, Ints
from racing.ops import select, sum_in_race
from racing.ratings.affixes import AFFIX_COLUMNS
from racing.ratings.catalog import RATINGS
from racing.ratings.performances import observe
from racing.ratings.posterior import Observations, Posterior, condition
from racing.ratings.replay import prior_mean

_BY_NAME = {rating.name: rating for rating in RATINGS}
_OF_ENTRIES = tuple(f.name for f in fields(Entries) if f.name != "race")
RUNNER_COLUMNS = (
    *_OF_ENTRIES, "track_code", *(f"{rating.name}_box" for rating in RATINGS), *AFFIX_COLUMNS, "price_10m",
)  # fmt: skip
"""What is known of each runner: the fields of :class:`racing.domain.runs.Entries`, the fixed number of the
track (:mod:`racing.domain.tracks`; 0 for any other), by rating what the box adds at the course, and what the
affixes of its name tell (:mod:`racing.ratings.affixes`), and its price ten minutes before the off."""


def build_view(race: Ints, runners: Mapping[str, Any], form: Form) -> "RaceView":
    """Return the view of whole races, contiguous and numbered from 0, by :data:`RUNNER_COLUMNS` and form."""
    return RaceView(
        card=Entries(race=race, **{name: runners[name] for name in _OF_ENTRIES}),
        form=form,
        box_effects={rating.name: runners[f"{rating.name}_box"] for rating in RATINGS},
        track_code=runners["track_code"],
        affixes={name: runners[name] for name in AFFIX_COLUMNS},
        price_10m=runners["price_10m"],
    )


@dataclass(slots=True)
class RaceView:
    """Whole races about to be run, n runners in all; what is derived is worked out once."""

    card: Entries
    form: Form
    box_effects: Mapping[str, Floats]
    """By rating, what each runner's box adds at its course, as of the month before."""
    track_code: Floats
    affixes: Mapping[str, Floats]
    """By :data:`racing.ratings.affixes.AFFIX_COLUMNS`, as of the month before; 0 is as all dogs are."""
    price_10m: Floats
    """The market's decimal odds of this race ten minutes before the off that is due."""
    _cache: dict[str, Floats] = field(default_factory=dict)
    _observations: dict[str, Observations] = field(default_factory=dict)
    _posteriors: dict[str, Posterior] = field(default_factory=dict)

    @property
    def race(self) -> Ints:
        """Return the race of each runner, 0, 1, 2 ... in order."""
        return self.card.race

    def observations(self, rating: str) -> Observations:
        """Return what the runs of the form show of each runner's ability by one rating."""
        if rating not in self._observations:
            self._observations[rating] = observe(self.form, self.card, _BY_NAME[rating])
        return self._observations[rating]

    def posterior(self, rating: str) -> Posterior:
        """Return the posterior of each runner's ability by one rating."""
        if rating not in self._posteriors:
            kernel = _BY_NAME[rating].kernel
            self._posteriors[rating] = condition(self.observations(rating), self.card, kernel)
        return self._posteriors[rating]

    def ability(self, rating: str) -> Floats:
        """Return the expected ability.

        A dog without observations has what its known rivals suggest, where the rating allows it, else NaN.
        """

        def work_out() -> Floats:
            known, model = self.posterior(rating), _BY_NAME[rating]
            if model.debut is None:
                return select(known.is_known, known.mean, float("nan"))
            prior = prior_mean(known, model, lambda values: sum_in_race(values, self.race))
            return known.mean + known.loading * prior

        return self.once(f"{rating}.ability", work_out)

    def adjusted_performance(self, rating: str) -> Floats:
        """Return each run's adjusted performance, brought up to today by the results since: shape (n, K)."""
        return self.observations(rating).observed

    def once(self, name: str, work_out: Callable[[], Floats]) -> Floats:
        """Return a named array, worked out at the first call."""
        if name not in self._cache:
            self._cache[name] = work_out()
        return self._cache[name]
