"""Members for tests: random trees with every oddity that a tree may have, and linear members with levels."""

import numpy as np

from training.families.forest import Forest, Tree
from training.families.logistic_regression import LinearMember

N_FEATURES = 7
# Few values, so that thresholds and features are often equal; some lie between two floats, some beyond all.
VALUES = np.array([-1e300, -2.0, -1.0, -0.0, 1e-45, 0.1, 1 / 3, 1.0, np.float64(np.float32(0.1)), 5.0, 1e300])


def make_forest(
    draw: np.random.Generator, comparison: str = "LEQ", *, n_trees: int = 30, n_leaves: int = 12, **kind: bool
) -> Forest:
    """A sum of random trees; the first is a single leaf, and the last a chain."""
    trees = [_random_tree(draw, 1), *(_random_tree(draw, n_leaves) for _ in range(n_trees - 2))]
    return Forest((*trees, _random_tree(draw, 40, is_chain=True)), comparison, base=0.1, **kind)


def make_oblivious_forest(draw: np.random.Generator, comparison: str = "GT", n_trees: int = 20) -> Forest:
    """Trees whose branches of a level are all alike."""
    trees = []
    for depth in draw.integers(1, 7, n_trees):
        n_branches, n = 2**depth - 1, 2 ** (depth + 1) - 1
        level = np.floor(np.log2(np.arange(n) + 1)).astype(int)
        is_branch = np.arange(n) < n_branches
        children = np.where(is_branch, 2 * np.arange(n) + 1, -1)
        trees.append(
            Tree(
                feature=draw.integers(0, N_FEATURES, depth + 1)[level],
                threshold=draw.choice(VALUES, depth + 1)[level],
                yes=np.where(is_branch, children + 1, -1),
                no=children,
                unknown_is_yes=(draw.random(depth + 1) < 0.5)[level],
                value=draw.normal(size=n),
            )
        )
    return Forest(tuple(trees), comparison)


def make_linear(draw: np.random.Generator, *, n_levels: int = 4) -> LinearMember:
    """A linear member whose features are clipped, with levels of codes."""
    median = draw.normal(size=N_FEATURES)
    return LinearMember(
        median=median,
        low=median - 1,
        high=median + 1,
        weight=draw.normal(size=N_FEATURES),
        unknown_weight=draw.normal(size=N_FEATURES),
        level_column=draw.integers(0, N_FEATURES, n_levels),
        level_value=draw.choice([-1.0, 1.0, 5.0], n_levels),
        level_weight=draw.normal(size=n_levels),
        intercept=0.2,
    )


def make_rows(draw: np.random.Generator, n: int) -> np.ndarray:
    """Rows of thresholds, their neighbours, infinities and unknowns."""
    with np.errstate(over="ignore", under="ignore"):
        near = VALUES.astype(np.float32)
        odd = np.array([np.nan, np.inf, -np.inf, 3.0], np.float32)
        values = np.concatenate([near, np.nextafter(near, np.inf), np.nextafter(near, -np.inf), odd, odd])
    return draw.choice(values.astype(np.float32), (n, N_FEATURES))


def _random_tree(draw: np.random.Generator, n_leaves: int, *, is_chain: bool = False) -> Tree:
    """Leaves are split at random, or the newest each time, until there are so many."""
    yes, no, leaves = [-1], [-1], [0]
    while len(leaves) < n_leaves:
        place = leaves.pop(-1 if is_chain else int(draw.integers(len(leaves))))
        yes[place], no[place] = draw.permutation([len(yes), len(yes) + 1]).tolist()
        leaves += [len(yes), len(yes) + 1]
        yes += [-1, -1]
        no += [-1, -1]
    n = len(yes)
    return Tree(
        feature=draw.integers(0, N_FEATURES, n),
        threshold=draw.choice(VALUES, n),
        yes=np.array(yes),
        no=np.array(no),
        unknown_is_yes=draw.random(n) < 0.5,
        value=draw.normal(size=n),
    )
