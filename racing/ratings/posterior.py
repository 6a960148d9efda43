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

from racing import ops as kernels
from racing.domain.runs import Entries, Floats, Form, FormTable, box_zone

MAX_RUNS = 32
"""The most runs of a dog that an estimate has room for; as in ``_loops.c``."""


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

    @property
    def numbers(self) -> Floats:
        """Return them in the order in which :func:`racing.ops.condition` takes them."""
        return np.array(
            [
                self.debut, self.day, self.run, self.track, self.course, self.distance, self.distance_scale,
                self.zone,
            ]
        )  # fmt: skip


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


@dataclass(frozen=True, slots=True)
class FormObservations:
    """What the runs of each form were worth to one rating, as known on the morning of the card.

    Arrays of shape (n, WINDOW), newest run first, NaN where a run says nothing.
    """

    worth: Floats
    noise: Floats
    shift: Floats
    innovation: Floats

    @property
    def worth_today(self) -> Floats:
        """Return the worths brought up to today by what the results since said."""
        return self.worth + kernels.running_total(self.shift)


def see(form: Form, entries: Entries, worths: Worths) -> FormObservations:
    """Return the worths of the runs of each form as of the entries' day."""
    worth, noise = as_of(form, worths, days_before(form, entries))
    return FormObservations(worth, noise, form.of(worths.shift), form.of(worths.innovation))


def days_before(form: Form | FormTable, entries: Entries) -> Floats:
    """Return how many days before the entry each run was; 0 for no run."""
    return np.where(form.known, entries.day[:, None] - form.day, 0.0)


def as_of(form: Form, worths: Worths, days_ago: Floats) -> tuple[Floats, Floats]:
    """Return worth and noise of each run of the form as they are known so many days later."""
    revision = np.searchsorted(REVISION_DAYS, days_ago, side="right")
    return form.of_revision(worths.worth, revision), form.of_revision(worths.noise, revision)


def posterior(form: Form | FormTable, entries: Entries, seen: FormObservations, kernel: Kernel) -> Posterior:
    """Return what the form says of each entry's ability in its race."""
    runs_ago = np.where(form.known, np.arange(1.0, form.known.shape[1] + 1), 0.0)
    sightings = Observations(form, days_before(form, entries), runs_ago, seen.worth_today, seen.noise)
    return condition(sightings, entries, kernel)


@dataclass(frozen=True, slots=True)
class Observations:
    """Runs of each dog about the moment at which its ability is asked for; arrays of shape (n, K)."""

    form: Form | FormTable
    days_ago: Floats
    """Below 0 for a run after that moment."""
    runs_ago: Floats
    observed: Floats
    """The ability at that moment as each run shows it: its worth and what results moved since; or NaN."""
    noise: Floats


def condition(seen: Observations, entries: Entries, kernel: Kernel) -> Posterior:
    """Return the posterior of each entry's ability, given the sightings of its dog.

    Raises
    ------
    ValueError
        If a dog has more runs than :data:`MAX_RUNS`.
    """
    if (n_runs := seen.observed.shape[1]) > MAX_RUNS:
        raise ValueError(f"an ability is estimated from at most {MAX_RUNS} runs a dog, got {n_runs}")
    mean, loading, variance = kernels.condition(
        seen.observed,
        seen.noise,
        seen.days_ago,
        seen.runs_ago,
        np.log(seen.form.distance_m),
        seen.form.track_id,
        box_zone(seen.form.box),
        np.log(entries.distance_m),
        entries.track_id + 0.0,
        entries.zone,
        kernel.numbers,
    )
    return Posterior(mean, loading, variance)
