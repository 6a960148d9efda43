"""Nets over the field in compiled code: what ONNX Runtime gives, the same bits everywhere, or not used."""

import dataclasses
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from model_registry.artifact import Member, compiled_members, load_artifact, write_artifact
from model_registry.artifact.compiled_members import NotCompiled, compiled_net
from model_registry.artifact.field_nets import read_net
from model_registry.artifact.loaded_model import field_log_odds
from model_registry.artifact.onnx_reader import NotRead
from racing.ops import IS_COMPILED
from racing.ops.nets import MAX_FIELD, build_net
from tests.model_registry.builders import make_documents, make_spec
from training.export.onnx_graphs import to_onnx
from training.families.field_net.member import FieldNetMember
from training.families.field_net.scales import Scales
from training.families.field_net.shape import Shape

needs_the_net = pytest.mark.skipif(not IS_COMPILED, reason="needs the compiled extension")
N_FEATURES, N_RUNS, N_RUN_COLUMNS = 9, 4, 5
N_INPUTS = N_FEATURES + N_RUNS * N_RUN_COLUMNS


def make_scales(draw, columns, flags, codes=(), n_codes=(), has_logs=True):
    return Scales(
        amounts=np.array(columns),
        is_log=np.array([has_logs and column % 3 == 0 for column in columns], np.float32),
        mean=draw.normal(size=len(columns)).astype(np.float32),
        factor=draw.uniform(0.3, 2, len(columns)).astype(np.float32),
        flags=np.array(flags, np.int64),
        codes=np.array(codes, np.int64),
        n_codes=n_codes,
    )


def make_net(seed=1, n_runs=N_RUNS, **sizes):
    """A net of random weights, as a fit leaves one."""
    draw = np.random.default_rng(seed)
    shape = Shape(
        n_features=N_FEATURES,
        n_run_columns=N_RUN_COLUMNS if n_runs else 0,
        n_runs=n_runs,
        static=make_scales(draw, [0, 2, 3, 4, 6], [2, 8], (1, 7), (9, 3)),
        of_run=make_scales(draw, [0, 1, 3], [4], has_logs=False),
        **sizes,
    )
    width, wide, n_own = shape.width, 2 * shape.run_width, shape.static_width
    of_weights = {f"code_{i}": (size, shape.code_width) for i, size in enumerate(shape.static.n_codes)}
    if n_runs:
        of_weights |= {
            "run_in": (shape.of_run.width, wide), "run_key_value": (wide, wide), "run_ago": (n_runs, wide),
            "no_run": (1, wide), "query": (n_own, shape.run_width),
        }  # fmt: skip
    of_weights |= {
        "in": (n_own + (shape.run_width if n_runs else 0), shape.hidden), "down": (shape.hidden, width),
        "last_norm": (width,), "last": (width, 1), "straight": (n_own, 1),
    }  # fmt: skip
    for layer in range(shape.n_layers):
        of_weights |= {
            f"{layer}_attention_norm": (width,), f"{layer}_qkv": (width, 3 * width),
            f"{layer}_out": (width, width), f"{layer}_forward_norm": (width,),
            f"{layer}_up": (width, 2 * width), f"{layer}_back": (2 * width, width),
        }  # fmt: skip
    biased = {"run_in", "run_key_value", "query", "in", "down", "last_norm"}
    biased |= {name for name in of_weights if name[0].isdigit()}
    of_weights |= {f"{name}_bias": of_weights[name][-1:] for name in sorted(biased & of_weights.keys())}
    weights = {
        name: (draw.normal(size=size) / np.sqrt(size[0] if len(size) > 1 else 4)).astype(np.float32)
        for name, size in of_weights.items()
    }
    return FieldNetMember(shape, weights)


def graph_of(member):
    return to_onnx(member, N_FEATURES)


def session_of(content):
    return ort.InferenceSession(content)


def make_card(seed=2, n=8, n_inputs=N_INPUTS):
    draw = np.random.default_rng(seed)
    card = draw.normal(size=(n, n_inputs)).astype(np.float32)
    card[:, 1], card[:, 7] = draw.integers(0, 11, n), draw.integers(-1, 4, n)  # some are no code
    return card


