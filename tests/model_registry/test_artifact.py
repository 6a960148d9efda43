"""The artifact: written whole, proved before it is used, and nothing in it is code."""

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_registry.artifact import (
    DOCUMENTS,
    Isotonic,
    Member,
    ModelSpec,
    Platt,
    load_artifact,
    write_artifact,
)
from model_registry.artifact.digest import SEAL, seal
from model_registry.artifact.parity import check_parity
from model_registry.errors import ArtifactBroken, NotScored, ParityError
from tests.model_registry.builders import (
    make_artifact,
    make_documents,
    make_features,
    make_graph,
    make_spec,
)

COEFFICIENTS = (0.1, 2.0, -0.5)


def blend_by_hand(features: np.ndarray) -> np.ndarray:
    return 0.05 + np.nan_to_num(features.astype(float)) @ np.array(COEFFICIENTS)


def reseal(directory: Path) -> None:
    """Seal a directory anew, as one who means harm and knows the format would."""
    paths = [path for path in directory.rglob("*") if path.is_file() and path.name != SEAL]
    files = {path.relative_to(directory).as_posix(): path.read_bytes() for path in paths}
    (directory / SEAL).write_bytes(seal(files))


def test_a_blend_of_equal_members_scores_as_its_members_do(tmp_path: Path) -> None:
    make_artifact(tmp_path / "a", spec=make_spec(n_members=5))
    features = make_features()
    got = load_artifact(tmp_path / "a").log_odds(features)
    np.testing.assert_allclose(got, blend_by_hand(features), atol=1e-6)


def test_members_count_by_their_weights(tmp_path: Path) -> None:
    members = (Member("one", "members/one.onnx", 0.25), Member("two", "members/two.onnx", 2.0))
    graphs = {"members/one.onnx": make_graph((1, 0, 0)), "members/two.onnx": make_graph((0, 0, 1))}
    write_artifact(tmp_path / "a", make_spec(members=members), graphs, make_documents())
    got = load_artifact(tmp_path / "a").log_odds(np.array([[4, 9, 3]], np.float32))
    np.testing.assert_allclose(got, [0.05 + 0.25 * 4 + 2 * 3])


def test_platt_scores_are_its_sigmoid_and_probabilities_are_shared_odds(tmp_path: Path) -> None:
    make_artifact(tmp_path / "a", spec=make_spec(calibration=Platt(0.9, -0.2), sharing_exponent=1.3))
    model, features = load_artifact(tmp_path / "a"), make_features()
    scores = 1 / (1 + np.exp(-(0.9 * blend_by_hand(features) - 0.2)))
    odds = (scores / (1 - scores)) ** 1.3
    np.testing.assert_allclose(model.scores(features), scores, atol=1e-6)
    np.testing.assert_allclose(model.probabilities(features), odds / odds.sum(), atol=1e-6)


def test_isotonic_scores_follow_their_table_and_a_zero_still_leaves_probabilities(tmp_path: Path) -> None:
    table = Isotonic((-1.0, 0.0, 2.0), (0.0, 0.1, 0.5))
    spec = make_spec(calibration=table, features=("strength",), intercept=0.0)
    graphs = {"members/member_0.onnx": make_graph((1.0,))}
    write_artifact(tmp_path / "a", spec, graphs, make_documents())
    model, features = load_artifact(tmp_path / "a"), np.array([[-9], [-0.5], [1], [9]], np.float32)
    np.testing.assert_allclose(model.scores(features), [0, 0.05, 0.3, 0.5])
    probabilities = model.probabilities(features)
    assert probabilities.sum() == pytest.approx(1)
    assert (np.diff(probabilities) > 0).all()


def test_without_calibration_the_score_is_the_blend_itself(tmp_path: Path) -> None:
    make_artifact(tmp_path / "a", spec=make_spec(calibration=None))
    features = make_features()
    expected = 1 / (1 + np.exp(-blend_by_hand(features)))
    np.testing.assert_allclose(load_artifact(tmp_path / "a").scores(features), expected, atol=1e-6)


