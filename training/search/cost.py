"""What a candidate costs to score: the steps of work for a card, counted, never timed.

A time would differ from run to run and choose another champion each; the count is the same on every machine.
Of trees it is the comparisons on the way to a leaf, of a linear member its weights, of a net its products by
how many of them are done meanwhile. Compiled code takes about a nanosecond a step: 63 microseconds for five
members of 56,000 steps (``docs/explanation/model-time.md``).
"""

from collections.abc import Iterable

import numpy as np

from training.families.family import FieldMember, FittedMember, TreeMember
from training.families.forest import Tree
from training.families.logistic_regression import LinearMember

N_RUNNERS = 8
"""Of the card that costs are of."""
STEPS_A_MEMBER = 1_000
"""What one more member counts, whatever its size: a microsecond."""


def scoring_steps(members: Iterable[FittedMember]) -> int:
    """Return the steps of work to score a card of eight runners with some members."""
    return sum(STEPS_A_MEMBER + _steps(member) for member in members)


def _steps(member: FittedMember) -> int:
    if isinstance(member, FieldMember):
        return member.steps(N_RUNNERS)
    return round(N_RUNNERS * _steps_a_runner(member))


def _steps_a_runner(member: FittedMember) -> float:
    if isinstance(member, LinearMember):
        return float(len(member.weight) + len(member.level_column))
    assert isinstance(member, TreeMember)
    return sum(_mean_depth(tree) for tree in member.forest().trees)


def _mean_depth(tree: Tree) -> float:
    """Return how deep the leaves lie, those of one tree counting alike."""
    depth = np.zeros(len(tree.yes), np.int64)
    level = np.zeros(1, np.int64)
    while len(level):
        inner = level[tree.yes[level] >= 0]
        below = np.concatenate([tree.yes[inner], tree.no[inner]])
        depth[below] = np.tile(depth[inner] + 1, 2)
        level = below
    return float(depth[tree.yes < 0].mean())
