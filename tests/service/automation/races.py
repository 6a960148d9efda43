"""Races whose truth is known: a version's own probabilities draw the winners and are the closing prices."""

import datetime as dt
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sqlalchemy import Engine

from model_registry.artifact import load_artifact, write_artifact
from racing.importers.results_api import RaceResult, import_race_results
from tests.clocks.today import today
from tests.model_registry.builders import make_documents, make_spec
from tests.service.builders import FEATURES, make_model, make_past_run

A_DAY = 15  # races of a track
N_RUNNERS = 6
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BOX, WEIGHT = -0.25, 0.35  # log odds a box, and a kilogram
PLATT = 0.9  # the slope of the handmade models


class Season:
    """A day of races, as many as are wanted; each is predicted first, and comes out by the truth."""

    def __init__(self, seed: int = 1) -> None:
        self._random = Random(seed)
        self._n = 0

    def race(self) -> "SimulatedRace":
        """The next race."""
        self._n += 1
        weights = [round(self._random.uniform(28, 34), 1) for _ in range(N_RUNNERS)]
        return SimulatedRace(self._n, weights, self._random.random())


class SimulatedRace:
    """A race with its card and, afterwards, its result."""

    def __init__(self, number: int, weights: list[float], luck: float) -> None:
        self._track = f"Nowhere {LETTERS[number // A_DAY // 26]}{LETTERS[number // A_DAY % 26]}"
        self._number, self._weights = number, weights
        strengths = np.array([PLATT * (BOX * box + WEIGHT * kg) for box, kg in enumerate(weights, start=1)])
        self.truth = np.exp(strengths - strengths.max())
        self.truth /= self.truth.sum()
        self._winner = int(np.searchsorted(np.cumsum(self.truth), luck).clip(0, N_RUNNERS - 1))

    @property
    def card(self) -> dict[str, Any]:
        """The card as a request carries it."""
        runners = [
            {"name": self._name(i), "box": i + 1, "weight_kg": kg, "form": [make_past_run()]}
            for i, kg in enumerate(self._weights)
        ]
        return self._race | {"date": self._day.isoformat(), "runners": runners}

    @property
    def result(self) -> RaceResult:
        """How it came out, with closing prices that are the truth."""
        order = [self._winner, *(i for i in range(N_RUNNERS) if i != self._winner)]
        runners = [
            {
                "runner": self._name(i),
                "box": i + 1,
                "finish_position": place,
                "bsp": min(1000.0, 1 / float(self.truth[i])),
            }
            for place, i in enumerate(order, start=1)
        ]
        return RaceResult(date=self._day, runners=runners, **self._race)

    @property
    def _race(self) -> dict[str, Any]:
        return {"track": self._track, "distance_m": 515, "race_number": 1 + self._number % A_DAY}

    @property
    def _day(self) -> dt.date:
        return today(self._track)

    def _name(self, i: int) -> str:
        return f"Dog {'ABCDEF'[i]} {self._number}"


def bring_results(engine: Engine, races: list[SimulatedRace]) -> None:
    """Let races come out."""
    import_race_results(engine, [race.result for race in races])


def make_version(directory: Path, *, temperature: float = 1.0, weight: float = WEIGHT) -> Path:
    """A version that is the truth, but for what is spoiled."""
    make_model(directory, exponent=1 / temperature, coefficients=(BOX, weight, 0.0))
    return directory


def make_slow_version(directory: Path, *, n_products: int = 4) -> Path:
    """A version that is the truth, and takes 100 ms and more for it; its golden card agrees."""
    truth = load_artifact(make_version(directory.with_name(directory.name + "-truth")))
    spec = make_spec(features=FEATURES)
    graphs = {spec.members[0].file: _slow_graph(n_products)}
    write_artifact(directory, spec, graphs, make_documents(**dict(truth.documents)))
    return directory


def _slow_graph(n_products: int) -> bytes:
    """``features @ coefficients + 0 * (a long product of large matrices)``."""
    size = 1000
    nodes = [
        helper.make_node("IsNaN", ["features"], ["unknown"]),
        helper.make_node("Where", ["unknown", "zero", "features"], ["known"]),
        helper.make_node("MatMul", ["known", "weights"], ["linear"]),
        helper.make_node("ReduceMax", ["known"], ["greatest"], keepdims=0),
        helper.make_node("Mul", ["greatest", "zero"], ["nothing"]),  # by the card, so that it is not folded
        helper.make_node("ConstantOfShape", ["shape"], ["large"], value=helper.make_tensor(
            "value", TensorProto.FLOAT, [1], [1 / size])),
        helper.make_node("Add", ["large", "nothing"], ["product_0"]),
        *(helper.make_node("MatMul", [f"product_{i}", f"product_{i}"], [f"product_{i + 1}"])
          for i in range(n_products)),
        helper.make_node("ReduceMax", [f"product_{n_products}"], ["end"], keepdims=0),
        helper.make_node("Mul", ["end", "zero"], ["late_nothing"]),
        helper.make_node("Add", ["linear", "late_nothing"], ["log_odds"]),
    ]  # fmt: skip
    constants = {
        "zero": np.zeros(1, np.float32),
        "weights": np.array([BOX, WEIGHT, 0.0], np.float32),
        "shape": np.array([size, size], np.int64),
    }
    graph = helper.make_graph(
        nodes,
        "slow",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, len(FEATURES)])],
        [helper.make_tensor_value_info("log_odds", TensorProto.FLOAT, [None])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