def test_races_scored_together_and_alone_have_the_same_probabilities(tmp_path: Path) -> None:
    make_artifact(tmp_path / "a")
    model = load_artifact(tmp_path / "a")
    fields = [make_features(n, seed=n) for n in (2, 8, 6)]
    race = np.repeat(np.arange(3), [2, 8, 6])
    together = model.probabilities(np.concatenate(fields), race)
    np.testing.assert_allclose(together, np.concatenate([model.probabilities(f) for f in fields]))
    places = model.place_probabilities(together, race)
    np.testing.assert_allclose([places[race == r].sum() for r in range(3)], [1, 3, 2])
    combined = model.combine(together, np.repeat([1 / 2, 1 / 8, 1 / 6], [2, 8, 6]), race)
    assert combined is not None
    np.testing.assert_allclose(np.bincount(race, combined), 1)


def test_a_model_without_market_combination_combines_nothing(tmp_path: Path) -> None:
    make_artifact(tmp_path / "a", spec=make_spec(market_combination=None))
    model = load_artifact(tmp_path / "a")
    assert model.combine(np.array([0.5, 0.5]), np.array([0.4, 0.6])) is None


def test_a_combination_of_an_earlier_release_with_a_negative_weight_is_the_market_alone(
    tmp_path: Path,
) -> None:
    make_artifact(tmp_path / "a")
    path = tmp_path / "a" / "model.json"
    document = json.loads(path.read_text()) | {"market_combination": {"a": -0.0565, "b": 0.967}}
    path.write_text(json.dumps(document))
    reseal(tmp_path / "a")
    model = load_artifact(tmp_path / "a")
    assert model.spec.is_market_alone
    market = np.array([0.37, 0.63])
    assert model.combine(np.array([0.54, 0.46]), market) == pytest.approx(market, abs=0)


def test_a_negative_weight_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ArtifactBroken, match=r"must not be negative, got \(-0.1, 1.0\)"):
        make_spec(market_combination=(-0.1, 1.0))


