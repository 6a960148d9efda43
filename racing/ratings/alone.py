"""What runs are worth whose race or meeting is not known: those that a request brings along.

The level of such a run (its opposition, or the going) is what its class or its course has had of late, and as
uncertain as such levels are: its variance is added to the noise.  That is the same Gaussian model as in
:mod:`racing.ratings.replay`, with nothing but the prior to say of the level.
"""

import numpy as np

from racing.ratings.catalog import RATINGS, Rating
from racing.ratings.effects import EffectBook, box_index
from racing.ratings.posterior import Worths
from racing.ratings.replay import level_key
from racing.runs import Floats, Ints, Runs


def worths_alone(runs: Runs, effects: EffectBook) -> dict[str, Worths]:
    """Return for each rating what runs are worth by themselves, by the tables as of their month."""
    if not len(effects.months):
        return {rating.name: _by_overall(runs, rating, np.zeros(len(runs)), np.nan) for rating in RATINGS}
    course = effects.courses.of(runs.track_id, runs.distance_m)
    month = np.maximum(effects.month_row(runs.day), 0)
    return {rating.name: _worths(runs, rating, effects, course, month) for rating in RATINGS}


def _worths(runs: Runs, rating: Rating, effects: EffectBook, course: Ints, month: Ints) -> Worths:
    tables = effects.by_rating[rating.name]
    key = level_key(rating, runs, course)
    box = np.array([tables[m].box[c, b] for m, c, b in zip(month, course, box_index(runs.box), strict=True)])
    level = np.array([tables[m].level[k] for m, k in zip(month, key, strict=True)])
    overall = np.array([tables[m].overall for m in month])
    if not rating.by_meeting:  # an unknown class is any class; an unknown course says nothing of a time
        level = np.where(np.isnan(level), overall, level)
    return _by_overall(runs, rating, box, level)


def _by_overall(runs: Runs, rating: Rating, box: Floats, level: Floats | float) -> Worths:
    measured = rating.measure(runs)
    shift = np.zeros(len(runs)) if rating.shift is None else rating.shift(runs)
    worth = measured - box - level
    noise = rating.noise(measured) + rating.lone_variance
    return Worths(
        worth=worth[:, None],
        noise=noise[:, None],
        shift=np.where(np.isnan(measured), 0.0, shift),
        innovation=np.full(len(runs), np.nan),
    )
