"""A blend's members as one compact table, scored in one compiled call (``_trees.c``).

There is no twin in numpy: without a compiler the members' graphs run in ONNX Runtime, which says what each
means. ``docs/explanation/model-time.md`` has the figures.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from racing.ops.loops import IS_COMPILED as IS_COMPILED

if TYPE_CHECKING or IS_COMPILED:
    from racing.ops._trees import Table as Table
    from racing.ops._trees import unpack_choices as unpack_choices
    from racing.ops._trees import unpack_integers as unpack_integers

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_COMPARISONS = {"LT": "<", "LEQ": "l", "GT": "g"}


@dataclass(frozen=True, slots=True)
class TreesMember:
    """Trees whose leaves are summed in double, and rounded to a float; one entry a node of all trees.

    At a leaf ``yes`` is -1 and ``value`` counts. Where ``clip`` is above 0 the sum is a probability, clipped
    to that far from 0 and 1, and the answer its log odds.
    """

    roots: Ints
    """The first node of each tree."""
    feature: Ints
    threshold: Floats
    yes: Ints
    """The node for rows of which ``feature ? threshold`` holds."""
    no: Ints
    unknown_is_yes: NDArray[np.bool_]
    """Whether NaN goes to ``yes``, whatever the comparison."""
    value: Floats
    comparison: str
    """``LEQ``, ``LT`` or ``GT``."""
    base: float
    clip: float = 0.0


@dataclass(frozen=True, slots=True)
class LinearMember:
    """``base`` + clipped features x ``weight`` + what is unknown x ``unknown_weight`` + levels of codes.

    The first five have an entry a feature; a level is a value that a column may have, and counts its weight.
    """

    median: Floats
    """Stands for unknown."""
    low: Floats
    high: Floats
    weight: Floats
    unknown_weight: Floats
    level_column: Ints
    level_value: Floats
    level_weight: Floats
    base: float


BlendMember = TreesMember | LinearMember


def build_table(n_features: int, members: Iterable[tuple[float, BlendMember]]) -> "Table":
    """Return the table of some members, each with what its log odds count.

    Raises
    ------
    ValueError
        If a member does not fit: a tree of more than 65,000 nodes a level, a threshold that is no number.
    """
    table = Table(n_features)
    for weight, member in members:
        match member:
            case TreesMember():
                _add_trees(table, weight, member)
            case LinearMember():
                _add_linear(table, weight, member)
    return table


def _add_trees(table: "Table", weight: float, member: TreesMember) -> None:
    table.add_trees(
        weight,
        member.base,
        member.clip,
        _COMPARISONS[member.comparison],
        _plain(member.roots, np.int64),
        _plain(member.feature, np.int64),
        _plain(member.threshold, np.float64),
        _plain(member.yes, np.int64),
        _plain(member.no, np.int64),
        _plain(member.unknown_is_yes, np.bool_),
        _plain(member.value, np.float64),
    )


def _add_linear(table: "Table", weight: float, member: LinearMember) -> None:
    by_feature = (member.median, member.low, member.high, member.weight, member.unknown_weight)
    numbers = np.concatenate([*by_feature, member.level_value, member.level_weight])
    table.add_linear(weight, member.base, _plain(numbers, np.float64), _plain(member.level_column, np.int64))


def _plain(values: NDArray[Any], dtype: type[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(values, dtype)
