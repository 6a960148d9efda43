"""A version that must not serve is refused: the old one serves on, and everybody can see why."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from model_registry.artifact import SEAL
from model_registry.artifact.digest import digest_of, seal
from service.app import create_app
from service.settings import ServiceSettings
from tests.model_registry.builders import make_graph
from tests.service.builders import (
    FEATURES,
    RunningService,
    make_card,
    make_model,
    make_registry,
    open_registry,
    point_alias_at,
    running_service,
    win_probabilities,
)

GRAPH = "members/member_0.onnx"


def slow_graph(n_turns: int) -> bytes:
    """The graph of the handmade models, which first multiplies matrices: 0.3 ms a turn or more."""
    model = onnx.load_from_string(make_graph((-0.4, 0.0, 0.0), n_features=len(FEATURES)))
    size = 256
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_on"], ["still"]),
            helper.make_node("MatMul", ["matrix", "factor"], ["product"]),
        ],
        "turn",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("matrix", TensorProto.FLOAT, [size, size]),
        ],
        [
            helper.make_tensor_value_info("still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("product", TensorProto.FLOAT, [size, size]),
        ],
        [numpy_helper.from_array(np.eye(size, dtype=np.float32), "factor")],
    )
    graph = model.graph
    scores = graph.node[-1]
    scores.output[0] = "quick"
    nothing = np.zeros((size, size), np.float32)
    for name, value in (("turns", np.int64(n_turns)), ("yes", np.bool_(True)), ("nothing", nothing)):
        graph.initializer.append(numpy_helper.from_array(np.array(value), name))
    graph.node.extend(
        [
            helper.make_node("ReduceMin", ["known"], ["least"], keepdims=0),
            helper.make_node("Mul", ["nothing", "least"], ["first"]),  # of the input, so that none is folded
            helper.make_node("Loop", ["turns", "yes", "first"], ["last"], body=body),
            helper.make_node("ReduceSum", ["last"], ["sum"], keepdims=0),
            helper.make_node("Add", ["quick", "sum"], ["log_odds"]),
        ]
    )
    onnx.checker.check_model(model)
    return model.SerializeToString()


def replace_files(uri: str, version: int, files: dict[str, bytes]) -> None:
    """Put other files into a registered version, sealed and on record: nothing but its content tells."""
    registry = open_registry(uri)
    directory = registry.fetch(version)
    for name, content in files.items():
        (directory / name).write_bytes(content)
    paths = [path for path in directory.rglob("*") if path.is_file() and path.name != SEAL]
    sealed = seal({path.relative_to(directory).as_posix(): path.read_bytes() for path in paths})
    (directory / SEAL).write_bytes(sealed)
    client = registry._store.client
    client.set_model_version_tag("greyhound-win", str(version), "digest", digest_of(sealed))


def corrupt(uri: str) -> None:
    replace_files(uri, 2, {GRAPH: b"no graph at all"})


def incomplete(uri: str) -> None:
    (open_registry(uri).fetch(2) / GRAPH).unlink()


def tampered(uri: str) -> None:
    graph = open_registry(uri).fetch(2) / GRAPH
    graph.write_bytes(graph.read_bytes()[:-1] + b"\x00")


def replaced_whole(uri: str) -> None:
    client = open_registry(uri)._store.client
    client.set_model_version_tag("greyhound-win", "2", "digest", "0" * 64)


def of_unknown_features(uri: str) -> None:
    spec = open_registry(uri).fetch(2) / "model.json"
    changed = spec.read_text().replace(FEATURES[1], "star_sign")
    replace_files(uri, 2, {"model.json": changed.encode()})


def off_on_its_golden_card(uri: str) -> None:
    golden = json.loads((open_registry(uri).fetch(2) / "golden.json").read_text())
    golden["probabilities"][0] += 0.01
    replace_files(uri, 2, {"golden.json": json.dumps(golden).encode()})


def slow(uri: str) -> None:
    replace_files(uri, 2, {GRAPH: slow_graph(400)})


def slow_to_load(uri: str) -> None:
    replace_files(uri, 2, {GRAPH: slow_graph(12_000)})


@pytest.mark.parametrize(
    ("spoil", "why", "message", "is_final"),
    [
        (corrupt, "corrupt", GRAPH, True),
        (incomplete, "incomplete", f"{GRAPH} is missing", True),
        (tampered, "digest", GRAPH, True),
        (replaced_whole, "digest", "the digest must be 0000", True),
        (of_unknown_features, "features", "star_sign", True),
        (off_on_its_golden_card, "golden", "golden.json", True),
        (slow, "slow", "GREYHOUND_MODEL_BUDGET_MS", True),
        (slow_to_load, "slow", "not answered within 1.5 s", False),
    ],
)
def test_it_is_refused_and_the_old_version_serves_on_until_a_good_one_comes(
    tmp_path: Path, spoil: Callable[[str], None], why: str, message: str, is_final: bool
) -> None:
    uri = make_registry(tmp_path, exponents=(0.5, 2.0, 1.0))
    spoil(uri)
    limits = {
        "model_budget_ms": 20.0,
        "load_timeout_s": 1.5 if spoil is slow_to_load else 30.0,
        "retry_s": 30.0,
    }
    with running_service(uri, **limits) as service:
        before = win_probabilities(service.predict(make_card()))
        point_alias_at(uri, 2)
        status = service.wait_until(lambda status: status["refusals"])
        refusal = status["refusals"][0]
        assert (refusal["version"], refusal["why"], refusal["is_final"]) == (2, why, is_final)
        assert message in refusal["reason"]
        assert (status["version"], status["registry"]["champion_version"]) == (1, 2)
        assert (win_probabilities(service.predict(make_card())) == before).all()
        point_alias_at(uri, 3)  # a slow one may still hang in its thread
        status = service.wait_until(lambda status: status["version"] == 3)
        assert len(status["refusals"]) == 1


def test_a_version_whose_files_are_away_is_tried_again(tmp_path: Path) -> None:
    uri = make_registry(tmp_path, exponents=(0.5, 2.0))
    directory = open_registry(uri).fetch(2)
    with running_service(uri) as service:
        directory.rename(tmp_path / "away")
        point_alias_at(uri, 2)
        status = service.wait_until(lambda status: status["refusals"])
        assert (status["refusals"][0]["why"], status["refusals"][0]["is_final"]) == ("registry", False)
        (tmp_path / "away").rename(directory)
        service.wait_until(lambda status: status["version"] == 2)


def test_a_metric_counts_refusals_by_reason(tmp_path: Path) -> None:
    uri = make_registry(tmp_path, exponents=(0.5, 2.0))
    tampered(uri)
    app = create_app(ServiceSettings(registry=uri, database=None, champion_poll_s=0.02, kept_champion=""))

    async def count() -> str:
        async with app.router.lifespan_context(app):
            point_alias_at(uri, 2)
            for _ in range(3000):
                if app.state.service.watcher.state.rejected:
                    break
                await asyncio.sleep(0.02)
            text: bytes = await app.state.service.collector.text()
            return text.decode()

    text = asyncio.run(count())
    assert 'greyhound_champion_refusals_total{why="digest"} 1.0' in text
    assert "greyhound_champion_is_kept_artifact 0.0" in text


def test_an_unknown_feature_set_is_refused_when_it_is_registered_like_any_other(tmp_path: Path) -> None:
    uri = make_registry(tmp_path)
    make_model(tmp_path / "strange", features=("box", "star_sign", "weight_kg"))
    open_registry(uri).register(tmp_path / "strange")
    with running_service(uri) as service:
        point_alias_at(uri, 2)
        assert _first_refusal(service)["why"] == "features"


def _first_refusal(service: RunningService) -> dict[str, str]:
    refusals: list[dict[str, str]] = service.wait_until(lambda status: status["refusals"])["refusals"]
    return refusals[0]