def test_threads_sharing_a_model_get_what_one_alone_gets(tmp_path: Path) -> None:
    make_artifact(tmp_path / "a", spec=make_spec(n_members=3))
    model = load_artifact(tmp_path / "a")
    fields = [make_features(8, seed=seed) for seed in range(4)]
    expected = [model.probabilities(field) for field in fields]
    wrong: list[int] = []

    def score(i: int) -> None:
        for _ in range(200):
            wrong.extend([i] * (not np.array_equal(model.probabilities(fields[i]), expected[i])))

    threads = [threading.Thread(target=score, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_features_of_another_shape_are_refused_with_the_shape(tmp_path: Path) -> None:
    make_artifact(tmp_path / "a")
    with pytest.raises(ValueError, match=r"features must be of shape \(n, 3\), got \(6, 4\)"):
        load_artifact(tmp_path / "a").log_odds(make_features(n_features=4))


def test_a_runner_without_a_finite_number_stops_the_race(tmp_path: Path) -> None:
    make_artifact(tmp_path / "a")
    features = make_features()
    features[2, 0] = np.inf
    with pytest.raises(NotScored, match="row 2"):
        load_artifact(tmp_path / "a").probabilities(features)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    reference = {"box": {"mean": np.float32(4.5), "quantiles": np.array([1.0, np.nan])}}
    spec = make_spec(n_members=2, calibration=Isotonic((0.0, 1.0), (0.1, 0.2)))
    digest = make_artifact(tmp_path / "a", spec=spec, reference=reference)
    model = load_artifact(tmp_path / "a", digest=digest)
    assert model.spec == spec
    assert model.documents["reference"] == {"box": {"mean": 4.5, "quantiles": [1.0, None]}}
    assert set(model.documents) == set(DOCUMENTS)


def test_the_same_model_has_the_same_digest_and_another_has_another(tmp_path: Path) -> None:
    first, second = make_artifact(tmp_path / "a"), make_artifact(tmp_path / "b")
    assert first == second != make_artifact(tmp_path / "c", coefficients=(0.1, 2.0, -0.6))


@pytest.mark.parametrize("name", ["model.json", "members/member_0.onnx", "golden.json", "effects.json"])
def test_a_changed_byte_is_named(tmp_path: Path, name: str) -> None:
    make_artifact(tmp_path / "a")
    path = tmp_path / "a" / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ArtifactBroken, match=f"{name} differs from its digest"):
        load_artifact(tmp_path / "a")


def test_every_missing_and_every_extra_file_is_named(tmp_path: Path) -> None:
    make_artifact(tmp_path / "a")
    (tmp_path / "a" / "metrics.json").unlink()
    (tmp_path / "a" / "effects.json").unlink()
    (tmp_path / "a" / "more.json").write_text("{}")
    rule = "effects.json is missing; metrics.json is missing; more.json is not in DIGEST.json"
    with pytest.raises(ArtifactBroken, match=rule):
        load_artifact(tmp_path / "a")


@pytest.mark.parametrize("name", ["model.pkl", "members/m.joblib", "code.py", "members/lib.so", "x/y.json"])
def test_files_that_may_be_code_are_refused_even_if_sealed(tmp_path: Path, name: str) -> None:
    make_artifact(tmp_path / "a")
    (tmp_path / "a" / name).parent.mkdir(exist_ok=True)
    (tmp_path / "a" / name).write_bytes(b"x")
    document = json.loads((tmp_path / "a" / SEAL).read_text())
    document["files"][name] = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    (tmp_path / "a" / SEAL).write_text(json.dumps(document))
    with pytest.raises(ArtifactBroken, match=f"only, got '{name}'"):
        load_artifact(tmp_path / "a")


def test_links_are_refused(tmp_path: Path) -> None:
    make_artifact(tmp_path / "a")
    golden = tmp_path / "a" / "golden.json"
    golden.rename(tmp_path / "elsewhere.json")
    golden.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(ArtifactBroken, match=r"golden\.json must be a plain file"):
        load_artifact(tmp_path / "a")


def test_another_digest_than_the_recorded_one_is_refused(tmp_path: Path) -> None:
    make_artifact(tmp_path / "a")
    with pytest.raises(ArtifactBroken, match="the digest must be f00"):
        load_artifact(tmp_path / "a", digest="f00")


def test_an_artifact_too_big_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_artifact(tmp_path / "a")
    monkeypatch.setattr("model_registry.artifact.digest.MAX_BYTES", 500)
    with pytest.raises(ArtifactBroken, match="at most 500 bytes, got"):
        load_artifact(tmp_path / "a")


def test_a_model_of_the_first_format_is_read_as_not_centred(tmp_path: Path) -> None:
    make_artifact(tmp_path / "a")
    path = tmp_path / "a" / "model.json"
    document = json.loads(path.read_text()) | {"format": 1}
    del document["is_centred"]
    path.write_text(json.dumps(document))
    reseal(tmp_path / "a")
    assert not load_artifact(tmp_path / "a").spec.is_centred


def test_a_centred_model_scores_a_runner_against_its_own_race(tmp_path: Path) -> None:
    features, race = make_features(6), np.array([0, 0, 0, 1, 1, 1])
    make_artifact(tmp_path / "a", spec=make_spec(is_centred=True))
    model = load_artifact(tmp_path / "a")
    together = model.scores(features, race)
    apart = [model.scores(features[rows]) for rows in (slice(0, 3), slice(3, 6))]
    np.testing.assert_allclose(together, np.concatenate(apart))
    np.testing.assert_allclose(np.bincount(race, model.probabilities(features, race)), 1)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"format": 4}, "format must be 1, 2 or 3, got 4"),
        ({"features": []}, "at least one"),
        ({"features": ["box", "box", "win_rate"]}, "'box' twice"),
        ({"features": ["box", "win_rate"]}, "cannot score 2 features"),
        ({"members": []}, "1..32 members, got 0"),
        ({"members": [{"name": "m", "file": "../m.onnx", "weight": 1}]}, "got '../m.onnx'"),
        ({"members": [{"name": "m", "file": "members/other.onnx", "weight": 1}]}, "members' files must be"),
        ({"sharing": {"exponent": 0}}, "exponent must be above 0"),
        ({"calibration": {"method": "beta"}}, "platt, isotonic or none, got 'beta'"),
        ({"calibration": {"method": "platt", "a": 1}}, "'b' is missing"),
        ({"intercept": "much"}, "could not convert"),
        ({"place_discounts": [1.0]}, "three numbers"),
        ({"calibration": {"method": "platt", "a": -0.1, "b": 0}}, "slope must be above 0, got -0.1"),
        (
            {"members": [{"name": "m", "file": "members/member_0.onnx", "weight": -1}]},
            "weight must not be negative, got -1",
        ),
    ],
)
def test_a_specification_that_breaks_a_rule_is_refused(
    tmp_path: Path, change: dict[str, Any], rule: str
) -> None:
    make_artifact(tmp_path / "a")
    path = tmp_path / "a" / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    reseal(tmp_path / "a")
    with pytest.raises(ArtifactBroken, match=rule):
        load_artifact(tmp_path / "a")


