"""Members scored by the compiled table give what ONNX Runtime gives, or ONNX Runtime scores them."""

import dataclasses
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from model_registry.artifact import Member, compiled_members, load_artifact, write_artifact
from model_registry.artifact.compiled_members import NotCompiled, compiled_member
from model_registry.artifact.members import read_member
from model_registry.artifact.onnx_reader import NotRead
from racing.ops import IS_COMPILED
from racing.ops.trees import BlendMember, TreesMember, build_table
from tests.model_registry.builders import make_artifact, make_documents, make_graph, make_spec
from tests.model_registry.forests import (
    N_FEATURES,
    make_forest,
    make_linear,
    make_oblivious_forest,
    make_rows,
)
from training.export.onnx_graphs import to_onnx
from training.families.family import TreeMember
from training.families.forest import Forest

needs_the_table = pytest.mark.skipif(not IS_COMPILED, reason="no C compiler was there")


@dataclasses.dataclass
class OfForest(TreeMember):
    """A member that is a forest already."""

    trees: Forest

    def forest(self) -> Forest:
        return self.trees

    def log_odds(self, features: np.ndarray) -> np.ndarray:
        raise NotImplementedError


def graph_of(forest: Forest) -> bytes:
    return to_onnx(OfForest(forest), N_FEATURES)