def log_odds_of(net, rows, sizes):
    out = np.zeros(len(rows))
    net.add_to(rows, np.cumsum([0, *sizes]), 1.0, out)
    return out


@needs_the_net
@pytest.mark.parametrize("sizes", [
    {}, {"n_layers": 2, "n_heads": 2, "hidden": 48, "run_width": 16},
    {"n_runs": 0, "width": 16, "n_heads": 1},
])  # fmt: skip
def test_a_net_gives_what_onnx_runtime_gives_of_every_field(sizes) -> None:
    content = graph_of(make_net(**sizes))
    n_inputs = N_FEATURES + sizes.get("n_runs", N_RUNS) * N_RUN_COLUMNS
    net = compiled_net(content, session_of(content), make_card(n_inputs=n_inputs), n_inputs)
    draw = np.random.default_rng(3)
    for size in (1, 2, 7, 8, 17, MAX_FIELD):
        rows = make_card(size, size, n_inputs)
        rows[draw.random(rows.shape) < 0.2] = np.nan
        expected = field_log_odds(session_of(content), rows, None)
        np.testing.assert_allclose(log_odds_of(net, rows, [size]), expected, rtol=0, atol=3e-6)
        assert size == 1 or np.ptp(expected) > 0.1


@needs_the_net
def test_a_race_has_the_same_bits_alone_among_others_in_any_order_and_on_any_stride() -> None:
    content = graph_of(make_net())
    net = compiled_net(content, session_of(content), make_card(), N_INPUTS)
    sizes = [8, 1, 6, 10, 40]  # more rows than are scored without letting go of the interpreter
    rows = make_card(5, sum(sizes))
    together = log_odds_of(net, rows, sizes)
    wider = np.hstack([rows, rows])[:, :N_INPUTS]
    np.testing.assert_array_equal(log_odds_of(net, wider, sizes), together)
    for start, size in zip(np.cumsum([0, *sizes]), sizes, strict=False):
        own, order = rows[start : start + size], np.random.default_rng(1).permutation(size)
        np.testing.assert_array_equal(log_odds_of(net, own, [size]), together[start : start + size])
        shuffled = log_odds_of(net, np.ascontiguousarray(own[order]), [size])
        np.testing.assert_array_equal(shuffled, together[start : start + size][order])


@needs_the_net
def test_the_bits_are_the_same_on_vectors_of_every_width() -> None:
    from racing.ops import _nets  # there where it is compiled

    net, sizes = build_net(read_net(graph_of(make_net()), N_INPUTS)), [8, 3, 17, 1]
    rows = make_card(5, sum(sizes))
    rows[np.random.default_rng(3).random(rows.shape) < 0.2] = np.nan
    expected = log_odds_of(net, rows, sizes)
    widths = []
    try:
        for n_lanes in (4, 8, 16):
            with suppress(ValueError):  # this processor has no such vectors
                _nets.use_lanes(n_lanes)
                np.testing.assert_array_equal(log_odds_of(net, rows, sizes), expected)
                widths.append(n_lanes)
    finally:
        _nets.use_lanes(widths[-1])
    assert widths[0] == 4
    with pytest.raises(ValueError, match="4 floats, or 8 or 16"):
        _nets.use_lanes(5)


