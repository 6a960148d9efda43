"""Members scored by :mod:`racing.ops.trees` instead of ONNX Runtime, where both give the same on many rows.

A graph is read, laid out as a compact table, and compared with ONNX Runtime, when a version is loaded: on its
golden card, and on rows of which many values are a threshold, a neighbour of one, or unknown.
"""

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
from numpy.typing import NDArray

from model_registry.artifact.members import read_member
from model_registry.artifact.onnx_reader import NotRead
from racing.ops.trees import IS_COMPILED, BlendMember, TreesMember, build_table

MOST_OFF = 1e-6
"""Log odds may differ so much. Trees do not differ at all, as measured; the last bits of a linear member's
sum and of a logarithm do, and a wrong branch differs by far more."""
N_ROWS = 256

_SHARE_OF_THRESHOLDS, _SHARE_UNKNOWN = 0.7, 0.1


class NotCompiled(Exception):
    """ONNX Runtime has to score this member; the message says why."""


def compiled_member(
    content: bytes, session: ort.InferenceSession, card: NDArray[np.float32], n_features: int
) -> BlendMember:
    """Return what a member's graph computes, for the table, once the table gave what its session gives.

    Parameters
    ----------
    card : ndarray of shape (n_runners, n_features)
        Features as they may come; NaN is unknown.

    Raises
    ------
    NotCompiled
        If there is no compiled table, the graph is of another kind, or the answers differ.
    """
    if not IS_COMPILED:
        raise NotCompiled("racing.ops._trees was not compiled")
    try:
        member = read_member(content)
        table = build_table(n_features, [(1.0, member)])
    except (NotRead, ValueError) as error:
        raise NotCompiled(f"the graph is none that is compiled: {error}") from error
    rows = probing_rows(member, card, n_features)
    got = np.zeros(len(rows))
    table.add_to(rows, got)
    expected = session.run(["log_odds"], {"features": rows})[0].astype(np.float64)
    difference = np.abs(got - expected)
    worst = int(np.argmax(np.where(np.isnan(difference), np.inf, difference)))
    if not difference[worst] <= MOST_OFF:
        values = f"row {worst} has {got[worst]:.9g} instead of {expected[worst]:.9g}"
        raise NotCompiled(f"the table must give what ONNX Runtime gives within {MOST_OFF:g}, {values}")
    return member


def probing_rows(member: BlendMember, card: NDArray[np.float32], n_features: int) -> NDArray[np.float32]:
    """Return a card's rows, then rows of its values, thresholds, their neighbours and unknowns."""
    draw = np.random.default_rng(1)
    shape = (N_ROWS, n_features)
    if not len(card):
        card = draw.normal(size=shape).astype(np.float32)
    rows = card[draw.integers(0, len(card), shape), np.arange(n_features)]
    if isinstance(member, TreesMember):
        limits, is_limited = _drawn_thresholds(member, shape, draw)
        rows = np.where(is_limited & (draw.random(shape) < _SHARE_OF_THRESHOLDS), limits, rows)
    rows[draw.random(shape) < _SHARE_UNKNOWN] = np.nan
    return np.vstack([card, rows])


def _drawn_thresholds(
    member: TreesMember, shape: tuple[int, int], draw: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return for each cell a threshold of its feature or a neighbour, and whether the feature has any."""
    branches = np.flatnonzero((member.yes >= 0) & np.isfinite(member.threshold))
    by_feature = branches[np.argsort(member.feature[branches], kind="stable")]
    n_of = np.bincount(member.feature[branches], minlength=shape[1])[: shape[1]]
    first = np.cumsum(n_of) - n_of
    places = first + (draw.random(shape) * n_of).astype(np.int64)
    if not len(branches):
        return np.zeros(shape, np.float32), np.zeros(shape, bool)
    with np.errstate(over="ignore", under="ignore"):
        near = member.threshold[by_feature[np.minimum(places, len(branches) - 1)]].astype(np.float32)
        towards = np.array([-np.inf, np.nan, np.inf], np.float32)[draw.integers(0, 3, shape)]
        beside = np.where(np.isnan(towards), near, np.nextafter(near, towards))
    return beside, np.broadcast_to(n_of > 0, shape)
