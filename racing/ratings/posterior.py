r"""What a dog's form says of its ability in one race to come: an exact Gaussian posterior.

The ability of a dog is a state that wanders, seen through the noisy *adjusted performances* of its runs (what
was measured, less box and level; :mod:`racing.ratings.performances`):

.. math::

    a(\text{run}) &= s(t) + u_{track} + u_{track,distance} + u(\ln distance) + u_{zone} \\
    p_i &= a_i - \textstyle\sum_{j \ge i} shift_j + e_i, \qquad e_i \sim N(0, noise_i)

``s`` is a Brownian motion that moves by the day and by the run, from a wide prior at the oldest run of the
form; each ``u`` is a lasting quirk of the dog (this track, this trip, inside or wide), drawn once; ``shift``
is how far a result went beyond what was expected, added to the state after the run.  All of it is Gaussian,
so the posterior of the ability at the card's date, track, distance and box is the textbook one (Rasmussen &
Williams, 2006, eq. 2.19) over at most twelve runs: the filter of Kalman (1960) without its book-keeping.  It
needs nothing but the adjusted performances, so a dog of the database and one of a request are rated by the
same lines.
"""

from dataclasses import dataclass

import numpy as np

from racing import ops
from racing.domain.runs import Entries, Floats, Form, box_zone

MAX_RUNS = 32
"""The most runs of a dog that an estimate has room for; as in ``_loops.c``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """Variances of ability, in squared units of the rating."""

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


@dataclass(frozen=True, slots=True)
class Posterior:
    """Ability in the race to come, each array of shape (n,).

    ``mean`` is relative to the prior mean: ability = mean + loading * prior mean. ``loading`` is 1 for a dog
    without observations and falls towards 0 as they come in; ``variance`` is the uncertainty that remains.
    """

    mean: Floats
    loading: Floats
    variance: Floats

    @property
    def is_known(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return whether a dog's own runs say anything of it."""
        return self.loading < 0.98  # one noisy run leaves some 0.1 to 0.6


@dataclass(frozen=True, slots=True)
class Observations:
    """What the runs of each dog show of its ability at one moment; arrays of shape (n, K)."""

    form: Form
    days_ago: Floats
    """Days from the run to that moment; below 0 for a run after it, 0 for no run."""
    runs_ago: Floats
    observed: Floats
    """Ability at that moment as each run shows it: its adjusted performance and the shifts since; or NaN."""
    noise: Floats
    """Variance of ``observed`` about the ability."""


def condition(observations: Observations, entries: Entries, kernel: Kernel) -> Posterior:
    """Return the posterior of each entry's ability, given the observations of its dog.

    Raises
    ------
    ValueError
        If a dog has more runs than :data:`MAX_RUNS`.
    """
    if (n_runs := observations.observed.shape[1]) > MAX_RUNS:
        raise ValueError(f"an ability is estimated from at most {MAX_RUNS} runs a dog, got {n_runs}")
    mean, loading, variance = ops.condition(
        observations.observed,
        observations.noise,
        observations.days_ago,
        observations.runs_ago,
        np.log(observations.form.distance_m),
        observations.form.track_id,
        box_zone(observations.form.box),
        np.log(entries.distance_m),
        entries.track_id + 0.0,
        entries.zone,
        kernel.numbers,
    )
    return Posterior(mean, loading, variance)