@needs_the_net
@pytest.mark.parametrize("wrong", ["run_ago", "0_qkv_bias", "straight", "no_run", "code_1"])
def test_a_net_that_answers_otherwise_than_onnx_runtime_is_not_used(
    monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    content = graph_of(make_net())
    read = read_net(content, N_INPUTS)
    broken = dataclasses.replace(read, weights=read.weights | {wrong: read.weights[wrong] + np.float32(1e-2)})
    monkeypatch.setattr(compiled_members, "read_net", lambda *_: broken)
    with pytest.raises(NotCompiled, match="the net must give what ONNX Runtime gives within 1e-05, row"):
        compiled_net(content, session_of(content), make_card(), N_INPUTS)


@needs_the_net
def test_an_artifact_is_served_by_the_net_and_without_the_extension_by_onnx_runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = tuple(f"f{i}" for i in range(N_INPUTS))
    members = (Member("field_net", "members/field_net.onnx", 0.7, reads_field=True),)
    spec = make_spec(features=names, members=members, n_run_features=N_INPUTS - N_FEATURES)
    graphs = {"members/field_net.onnx": graph_of(make_net())}
    write_artifact(tmp_path / "a", spec, graphs, make_documents())
    rows, race = make_card(4, 20), np.repeat([0, 1], 10)
    model = load_artifact(tmp_path / "a")
    assert (len(model.nets), model.onnx_members) == (1, ())
    got = model.log_odds(rows, race)
    monkeypatch.setattr(compiled_members, "IS_COMPILED", False)
    other = load_artifact(tmp_path / "a")
    assert [member.why for member in other.onnx_members] == ["racing.ops was not compiled"]
    np.testing.assert_allclose(got, other.log_odds(rows, race), rtol=0, atol=3e-6)
    np.testing.assert_array_equal(got, model.log_odds(np.asfortranarray(rows), race))


@needs_the_net
def test_a_graph_that_is_damaged_is_read_as_another_or_refused_and_never_more() -> None:
    draw, content, n_refused = np.random.default_rng(6), graph_of(make_net()), 0
    rows = make_card()
    for _ in range(150):
        damaged = bytearray(content)
        for place in draw.integers(0, len(content), 30).tolist():
            damaged[place] = int(draw.integers(256))
        try:
            net = build_net(read_net(bytes(damaged[: draw.integers(1, 3 * len(content))]), N_INPUTS))
            log_odds_of(net, rows, [8])
        except (NotRead, ValueError, KeyError):
            n_refused += 1
    assert 20 < n_refused < 150


@needs_the_net
@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"n_heads": 3}, "multiples of 16"),
        ({"n_heads": 0}, "1 to 16 heads"),
        ({"n_heads": 17}, "1 to 16 heads"),
        ({"n_runs": 3}, "as many as the sizes say"),
        ({"n_runs": 65}, "up to 64 runs"),
        ({"n_features": 0}, "has features"),
        ({"n_features": 5}, "one of the inputs"),
        ({"n_features": -1}, "within 0 and 4096"),
        ({"code_columns": (1, 9)}, "one of the inputs"),
    ],
)
def test_sizes_that_do_not_fit_each_other_are_refused(changes, rule: str) -> None:
    net = read_net(graph_of(make_net()), N_INPUTS)
    with pytest.raises(ValueError, match=rule):
        build_net(dataclasses.replace(net, **changes))


@needs_the_net
def test_weights_that_are_no_numbers_or_of_other_shapes_are_refused() -> None:
    net = read_net(graph_of(make_net()), N_INPUTS)
    for name, value in (("in", np.nan), ("0_up_bias", np.inf)):
        with pytest.raises(ValueError, match="finite"):
            build_net(dataclasses.replace(net, weights=net.weights | {name: net.weights[name] * value}))
    with pytest.raises(ValueError, match="as many as the sizes say"):
        build_net(dataclasses.replace(net, weights=net.weights | {"straight": net.weights["straight"][1:]}))


@needs_the_net
@pytest.mark.parametrize(
    ("rows", "bounds", "rule"),
    [
        (np.zeros((4, N_INPUTS)), [0, 4], "floats of shape"),
        (np.zeros((4, 3), np.float32), [0, 4], "floats of shape"),
        (np.zeros((N_INPUTS, 4), np.float32).T, [0, 4], "in one piece"),
        (np.zeros((4, N_INPUTS), np.float32), [0, 5], "within the rows"),
        (np.zeros((4, N_INPUTS), np.float32), [0, 3], "behind the last"),
        (np.zeros((4, N_INPUTS), np.float32), [1, 4], "from the first row"),
        (np.zeros((4, N_INPUTS), np.float32), [0, 4, 2, 4], "1 to 64 rows"),
        (np.zeros((70, N_INPUTS), np.float32), [0, 70], "1 to 64 rows"),
        (np.zeros((4, N_INPUTS), np.float32), [], "one more than"),
    ],
)
def test_rows_and_bounds_that_do_not_fit_are_refused(rows, bounds: list[int], rule: str) -> None:
    net = build_net(read_net(graph_of(make_net()), N_INPUTS))
    with pytest.raises(ValueError, match=rule):
        net.add_to(rows, np.array(bounds, np.int64), 1.0, np.zeros(len(rows)))