def session_of(content: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(content, options)


def onnx_runtimes(content: bytes, rows: np.ndarray) -> np.ndarray:
    return session_of(content).run(["log_odds"], {"features": rows})[0]


def the_tables(member: BlendMember, rows: np.ndarray) -> np.ndarray:
    out = np.zeros(len(rows))
    assert build_table(N_FEATURES, [(1.0, member)]).add_to(rows, out) == -1
    return out


@needs_the_table
@pytest.mark.parametrize("comparison", ["LEQ", "LT", "GT"])
@pytest.mark.parametrize("seed", range(4))
def test_random_trees_give_what_onnx_runtime_gives_to_the_last_bit(comparison: str, seed: int) -> None:
    draw = np.random.default_rng(seed)
    rows = make_rows(draw, 700)
    for forest in (make_forest(draw, comparison), make_oblivious_forest(draw, comparison)):
        content = graph_of(forest)
        np.testing.assert_array_equal(the_tables(read_member(content), rows), onnx_runtimes(content, rows))


@needs_the_table
def test_a_split_of_the_known_from_the_unknown_has_an_infinite_threshold() -> None:
    draw = np.random.default_rng(5)
    forest = make_forest(draw)
    for tree in forest.trees:
        tree.threshold[draw.random(len(tree.threshold)) < 0.3] = np.inf
    rows, content = make_rows(draw, 500), graph_of(forest)
    np.testing.assert_array_equal(the_tables(read_member(content), rows), onnx_runtimes(content, rows))


@needs_the_table
def test_a_sum_that_is_a_probability_becomes_its_log_odds() -> None:
    draw = np.random.default_rng(6)
    rows, content = make_rows(draw, 500), graph_of(make_forest(draw, is_probability=True))
    got = the_tables(read_member(content), rows)
    np.testing.assert_allclose(got, onnx_runtimes(content, rows), rtol=1e-12)
    assert got.max() > 9 > -9 > got.min()  # clipped at both ends


@needs_the_table
@pytest.mark.parametrize("n_levels", [0, 4])
def test_a_linear_member_gives_what_onnx_runtime_gives(n_levels: int) -> None:
    draw = np.random.default_rng(7)
    content = to_onnx(make_linear(draw, n_levels=n_levels), N_FEATURES)
    rows = make_rows(draw, 500)
    got = the_tables(read_member(content), rows)
    np.testing.assert_allclose(got, onnx_runtimes(content, rows), rtol=1e-12, atol=1e-12)


@needs_the_table
def test_a_row_gives_the_same_alone_and_in_any_batch_whatever_its_layout() -> None:
    draw = np.random.default_rng(8)
    members = [read_member(graph_of(make_forest(draw))), read_member(to_onnx(make_linear(draw), N_FEATURES))]
    table = build_table(N_FEATURES, [(0.4, members[0]), (0.6, members[1])])
    rows = make_rows(draw, 333)
    together = np.full(333, 0.25)
    table.add_to(np.asfortranarray(rows), together)
    for size in (1, 3, 8, 31, 33, 65):
        for start in range(0, 333, size):
            part = rows[start : start + size]
            alone = np.full(len(part), 0.25)
            table.add_to(part, alone)
            np.testing.assert_array_equal(alone, together[start : start + size])


@needs_the_table
def test_threads_sharing_a_table_get_what_one_alone_gets() -> None:
    draw = np.random.default_rng(9)
    member = read_member(graph_of(make_forest(draw)))
    table, rows = build_table(N_FEATURES, [(1.0, member)]), make_rows(draw, 500)
    expected, wrong = the_tables(member, rows), []

    def score() -> None:
        for n in (8, 500) * 50:
            out = np.zeros(n)
            table.add_to(rows[:n], out)
            wrong.extend([n] * (not np.array_equal(out, expected[:n])))

    threads = [threading.Thread(target=score) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def make_mixed_artifact(directory: Path) -> np.ndarray:
    """A forest, a linear member and a foreign graph; return rows to score."""
    draw = np.random.default_rng(10)
    graphs = {
        "members/forest.onnx": graph_of(make_forest(draw)),
        "members/linear.onnx": to_onnx(make_linear(draw), N_FEATURES),
        "members/foreign.onnx": make_graph(tuple(draw.normal(size=N_FEATURES))),
    }
    members = tuple(Member(Path(file).stem, file, 0.3) for file in graphs)
    spec = make_spec(features=tuple(f"f{i}" for i in range(N_FEATURES)), members=members)
    write_artifact(directory, spec, graphs, make_documents())
    rows = make_rows(draw, 8)
    return np.where(np.isinf(rows), np.float32(2), rows)


@needs_the_table
def test_onnx_runtime_scores_what_the_table_cannot_and_nothing_else(tmp_path: Path) -> None:
    rows = make_mixed_artifact(tmp_path / "a")
    model = load_artifact(tmp_path / "a")
    assert model.table is not None
    assert [member.name for member in model.onnx_members] == ["foreign"]
    assert "the graph is none that is compiled" in model.onnx_members[0].why
    files = [tmp_path / "a" / member.file for member in model.spec.members]
    expected = 0.05 + 0.3 * sum(onnx_runtimes(file.read_bytes(), rows) for file in files)
    np.testing.assert_allclose(model.log_odds(rows), expected, atol=1e-6)  # a foreign graph gives floats


def test_without_the_compiled_table_onnx_runtime_scores_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = make_mixed_artifact(tmp_path / "a")
    usual = load_artifact(tmp_path / "a").log_odds(rows)
    monkeypatch.setattr(compiled_members, "IS_COMPILED", False)
    model = load_artifact(tmp_path / "a")
    assert model.table is None
    assert len(model.onnx_members) == 3
    np.testing.assert_allclose(model.log_odds(rows), usual, rtol=1e-9)


@needs_the_table
@pytest.mark.parametrize("wrong", ["threshold", "value", "unknown_is_yes"])
def test_a_table_that_answers_otherwise_than_onnx_runtime_is_not_used(
    monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    draw = np.random.default_rng(11)
    content = graph_of(make_forest(draw))
    card = np.zeros((0, N_FEATURES), np.float32)
    member = compiled_member(content, session_of(content), card, N_FEATURES)
    assert isinstance(member, TreesMember)
    values = getattr(member, wrong)
    if wrong == "threshold":  # each becomes the next float
        with np.errstate(over="ignore"):
            changed = np.nextafter(values.astype(np.float32), np.float32(9)).astype(np.float64)
    else:
        changed = ~values if wrong == "unknown_is_yes" else values + 1e-5
    broken = dataclasses.replace(member, **{wrong: changed})
    monkeypatch.setattr(compiled_members, "read_member", lambda _: broken)
    with pytest.raises(NotCompiled, match="must give what ONNX Runtime gives within 1e-06"):
        compiled_member(content, session_of(content), card, N_FEATURES)


def test_where_the_extension_is_absent_a_process_scores_as_ever(tmp_path: Path) -> None:
    rows = make_mixed_artifact(tmp_path / "a")
    np.save(tmp_path / "rows.npy", rows)
    program = """import sys; sys.modules["racing.ops._trees"] = None
import numpy as np; from model_registry.artifact import load_artifact
model = load_artifact(sys.argv[1] + "/a")
assert model.table is None and len(model.onnx_members) == 3
np.save(sys.argv[1] + "/got.npy", model.log_odds(np.load(sys.argv[1] + "/rows.npy")))"""
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, timeout=120)
    usual = load_artifact(tmp_path / "a").log_odds(rows)
    np.testing.assert_allclose(np.load(tmp_path / "got.npy"), usual, rtol=1e-9)


@needs_the_table
def test_every_export_is_read_and_what_differs_from_it_is_not() -> None:
    draw = np.random.default_rng(12)
    content = graph_of(make_forest(draw))
    assert isinstance(read_member(content), TreesMember)
    for change in ("aggregate_function", "nodes_modes", "nodes_nodeids", "target_ids"):
        model = onnx.load_from_string(content)
        (attribute,) = (a for a in model.graph.node[1].attribute if a.name == change)
        if change == "aggregate_function":
            attribute.s = b"MAX"
        elif change == "nodes_modes":
            attribute.strings[[text == b"BRANCH_LEQ" for text in attribute.strings].index(True)] = (
                b"BRANCH_LT"
            )
        else:
            attribute.ints[1] = 3
        with pytest.raises(NotRead):
            read_member(model.SerializeToString())
    with pytest.raises(NotRead, match="nodes IsNaN"):
        read_member(make_graph())


@needs_the_table
def test_a_graph_that_is_damaged_is_read_as_another_or_refused_and_never_more() -> None:
    draw = np.random.default_rng(13)
    contents = [graph_of(make_forest(draw, n_trees=5)), to_onnx(make_linear(draw), N_FEATURES)]
    n_refused = 0
    for content in contents * 150:
        damaged = bytearray(content)
        for place in draw.integers(0, len(content), 3).tolist():
            damaged[place] = int(draw.integers(256))
        try:
            member = read_member(bytes(damaged[: draw.integers(1, 2 * len(content))]))
            build_table(N_FEATURES, [(1.0, member)]).add_to(make_rows(draw, 9), np.zeros(9))
        except (NotRead, ValueError):
            n_refused += 1
    assert 50 < n_refused < 300


@needs_the_table
@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"yes": [1, 0, -1]}, "no tree"),
        ({"yes": [9, -1, -1]}, "nowhere"),
        ({"no": [-5, -1, -1]}, "nowhere"),
        ({"roots": [0, 0]}, "shares"),
        ({"feature": [N_FEATURES, 0, 0]}, "a feature with a number"),
        ({"threshold": [np.nan, 0, 0]}, "a feature with a number"),
        ({"value": [0, np.inf, 0]}, "finite"),
        ({"value": [0, 0]}, "types and lengths"),
        ({"roots": []}, "has trees"),
    ],
)
def test_what_is_no_tree_is_not_built(changes: dict[str, list[float]], rule: str) -> None:
    tree = {"feature": [0, 0, 0], "threshold": [0.5, 0, 0], "yes": [1, -1, -1], "no": [2, -1, -1]}
    tree |= {"roots": [0], "unknown_is_yes": [True, False, False], "value": [0, 1, 2]}
    member = TreesMember(
        **{name: np.array(values) for name, values in (tree | changes).items()}, comparison="LT", base=0.0
    )
    with pytest.raises(ValueError, match=rule):
        build_table(N_FEATURES, [(1.0, member)])


@needs_the_table
def test_rows_of_another_shape_or_kind_are_refused() -> None:
    member = read_member(graph_of(make_forest(np.random.default_rng(14))))
    table = build_table(N_FEATURES, [(1.0, member)])
    for rows, out in (
        (np.zeros((2, 3), np.float32), np.zeros(2)),
        (np.zeros((2, N_FEATURES)), np.zeros(2)),
        (np.zeros((2, N_FEATURES), np.float32), np.zeros(3)),
        (np.zeros((2, N_FEATURES), np.float32), np.zeros(4)[::2]),
    ):
        with pytest.raises(ValueError, match=r"must be floats of shape|must be 2 doubles"):
            table.add_to(rows, out)
    assert table.add_to(np.zeros((0, N_FEATURES), np.float32), np.zeros(0)) == -1
    assert (
        table.add_to(np.zeros((20, N_FEATURES), np.float32), np.array([0.0] * 9 + [np.nan] + [0.0] * 10)) == 9
    )


def test_an_older_artifact_with_a_graph_of_another_make_loads_as_ever(tmp_path: Path) -> None:
    make_artifact(tmp_path / "a")
    assert [member.name for member in load_artifact(tmp_path / "a").onnx_members] == ["member_0"]
