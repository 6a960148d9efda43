"""Members that read a whole race: rows of one race together, the same bits whatever else is scored."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model_registry.artifact import (
    LoadedModel,
    Member,
    ModelSpec,
    explain,
    golden_document,
    load_artifact,
    write_artifact,
)
from model_registry.artifact.digest import SEAL, seal
from model_registry.artifact.loaded_model import MAX_FIELD
from model_registry.errors import ArtifactBroken, NotScored
from tests.model_registry.builders import PLATT, make_documents, make_field_graph, make_graph

FEATURES = ("box", "win_rate", "run_1_won", "run_1_margin")
OWN, OF_FIELD = (0.2, 1.0, 0.5, 0.3), (0.0, 0.4, -0.6, 0.1)
TOPICS, IS_CODE = ("box", "results", "results", "results"), (True, False, False, False)


SPEC = ModelSpec(
    kind="ensemble",
    feature_version="2",
    features=FEATURES,
    n_run_features=2,
    members=(
        Member("alone", "members/alone.onnx", 0.4),
        Member("field_net", "members/field_net.onnx", 0.6, reads_field=True),
    ),
    is_centred=True,
    calibration=PLATT,
)
GRAPHS = {
    "members/alone.onnx": make_graph((0.1, 2.0)),
    "members/field_net.onnx": make_field_graph(OWN, OF_FIELD),
}


def make_races(sizes: Sequence[int], seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(sum(sizes), len(FEATURES))).astype(np.float32)
    features[rng.random(features.shape) < 0.1] = np.nan
    return features, np.repeat(np.arange(len(sizes)), sizes)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("field")
    write_artifact(folder / "draft", SPEC, GRAPHS, make_documents())
    features, _ = make_races([6])
    golden = golden_document(features, load_artifact(folder / "draft").probabilities(features))
    write_artifact(folder / "model", SPEC, GRAPHS, make_documents(golden=golden))
    return folder / "model"


@pytest.fixture(scope="module")
def model(directory: Path) -> LoadedModel:
    return load_artifact(directory)


def test_members_take_their_own_features_and_the_others_go_through_the_table(model: LoadedModel) -> None:
    features, race = make_races([6, 8, 1])
    known = np.nan_to_num(features).astype(np.float64)
    mean = np.stack([known[race == each].mean(axis=0) for each in range(3)])[race]
    expected = 0.4 * known[:, :2] @ (0.1, 2.0) + 0.6 * (
        known @ OWN + known[:, 1] * (mean @ np.array(OF_FIELD))
    )
    np.testing.assert_allclose(model.log_odds(features, race), expected, atol=1e-5)
    assert [member.name for member in model.onnx_members if member.reads_field] == ["field_net"]
    model.check_golden()


def test_a_race_has_the_same_bits_alone_among_others_and_in_any_order(model: LoadedModel) -> None:
    features, race = make_races([6, 8, 7, 8])
    together = model.probabilities(features, race)
    rng = np.random.default_rng(1)
    for each in range(4):
        alone = features[race == each]
        order = rng.permutation(len(alone))
        np.testing.assert_array_equal(model.log_odds(alone), model.log_odds(features, race)[race == each])
        np.testing.assert_array_equal(model.log_odds(alone[order]), model.log_odds(alone)[order])
        np.testing.assert_allclose(model.probabilities(alone), together[race == each], rtol=0, atol=1e-15)


def test_a_race_of_too_many_runners_is_refused_before_all_are_compared_with_all(model: LoadedModel) -> None:
    features, race = make_races([MAX_FIELD, MAX_FIELD])
    assert len(model.log_odds(features, race)) == 2 * MAX_FIELD
    with pytest.raises(NotScored, match=f"at most {MAX_FIELD} runners, got {2 * MAX_FIELD}"):
        model.log_odds(features)


def test_contributions_add_up_and_topics_that_nobody_differs_in_have_none(model: LoadedModel) -> None:
    features, _ = make_races([7])
    why = explain(model, features, TOPICS, IS_CODE)
    np.testing.assert_allclose(why.base + why.contributions.sum(axis=1), why.strength, rtol=0, atol=1e-9)
    odds = np.exp(why.strength)
    np.testing.assert_allclose(odds / odds.sum(), model.probabilities(features), rtol=0, atol=1e-12)
    features[:, 0] = 4
    assert not explain(model, features, TOPICS, IS_CODE).contributions[:, 0].any()


def test_a_model_that_judges_runners_alone_is_explained_by_races_as_by_runners(tmp_path: Path) -> None:
    spec = replace(SPEC, features=FEATURES[:2], n_run_features=0, members=SPEC.members[:1])
    alone = {name: GRAPHS[name] for name in ("members/alone.onnx",)}
    write_artifact(tmp_path / "runners", spec, alone, make_documents())
    by_race = replace(spec, members=(replace(spec.members[0], reads_field=True),))
    write_artifact(tmp_path / "races", by_race, alone, make_documents())
    features = make_races([6])[0][:, :2]
    one, other = (
        explain(load_artifact(tmp_path / name), features, TOPICS[:2], IS_CODE[:2])
        for name in ("runners", "races")
    )
    np.testing.assert_allclose(one.contributions, other.contributions, atol=1e-6)
    assert one.base == pytest.approx(other.base, abs=1e-6)


def test_releases_that_judge_runners_alone_refuse_the_format_and_others_write_the_old_one(
    directory: Path,
) -> None:
    written = json.loads((directory / "model.json").read_text())
    assert (written["format"], written["n_run_features"]) == (3, 2)
    assert ModelSpec.from_json(written) == SPEC
    alone = replace(SPEC, features=FEATURES[:2], n_run_features=0, members=SPEC.members[:1])
    assert alone.as_json()["format"] == 2
    assert "reads_field" not in alone.as_json()["members"][0]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"n_run_features": 4}, "n_run_features must be 0 or more and fewer than all, got 4"),
        ({"n_run_features": -1}, "n_run_features must be 0 or more"),
        ({"n_run_features": 1}, "cannot score 3 features"),
        ({"members": [m | {"reads_field": 1} for m in SPEC.as_json()["members"]]}, "true or false"),
        ({"members": [m | {"reads_field": False} for m in SPEC.as_json()["members"]]},
         "only members that read fields"),
    ],
)  # fmt: skip
def test_a_specification_that_breaks_a_rule_of_fields_is_refused(
    directory: Path, tmp_path: Path, change: dict[str, object], rule: str
) -> None:
    files = {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path.name != SEAL
    }
    files["model.json"] = json.dumps(json.loads(files["model.json"]) | change).encode()
    for name, content in {**files, SEAL: seal(files)}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ArtifactBroken, match=rule):
        load_artifact(tmp_path)