@pytest.mark.parametrize(
    ("graph", "rule"),
    [
        (b"not a graph", "is not a graph that can be run"),
        (make_graph(input_name="x"), "the input must be 'features'"),
        (make_graph(output_name="label"), "an output must be 'log_odds'"),
        (make_graph((1, 2)), "cannot score 3 features"),
        (make_graph(is_column=True), r"one number a runner, got shape \(2, 1\)"),
        (make_graph((np.inf, 1, 1)), "must give finite log odds"),
    ],
)
def test_a_graph_that_cannot_serve_is_never_written(tmp_path: Path, graph: bytes, rule: str) -> None:
    with pytest.raises(ArtifactBroken, match=rule):
        write_artifact(tmp_path / "a", make_spec(), {"members/member_0.onnx": graph}, make_documents())
    assert list(tmp_path.iterdir()) == []


def test_an_artifact_is_complete_or_not_written(tmp_path: Path) -> None:
    documents = make_documents()
    del documents["effects"], documents["summary"]
    with pytest.raises(ArtifactBroken, match="missing: effects, summary"):
        write_artifact(tmp_path / "a", make_spec(), {"members/member_0.onnx": make_graph()}, documents)
    assert list(tmp_path.iterdir()) == []


def test_an_artifact_is_never_written_over(tmp_path: Path) -> None:
    make_artifact(tmp_path / "a")
    with pytest.raises(ArtifactBroken, match="exists already"):
        write_artifact(tmp_path / "a", make_spec(), {}, make_documents())


def test_the_golden_card_tells_a_changed_answer(tmp_path: Path) -> None:
    features = make_features()
    golden = {"features": features, "probabilities": np.full(len(features), 1 / len(features))}
    make_artifact(tmp_path / "right")
    load_artifact(tmp_path / "right").check_golden()
    make_artifact(tmp_path / "wrong", golden=golden)
    with pytest.raises(ArtifactBroken, match=r"golden\.json: runner \d must have 0\.1666.*off by"):
        load_artifact(tmp_path / "wrong").check_golden()
    make_artifact(tmp_path / "none", golden={})
    with pytest.raises(ArtifactBroken, match=r"golden\.json"):
        load_artifact(tmp_path / "none").check_golden()


def test_parity_names_the_worst_row(tmp_path: Path) -> None:
    make_artifact(tmp_path / "a")
    model, features = load_artifact(tmp_path / "a"), make_features()
    log_odds, probabilities = blend_by_hand(features), model.probabilities(features)
    assert check_parity(model, features, log_odds=log_odds, probabilities=probabilities) < 1e-6
    log_odds[1] += 2e-5
    log_odds[4] -= 3e-5
    with pytest.raises(ParityError, match=r"log odds.*row 4 .* off by 3e-05"):
        check_parity(model, features, log_odds=log_odds)
    log_odds[3] = np.nan
    with pytest.raises(ParityError, match="row 3"):
        check_parity(model, features, log_odds=log_odds)


def test_a_model_finds_its_features_among_more_and_says_which_is_unknown() -> None:
    spec: ModelSpec = make_spec()
    available = ["new", "best_time_s", "box", "win_rate"]
    assert spec.columns(available).tolist() == [2, 3, 1]
    with pytest.raises(ArtifactBroken, match="1 are not, the first 'best_time_s'"):
        spec.columns(["box", "win_rate"])
