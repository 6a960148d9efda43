"""``model.json``: everything of a model that is not a graph, as frozen values."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_registry.errors import ArtifactBroken
from racing.probabilities import BENTER_DISCOUNTS

FORMAT = 2
"""What is written where no member reads whole races; format 1, which has no ``is_centred``, is read too."""
FORMAT_OF_FIELDS = 3
"""What is written where one does: releases before it would score such a member runner by runner."""
MAX_MEMBERS = 32

MARKET_ALONE = (0.0, 1.0)
"""The market combination in which the model counts nothing."""
ADDS_NOTHING = "the model adds nothing to closing prices here"
"""What people read where the combination with the market is the market alone."""

_MEMBER_FILE = re.compile(r"members/[A-Za-z0-9][A-Za-z0-9_.-]*\.onnx")


@dataclass(frozen=True, slots=True)
class Member:
    """One graph of the blend, and what its log odds count."""

    name: str
    file: str
    weight: float
    reads_field: bool = False
    """The graph takes the rows of one race together, in any order, and compares them; else row by row."""


@dataclass(frozen=True, slots=True)
class Platt:
    """score = sigmoid(slope * log_odds + intercept)."""

    slope: float
    intercept: float


@dataclass(frozen=True, slots=True)
class Isotonic:
    """score = a table over log odds, straight between its knots and level outside them."""

    log_odds: tuple[float, ...]
    score: tuple[float, ...]


Calibration = Platt | Isotonic | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """How the graphs' log odds become probabilities.

    ``log_odds = intercept + sum(weight * member)``, ``score = calibration(log_odds)``, and a runner's
    probability is ``odds(score) ** sharing_exponent`` over its sum in the race.

    Attributes
    ----------
    is_centred : bool
        The log of the race's mean odds is taken off before calibration: members that learnt by race
        compare runners of one race, and say nothing of a runner without its rivals.
    kind : str
        The family, or ``"ensemble"``.
    market_combination : tuple of float, optional
        (a, b) of ``p ~ model**a * market**b``, never negative; (0, 1) is the market alone.
    """

    kind: str
    feature_version: str
    features: tuple[str, ...]
    """What it takes, in order: ``runner_features``, then numbers of single runs."""
    members: tuple[Member, ...]
    intercept: float = 0.0
    is_centred: bool = False
    calibration: Calibration = None
    sharing_exponent: float = 1.0
    market_combination: tuple[float, float] | None = None
    place_discounts: tuple[float, ...] = BENTER_DISCOUNTS
    n_run_features: int = 0
    """How many of ``features``, the last, are of single runs; only members that read fields take them."""

    def __post_init__(self) -> None:
        for broken_rule in _broken_rules(self):
            raise ArtifactBroken(f"model.json: {broken_rule}")

    def columns(self, available: Sequence[str]) -> NDArray[np.intp]:
        """Return where this model's features are among ``available``, e.g. the code's own features."""
        place = {name: i for i, name in enumerate(available)}
        missing = [name for name in self.features if name not in place]
        if missing:
            rule = f"every feature must be known here, {len(missing)} are not, the first {missing[0]!r}"
            message = f"model.json: {rule} (its feature_version is {self.feature_version!r})"
            raise ArtifactBroken(message, fault="features")
        return np.array([place[name] for name in self.features], np.intp)

    @property
    def runner_features(self) -> tuple[str, ...]:
        """Return the features but those of single runs: all that members take which judge runners alone."""
        return self.features[: len(self.features) - self.n_run_features]

    @property
    def is_market_alone(self) -> bool:
        """Whether combining with the market gives the market's own probabilities."""
        return self.market_combination == MARKET_ALONE

    @property
    def reads_fields(self) -> bool:
        """Whether a member reads whole races, so that a runner's log odds depend on its rivals' features."""
        return any(member.reads_field for member in self.members)

    def as_json(self) -> dict[str, Any]:
        """Return the content of ``model.json``."""
        return {
            "format": FORMAT_OF_FIELDS if self.reads_fields else FORMAT,
            "kind": self.kind,
            "feature_version": self.feature_version,
            "features": list(self.features),
            "members": [_member_as_json(member) for member in self.members],
            "intercept": self.intercept,
            "is_centred": self.is_centred,
            "calibration": _calibration_as_json(self.calibration),
            "sharing": {"exponent": self.sharing_exponent},
            "market_combination": self.market_combination
            and {"a": self.market_combination[0], "b": self.market_combination[1]},
            "place_discounts": list(self.place_discounts),
        } | ({"n_run_features": self.n_run_features} if self.reads_fields else {})

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "ModelSpec":
        """Read ``model.json``; raise :class:`~model_registry.errors.ArtifactBroken` where it is not one."""
        if document.get("format") not in (1, FORMAT, FORMAT_OF_FIELDS):
            rule = f"format must be 1, {FORMAT} or {FORMAT_OF_FIELDS}, got {document.get('format')!r}"
            message = f"model.json: {rule}; a newer release wrote it, or it is no model of ours"
            raise ArtifactBroken(message, fault="format")
        try:
            return cls(
                kind=str(document["kind"]),
                feature_version=str(document["feature_version"]),
                features=tuple(document["features"]),
                members=tuple(map(_member_from_json, document["members"])),
                intercept=float(document["intercept"]),
                is_centred=bool(document["format"] != 1 and document["is_centred"]),
                calibration=_calibration_from_json(document["calibration"]),
                sharing_exponent=float(document["sharing"]["exponent"]),
                market_combination=_combination_from_json(document["market_combination"]),
                place_discounts=tuple(float(d) for d in document["place_discounts"]),
                n_run_features=int(document.get("n_run_features", 0)),
            )
        except KeyError as error:
            raise ArtifactBroken(f"model.json: {error.args[0]!r} is missing") from error
        except (TypeError, ValueError) as error:
            raise ArtifactBroken(f"model.json: {error}") from error


