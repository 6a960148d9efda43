"""Trees of any family as one table, from which :mod:`training.export.onnx_graphs` writes a graph."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree, one entry a node, node 0 its root; at a leaf ``yes`` is -1 and ``value`` counts."""

    feature: Ints
    threshold: Floats
    yes: Ints
    """The node for runners of whom the comparison holds."""
    no: Ints
    unknown_is_yes: NDArray[np.bool_]
    value: Floats


@dataclass(frozen=True, slots=True)
class Forest:
    """The sum of some trees and a base; ``comparison`` is ``LEQ``, ``LT`` or ``GT`` (feature ? threshold)."""

    trees: tuple[Tree, ...]
    comparison: str
    base: float = 0.0
    is_probability: bool = False
    """The sum is a probability, clipped to 1e-4 from 0 and 1 before its log odds are taken."""


CLIP = 1e-4
