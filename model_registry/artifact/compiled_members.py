"""Members scored by compiled code instead of ONNX Runtime, where both give the same on many rows.

A graph is read when a version is loaded, laid out for :mod:`racing.ops.trees` or :mod:`racing.ops.nets`,
and compared with ONNX Runtime: on the version's golden card, on rows of which many values are a threshold, a
neighbour of one, or unknown, and a net on races of many sizes whose runners lack runs.
"""

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
from numpy.typing import NDArray

from model_registry.artifact.field_nets import read_net
from model_registry.artifact.members import read_member
from model_registry.artifact.onnx_reader import NotRead
from racing.ops.nets import MAX_FIELD, FieldNet, build_net
from racing.ops.trees import IS_COMPILED, BlendMember, TreesMember, build_table

if TYPE_CHECKING:  # there is none without a compiler
    from racing.ops.nets import Net

MOST_OFF = 1e-6
"""Log odds may differ so much. Trees do not differ at all, as measured; the last bits of a linear member's
sum and of a logarithm do, and a wrong branch differs by far more."""
N_ROWS = 256
MOST_OFF_OF_NET = 1e-5
"""A net's sums are of floats, in another order here; 1e-6 is the most that was seen."""
N_RACES = 24

_SHARE_OF_THRESHOLDS, _SHARE_UNKNOWN, _SHARE_ABSENT = 0.7, 0.1, 0.3


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
    _check_compiled()
    try:
        member = read_member(content)
        table = build_table(n_features, [(1.0, member)])
    except (NotRead, ValueError) as error:
        raise NotCompiled(f"the graph is none that is compiled: {error}") from error
    rows = probing_rows(member, card, n_features)
    got = np.zeros(len(rows))
    table.add_to(rows, got)
    _compare("the table", got, session.run(["log_odds"], {"features": rows})[0], MOST_OFF)
    return member


def compiled_net(
    content: bytes, session: ort.InferenceSession, card: NDArray[np.float32], n_inputs: int
) -> "Net":
    """Return the net of a member that reads the whole field, once it gave what its session gives.

    Parameters
    ----------
    card : ndarray of shape (n_runners, n_inputs)
        Features and runs as they may come; NaN is unknown.

    Raises
    ------
    NotCompiled
        If there is no compiled code, the graph is no such net, or the answers differ.
    """
    _check_compiled()
    try:
        described = read_net(content, n_inputs)
        net = build_net(described)
    except (NotRead, ValueError, LookupError) as error:
        raise NotCompiled(f"the graph is no net that is compiled: {error}") from error
    for race in probing_races(described, card):
        got = np.zeros(len(race))
        net.add_to(race, np.array([0, len(race)]), 1.0, got)
        _compare("the net", got, session.run(["log_odds"], {"features": race})[0], MOST_OFF_OF_NET)
    return net


def _check_compiled() -> None:
    if not IS_COMPILED:
        raise NotCompiled("racing.ops was not compiled")


def _compare(what: str, got: NDArray[np.float64], expected: NDArray[np.floating], most_off: float) -> None:
    difference = np.abs(got - expected)
    worst = int(np.argmax(np.where(np.isnan(difference), np.inf, difference)))
    if not difference[worst] <= most_off:
        values = f"row {worst} has {got[worst]:.9g} instead of {expected[worst]:.9g}"
        raise NotCompiled(f"{what} must give what ONNX Runtime gives within {most_off:g}, {values}")


def probing_races(net: FieldNet, card: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return a card, then races of many sizes of its values, some far off, unknown, or whole runs absent."""
    draw = np.random.default_rng(1)
    n_inputs = net.n_features + net.n_runs * net.n_run_columns
    sizes = [*draw.integers(1, 13, N_RACES - 1).tolist(), MAX_FIELD]
    races = [card] if 0 < len(card) <= MAX_FIELD else []
    if not len(card):
        card = draw.normal(size=(MAX_FIELD, n_inputs)).astype(np.float32)
    for size in sizes:
        shape = (size, n_inputs)
        race = card[draw.integers(0, len(card), shape), np.arange(n_inputs)]
        race *= draw.choice(np.array([1, 1, 1, 1, 1, -1, 3, 1e30], np.float32), shape)
        race[draw.random(shape) < _SHARE_UNKNOWN] = np.nan
        runs = race[:, net.n_features :].reshape(size, net.n_runs, net.n_run_columns)
        runs[draw.random((size, net.n_runs)) < _SHARE_ABSENT] = np.nan
        race[:, net.n_features :] = runs.reshape(size, -1)
        races.append(race)
    return races


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