def _member_as_json(member: Member) -> dict[str, Any]:
    written: dict[str, Any] = {"name": member.name, "file": member.file, "weight": member.weight}
    return {**written, "reads_field": True} if member.reads_field else written


def _member_from_json(document: Mapping[str, Any]) -> Member:
    reads_field = document.get("reads_field", False)
    if not isinstance(reads_field, bool):
        raise ValueError(f"a member's reads_field must be true or false, got {reads_field!r}")
    return Member(document["name"], document["file"], float(document["weight"]), reads_field)


def _combination_from_json(document: Mapping[str, Any] | None) -> tuple[float, float] | None:
    """Return the weights; those of earlier releases might be negative, which is the market alone."""
    if document is None:
        return None
    a, b = float(document["a"]), float(document["b"])
    return MARKET_ALONE if a < 0 or b < 0 else (a, b)


def _calibration_as_json(calibration: Calibration) -> dict[str, Any]:
    match calibration:
        case Platt(slope, intercept):
            return {"method": "platt", "a": slope, "b": intercept}
        case Isotonic(log_odds, score):
            return {"method": "isotonic", "log_odds": list(log_odds), "score": list(score)}
        case None:
            return {"method": "none"}


def _calibration_from_json(document: Mapping[str, Any]) -> Calibration:
    match document["method"]:
        case "platt":
            return Platt(float(document["a"]), float(document["b"]))
        case "isotonic":
            knots, scores = document["log_odds"], document["score"]
            return Isotonic(tuple(float(x) for x in knots), tuple(float(y) for y in scores))
        case "none":
            return None
        case method:
            raise ValueError(f"calibration must be platt, isotonic or none, got {method!r}")


def _broken_rules(spec: ModelSpec) -> list[str]:
    rules = []
    if not spec.features or not all(isinstance(name, str) and name for name in spec.features):
        rules.append("features must be a list of names, at least one")
    elif len(set(spec.features)) < len(spec.features):
        twice = next(name for name in spec.features if spec.features.count(name) > 1)
        rules.append(f"a feature is listed once, got {twice!r} twice")
    if not 0 <= spec.n_run_features < len(spec.features):
        rules.append(f"n_run_features must be 0 or more and fewer than all, got {spec.n_run_features}")
    if spec.n_run_features and not spec.reads_fields:
        rules.append("only members that read fields take features of single runs, and there is none")
    if not 1 <= len(spec.members) <= MAX_MEMBERS:
        rules.append(f"a model has 1..{MAX_MEMBERS} members, got {len(spec.members)}")
    rules += [
        f"a member's file must be members/NAME.onnx, got {member.file!r}"
        for member in spec.members
        if not (isinstance(member.file, str) and _MEMBER_FILE.fullmatch(member.file))
    ]
    if len({member.file for member in spec.members}) < len(spec.members):
        rules.append("every member has a file of its own, got one twice")
    numbers = [
        spec.intercept,
        spec.sharing_exponent,
        *spec.place_discounts,
        *(m.weight for m in spec.members),
    ]
    numbers += spec.market_combination or ()
    if isinstance(spec.calibration, Platt):
        numbers += (spec.calibration.slope, spec.calibration.intercept)
    if isinstance(spec.calibration, Isotonic):
        rules += _broken_isotonic_rules(spec.calibration)
    if not all(math.isfinite(number) for number in numbers):
        rules.append("every number must be finite")
    rules += [
        f"a member's weight must not be negative, got {member.weight} ({member.name})"
        for member in spec.members
        if member.weight < 0
    ]
    if isinstance(spec.calibration, Platt) and spec.calibration.slope <= 0:
        rules.append(f"the calibration's slope must be above 0, got {spec.calibration.slope}")
    if min(spec.market_combination or MARKET_ALONE) < 0:
        rules.append(f"weights of model and market must not be negative, got {spec.market_combination}")
    if not spec.sharing_exponent > 0:
        rules.append(f"the sharing exponent must be above 0, got {spec.sharing_exponent}")
    if len(spec.place_discounts) != 3 or min(spec.place_discounts) <= 0:
        rules.append(f"place discounts must be three numbers above 0, got {spec.place_discounts}")
    return rules


def _broken_isotonic_rules(table: Isotonic) -> list[str]:
    x, y = np.array(table.log_odds), np.array(table.score)
    if len(x) != len(y) or not len(x):
        return [f"an isotonic table needs as many scores as log odds, got {len(y)} and {len(x)}"]
    if not (np.isfinite(x).all() and (np.diff(x) > 0).all()):
        return ["an isotonic table's log odds must rise"]
    if not ((y >= 0).all() and (y <= 1).all() and (np.diff(y) >= 0).all()):
        return ["an isotonic table's scores must lie in 0..1 and never fall"]
    return []
