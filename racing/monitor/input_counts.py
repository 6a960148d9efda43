"""How a version's inputs are counted: the bins of its ``reference.json``, and counts in them as bytes.

What is stored brings its bins along, so that the monitor reads a day without the version's artifact.
"""

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from racing.monitor.drift import UsualDays

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WIN_PROBABILITY = "win_probability"
FACTS = ("n_cards", "n_runners", "n_unknown_dogs", "n_unknown_tracks", "n_without_form", "n_priced")
N_HOURS = 24
MAX_TRACKS = 20
"""Names of unknown tracks stored a day."""
_MAX_EDGES = 62
_LENGTHS = struct.Struct("<III")


@dataclass(frozen=True, eq=False)
class Bins:
    """The bins of some columns: a version's features, and last its win probability.

    Bin 0 is for what is missing (NaN or infinite), the others lie between the edges, from low to high.
    """

    names: tuple[str, ...]
    edges: tuple[Floats, ...]
    """By column, rising; a value equal to an edge is above it."""
    shares: Floats
    """Shape (n_columns, n_bins): the training's; 0 for bins that a column does not have, NaN of a column of
    which the training says nothing."""
    usual: UsualDays | None
    """How days differed after the training, if its document says so."""

    @cached_property
    def exists(self) -> NDArray[np.bool_]:
        """Return which bins each column has; shape (n_columns, n_bins)."""
        n_bins = np.array([len(edges) + 2 for edges in self.edges])
        exists: NDArray[np.bool_] = np.arange(self.shares.shape[1]) < n_bins[:, None]
        return exists

    @cached_property
    def _float32_edges(self) -> NDArray[np.float32]:
        """Return the features' edges by row, each the least float32 that is not below it, else infinite.

        A float32 is at least an edge exactly if it is at least that, and no column needs to become float64.
        """
        padded = np.full((len(self.names) - 1, self.shares.shape[1] - 2), np.inf)
        for row, edges in zip(padded, self.edges, strict=False):
            row[: len(edges)] = edges
        rounded = padded.astype(np.float32)
        up = np.where(rounded < padded, np.nextafter(rounded, np.float32(np.inf)), rounded)
        return np.ascontiguousarray(up.T)

    def no_counts(self) -> Ints:
        """Return zeros of shape (n_columns, n_bins)."""
        return np.zeros(self.shares.shape, np.int64)

    def count(self, features: NDArray[np.float32], win_probability: Floats) -> Ints:
        """Return runners by column and bin; ``features`` of shape (n_runners, n_features), NaN unknown."""
        n_features, n_bins = len(self.names) - 1, self.shares.shape[1]
        bins = np.ones(features.shape, np.int8)
        is_above = np.empty(features.shape, np.bool_)
        for edges in self._float32_edges:  # a pass an edge over all: a third of the time of searchsorted
            np.greater_equal(features, edges, out=is_above)
            bins += is_above.view(np.int8)
        bins[~np.isfinite(features)] = 0
        places = bins + np.arange(0, n_features * n_bins, n_bins, dtype=np.int32)
        counts = self.no_counts()
        counts[:-1] = np.bincount(places.ravel(), minlength=n_features * n_bins).reshape(n_features, n_bins)
        of_win = 1 + np.searchsorted(self.edges[-1], win_probability, side="right")
        counts[-1] = np.bincount(of_win, minlength=n_bins)
        return counts


@dataclass(slots=True)
class Counted:
    """What was counted of the cards of one day and version."""

    bins: Bins
    counts: Ints
    """Runners by column and bin."""
    hours: Ints = field(default_factory=lambda: np.zeros((N_HOURS, len(FACTS)), np.int64))
    """Shape (24, n_facts): ``FACTS`` by hour, UTC."""
    unknown_tracks: dict[str, int] = field(default_factory=dict)
    """Cards by track, of tracks that the version has not seen."""

    @property
    def facts(self) -> dict[str, int]:
        """Return ``FACTS`` of the whole day."""
        return dict(zip(FACTS, self.hours.sum(axis=0).tolist(), strict=True))

    def add(self, other: "Counted") -> None:
        """Add what another process counted in the same bins."""
        self.counts = self.counts + other.counts
        self.hours = self.hours + other.hours
        for track, n in other.unknown_tracks.items():
            note_track(self.unknown_tracks, track, n)


def note_track(tracks: dict[str, int], name: str, n: int = 1) -> None:
    """Count cards of an unknown track; names beyond ``MAX_TRACKS`` are counted together as blank."""
    name = name[:60] if name in tracks or len(tracks) < MAX_TRACKS else ""
    tracks[name] = tracks.get(name, 0) + n


