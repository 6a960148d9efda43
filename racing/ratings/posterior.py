r"""What a dog's form says of its ability in one race to come: an exact Gaussian posterior.

The ability of a dog is a state that wanders, seen through noisy *worths* of its runs:

.. math::

    a(\text{run}) &= s(t) + u_{track} + u_{track,distance} + u(\ln distance) + u_{zone} \\
    w_i &= a_i - \textstyle\sum_{j \ge i} shift_j + e_i, \qquad e_i \sim N(0, noise_i)

``s`` is a Brownian motion that moves by the day and by the run, from a wide prior at the oldest run of the
form; each ``u`` is a lasting quirk of the dog (this track, this trip, inside or wide), drawn once; ``shift``
is what a result said beyond what was expected, added to the state after the run.  All of it is Gaussian, so
the posterior of the ability at the card's date, track, distance and box is the textbook one (Rasmussen &
Williams, 2006, eq. 2.19) over at most twelve runs: the filter of Kalman (1960) without its book-keeping.  It
needs nothing but the runs' worths, so a dog of the database and one of a request are rated by the same lines.
"""

from dataclasses import dataclass

import numpy as np

from racing.runs import Entries, Floats, Form, box_zone

_NEVER = 1e6
"""The noise of a run without a worth: it says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """Variances of ability, in squared units of the worth."""

    debut: float
    """Of a dog's state when first seen."""
    day: float
    """Added to the state each day."""
    run: float
    """Added to the state each run."""
    track: float
    course: float
    """Of the dog's quirk at one track and distance."""
    distance: float
    distance_scale: float
    """In ln(metres): how far apart two trips are still alike."""
    zone: float


REVISION_DAYS = (10, 30)
"""A run's worth is worked out anew so many days later: what rivals did since tells how strong they were."""


@dataclass(frozen=True, slots=True)
class Worths:
    """What runs were worth to one rating; one row a run, NaN where the run says nothing."""

    worth: Floats
    """Shape (n_runs, n_revisions): when fresh, then after each of ``REVISION_DAYS``; or (n_runs, 1)."""
    noise: Floats
    """Variance; of the same shape."""
    shift: Floats
    """Shape (n_runs,)."""
    innovation: Floats
    """Shape (n_runs,): the measurement less what was expected of it that morning; NaN where nobody knows."""


@dataclass(frozen=True, slots=True)
class Posterior:
    """Ability in the race to come, each array of shape (n,).

    ``mean`` is relative to the prior mean: ability = mean + loading * prior mean. ``loading`` is 1 for a dog
    without worths and falls towards 0 as they come in; ``variance`` is the uncertainty that remains.
    """

    mean: Floats
    loading: Floats
    variance: Floats

    @property
    def is_known(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return whether a dog's own runs say anything of it."""
        return self.loading < 0.98  # one noisy run leaves some 0.1 to 0.6


def posterior(form: Form, entries: Entries, worths: Worths, kernel: Kernel) -> Posterior:
    """Return what the form says of each entry's ability in its race."""
    days_ago = np.where(form.known, entries.day[:, None] - form.day, 0.0)
    runs_ago = np.where(form.known, np.arange(1.0, form.index.shape[1] + 1), 0.0)
    moved = np.cumsum(np.nan_to_num(form.of(worths.shift)), axis=1)
    worth, noise = as_of(form, worths, days_ago)
    return condition(Sightings(form, days_ago, runs_ago, worth + moved, noise), entries, kernel)


def as_of(form: Form, worths: Worths, days_ago: Floats) -> tuple[Floats, Floats]:
    """Return worth and noise of each run of the form as they are known so many days later."""
    revision = np.searchsorted(REVISION_DAYS, days_ago, side="right")
    return form.of_revision(worths.worth, revision), form.of_revision(worths.noise, revision)


@dataclass(frozen=True, slots=True)
class Sightings:
    """Runs of each dog about the moment at which its ability is asked for; arrays of shape (n, K)."""

    form: Form
    days_ago: Floats
    """Below 0 for a run after that moment."""
    runs_ago: Floats
    observed: Floats
    """The ability at that moment as each run shows it: its worth and what results moved since; or NaN."""
    noise: Floats


def condition(seen: Sightings, entries: Entries, kernel: Kernel) -> Posterior:
    """Return the posterior of each entry's ability, given the sightings of its dog."""
    form = seen.form
    silent = np.isnan(seen.observed)
    noise = np.where(silent, _NEVER, seen.noise)
    observed = np.where(silent, 0.0, seen.observed)

    drift = kernel.day * seen.days_ago + kernel.run * seen.runs_ago
    since_oldest = drift.max(axis=1, initial=0.0)
    state = since_oldest[:, None] - drift

    log_distance = np.log(np.where(form.known, form.distance_m, 500.0))
    card_log_distance = np.log(entries.distance_m)[:, None]
    zone = box_zone(form.box)
    track, course = form.track_id, form.track_id * 10_000 + form.distance_m
    card_track, card_course = entries.track_id, entries.track_id * 10_000 + entries.distance_m

    between = (
        kernel.debut
        + np.minimum(state[:, :, None], state[:, None, :])
        + kernel.track * (track[:, :, None] == track[:, None, :])
        + kernel.course * (course[:, :, None] == course[:, None, :])
        + kernel.distance * _alike(log_distance[:, :, None], log_distance[:, None, :], kernel)
        + kernel.zone * (zone[:, :, None] == zone[:, None, :])
    )
    to_card = (
        kernel.debut
        + np.minimum(state, since_oldest[:, None])
        + kernel.track * (track == card_track[:, None])
        + kernel.course * (course == card_course[:, None])
        + kernel.distance * _alike(log_distance, card_log_distance, kernel)
        + kernel.zone * (zone == entries.zone[:, None])
    )
    to_card = np.where(silent, 0.0, to_card)
    diagonal = np.arange(form.index.shape[1])
    between[:, diagonal, diagonal] += noise
    gain = np.linalg.solve(between, to_card[:, :, None])[:, :, 0]
    prior = kernel.debut + since_oldest + kernel.track + kernel.course + kernel.distance + kernel.zone
    return Posterior(
        mean=_sum_of_row(gain * observed),
        loading=1.0 - _sum_of_row(gain),
        variance=prior - _sum_of_row(gain * to_card),
    )


def _alike(one: Floats, other: Floats, kernel: Kernel) -> Floats:
    return np.exp(-np.abs(one - other) / kernel.distance_scale)


def _sum_of_row(values: Floats) -> Floats:
    # Column by column, so that a row's sum does not depend on how many rows there are.
    total = np.zeros(len(values))
    for column in range(values.shape[1]):
        total += values[:, column]
    return total