def bins_of(reference: Mapping[str, Any], features: Sequence[str]) -> Bins:
    """Return the bins of ``reference.json`` for a version's features.

    A feature of which the document says nothing sensible has two bins, missing and known, and no shares.
    """
    described = reference.get("features")
    by_name: Mapping[str, Any] = described if isinstance(described, Mapping) else {}
    columns = [_column(by_name.get(name)) for name in features]
    columns.append(_column(reference.get(WIN_PROBABILITY)))
    n_bins = max(len(edges) for edges, _ in columns) + 2
    shares = np.zeros((len(columns), n_bins))
    for row, (edges, known) in zip(shares, columns, strict=True):
        row[: len(edges) + 2] = known
    names = (*features, WIN_PROBABILITY)
    return Bins(names, tuple(edges for edges, _ in columns), shares, _usual(reference, names))


def encode(counted: Counted) -> bytes:
    """Return the bytes that :func:`decode` reads."""
    numbers = np.concatenate([counted.counts.ravel(), counted.hours.ravel()]).astype("<i8")
    parts = (
        _encoded_bins(counted.bins),
        zlib.compress(numbers.tobytes(), 1),
        json.dumps(counted.unknown_tracks).encode(),
    )
    return _LENGTHS.pack(*map(len, parts)) + b"".join(parts)


def decode(stored: bytes) -> Counted:
    """Return what :func:`encode` made bytes of."""
    n_first, n_second, _ = _LENGTHS.unpack_from(stored)
    first = _LENGTHS.size
    second, third = first + n_first, first + n_first + n_second
    bins = _decoded_bins(stored[first:second])
    numbers = np.frombuffer(zlib.decompress(stored[second:third]), "<i8").astype(np.int64)
    n_counts = bins.shares.size
    return Counted(
        bins,
        numbers[:n_counts].reshape(bins.shares.shape),
        numbers[n_counts:].reshape(N_HOURS, len(FACTS)),
        json.loads(stored[third:]),
    )


_memory: dict[int, tuple[Bins, bytes]] = {}


def _encoded_bins(bins: Bins) -> bytes:
    """Return bins as bytes, made once for as long as they are in use."""
    found = _memory.get(id(bins))
    if found is not None and found[0] is bins:
        return found[1]
    usual = bins.usual
    document = {
        "names": bins.names,
        "edges": [edges.tolist() for edges in bins.edges],
        "shares": [[_or_none(share) for share in row] for row in bins.shares.tolist()],
        "usual": usual
        and {
            "mean": usual.mean.tolist(),
            "sd": usual.sd.tolist(),
            "days": usual.n_days,
            "runners": usual.n_runners,
        },
    }
    encoded = zlib.compress(json.dumps(document, separators=(",", ":")).encode())
    if len(_memory) >= 8:
        _memory.clear()
    _memory[id(bins)] = bins, encoded
    return encoded


@lru_cache(16)  # the days of a version have the same
def _decoded_bins(encoded: bytes) -> Bins:
    document = json.loads(zlib.decompress(encoded))
    usual = document["usual"]
    return Bins(
        tuple(document["names"]),
        tuple(np.array(edges, np.float64) for edges in document["edges"]),
        np.array(document["shares"], np.float64),
        usual and UsualDays(np.array(usual["mean"]), np.array(usual["sd"]), usual["days"], usual["runners"]),
    )


def _column(described: Any) -> tuple[Floats, Floats]:
    """Return a column's edges, and the training's shares of its bins, the missing first."""
    try:
        missing = float(described["share_unknown"])
        edges = np.array(described.get("edges", ()), np.float64)
        known = np.array(described.get("shares", (1.0,)), np.float64)
        is_sensible = (
            0 <= missing <= 1
            and edges.ndim == 1
            and len(edges) <= _MAX_EDGES
            and known.shape == (len(edges) + 1,)
            and np.isfinite(edges).all()
            and (np.diff(edges) > 0).all()
            and (known >= 0).all()
            and abs(known.sum() - 1) < 1e-6
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        is_sensible = False
    if not is_sensible:
        return np.zeros(0), np.full(2, np.nan)
    return edges, np.concatenate([[missing], known * (1 - missing)])


def _usual(reference: Mapping[str, Any], names: Sequence[str]) -> UsualDays | None:
    """Return what the document says of the days after the training, if it does for every column."""
    try:
        days = reference["days"]
        columns = [days["features"][name] for name in names[:-1]] + [days[WIN_PROBABILITY]]
        found = np.array([[column["mean"], column["sd"]] for column in columns], np.float64)
        n_days, n_runners = int(days["n"]), float(days["runners"])
    except (IndexError, KeyError, TypeError, ValueError):
        return None
    if n_days < 2 or n_runners <= 0 or not np.isfinite(found).all():
        return None
    return UsualDays(found[:, 0], found[:, 1], n_days, n_runners)


def _or_none(share: float) -> float | None:
    return None if share != share else round(share, 7)
