"""The exported files, opened as older tools open them, answer as the service does."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from greyhound.cli import main
from model_registry.artifact import SUMMARY_KEYS, load_artifact
from model_registry.errors import ArtifactBroken
from model_registry.file_export.estimator import ExportedModel
from model_registry.file_export.export import export_versions
from service.prediction.card_reader import read_card
from service.prediction.form_store import FormStore
from service.schemas.status import Summary
from service.serving.loading import load_snapshot
from tests.service.builders import (
    address,
    make_card,
    make_registry,
    open_registry,
    running_service,
    win_probabilities,
)

OLDER_TOOL = """
import json, sys
import joblib, numpy as np
model = joblib.load(sys.argv[1])
features = np.load(sys.argv[2])
print(json.dumps({
    "names": list(model.feature_names_in_), "classes": model.classes_.tolist(), "version": model.version,
    "proba": model.predict_proba(features).tolist(), "win": model.win_probability(features).tolist(),
    "mlflow": "mlflow" in sys.modules, "sklearn": "sklearn" in sys.modules,
}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of three versions, the second of which is champion, and its export."""
    folder = tmp_path_factory.mktemp("registry")
    make_registry(folder, exponents=(1.0, 1.5, 0.7), promote=2)
    export_versions(open_registry(address(folder)), folder / "exported")
    return folder


def export(folder: Path, *arguments: str) -> Result:
    command = ["models", "export", "--registry", address(folder), *arguments]
    return CliRunner().invoke(main, command)


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def content(directory: Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def test_a_fresh_process_loads_the_best_model_and_it_answers_as_the_service(
    folder: Path, tmp_path: Path
) -> None:
    card = make_card(6)
    snapshot = load_snapshot(2, open_registry(address(folder)).fetch(2))
    computed = FormStore(None).features_of_card(
        read_card(json.dumps(card).encode()), None, without_database=snapshot.featurizer
    )
    features = computed.values[:, snapshot.columns]
    np.save(tmp_path / "features.npy", features)
    best = folder / "exported/best_model.joblib"
    answer = json.loads(
        subprocess.run(
            [sys.executable, "-c", OLDER_TOOL, str(best), str(tmp_path / "features.npy")],
            env=os.environ | {"PYTHONPATH": str(Path.cwd())},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
    )
    assert answer["names"] == list(snapshot.model.spec.features)
    assert (answer["classes"], answer["version"]) == ([0, 1], 2)
    assert not answer["mlflow"]
    assert not answer["sklearn"]
    scores = np.array(answer["proba"])
    np.testing.assert_allclose(scores.sum(axis=1), 1)
    np.testing.assert_allclose(scores[:, 1], snapshot.model.scores(features), atol=1e-12)
    with running_service(address(folder)) as service:
        served = win_probabilities(service.predict(card))
    np.testing.assert_allclose(answer["win"], served, atol=1e-6)
    odds = (scores[:, 1] / scores[:, 0]) ** read(folder / "exported/metadata/version-2.json")["sharing"][
        "exponent"
    ]
    np.testing.assert_allclose(odds / odds.sum(), served, atol=1e-6)


def test_a_file_that_an_earlier_release_exported_is_loaded_with_a_warning(folder: Path) -> None:
    best = folder / "exported/best_model.joblib"
    by_its_former_name = pickle.dumps(joblib.load(best), protocol=0).replace(
        b"model_registry.file_export.", b"model_registry.file_registry."
    )
    sys.modules.pop("model_registry.file_registry.estimator", None)
    with pytest.warns(DeprecationWarning, match="exported by an earlier release"):
        model = pickle.loads(by_its_former_name)
    assert (type(model), model.version) == (ExportedModel, 2)


def test_the_files_have_the_names_and_keys_that_older_tools_read(folder: Path) -> None:
    exported = folder / "exported"
    assert set(content(exported)) == {
        "best_model.joblib",
        "model_index.json",
        "registry_config.json",
        "training_summary.json",
        *(f"models/version-{n}.joblib" for n in (1, 2, 3)),
        *(f"metadata/version-{n}.json" for n in (1, 2, 3)),
    }
    assert os.readlink(exported / "best_model.joblib") == "models/version-2.joblib"
    summary = read(exported / "training_summary.json")
    assert tuple(summary) == SUMMARY_KEYS == tuple(Summary.model_fields)
    with running_service(address(folder)) as service:
        status = service.client.get("/model_status").json()
    assert summary == {key: status[key] for key in SUMMARY_KEYS}
    index = read(exported / "model_index.json")
    assert index["best_model"] == "version-2"
    assert [(model["version"], model["is_best"]) for model in index["models"]] == [
        (3, False),
        (2, True),
        (1, False),
    ]
    for model in index["models"]:
        assert joblib.load(exported / model["model_file"]).version == model["version"]
        assert read(exported / model["metadata_file"])["digest"]


def test_rows_in_any_order_and_columns_in_any_order_give_the_same(folder: Path) -> None:
    model = joblib.load(folder / "exported/best_model.joblib")
    rng = np.random.default_rng(1)
    rows = pd.DataFrame(rng.normal(size=(24, model.n_features_in_)), columns=list(model.feature_names_in_))
    rows["race_id"] = np.repeat(["c", "a", "b"], 8)
    mixed = rows.sample(frac=1, random_state=1)[rows.columns[::-1]]
    shared = pd.Series(model.win_probability(mixed), mixed.index).sort_index()
    assert shared.groupby(rows["race_id"]).sum().to_numpy() == pytest.approx([1, 1, 1])
    alone = model.win_probability(rows[rows["race_id"] == "c"])
    np.testing.assert_allclose(shared[:8], alone, atol=1e-9)
    wins = pd.Series(model.predict_proba(mixed)[:, 1], mixed.index).sort_index()
    np.testing.assert_allclose(wins[:8], model.predict_proba(rows[:8])[:, 1], atol=1e-9)
    with pytest.raises(ValueError, match=r"10 runners at most.*got 24 rows"):
        model.predict_proba(rows.drop(columns="race_id"))
    with pytest.raises(ValueError, match="1 are missing, the first 'box'"):
        model.predict_proba(rows.drop(columns="box"))


def test_a_joblib_file_with_an_altered_model_does_not_load(folder: Path, tmp_path: Path) -> None:
    model = joblib.load(folder / "exported/best_model.joblib")
    model._files["model.json"] = model._files["model.json"].replace(b'"exponent": 1.5', b'"exponent": 3.5')
    joblib.dump(model, tmp_path / "altered.joblib")
    with pytest.raises(ArtifactBroken, match=r"model\.json differs from its digest"):
        joblib.load(tmp_path / "altered.joblib")


def test_the_command_is_idempotent_and_replaces_only_its_own_exports(folder: Path, tmp_path: Path) -> None:
    there = tmp_path / "files"
    first = export(folder, "--to", str(there), "--version", "1", "--version", "3")
    assert first.exit_code == 0, first.output
    assert "2 versions" in first.output
    assert read(there / "model_index.json")["best_because"].startswith("the champion is not among these")
    before = content(there)
    again = json.loads(
        export(folder, "--to", str(there), "--version", "3", "--version", "1", "--json").stdout
    )
    assert (again["is_new"], again["versions"]) == (False, [3, 1])
    assert content(there) == before
    assert export(folder, "--to", str(there), "--version", "2").exit_code == 0
    assert sorted(path.name for path in (there / "models").iterdir()) == ["version-2.joblib"]
    assert [path.name for path in tmp_path.iterdir()] == ["files"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("years of work")
    refused = export(folder, "--to", str(tmp_path / "mine"))
    assert refused.exit_code == 3
    assert "absent, empty or an earlier export" in refused.stderr
    assert content(tmp_path / "mine") == {"thesis.txt": b"years of work"}
    absent = export(folder, "--to", str(there), "--version", "9")
    assert absent.exit_code == 4
    assert "has no version 9" in absent.stderr


def test_an_export_that_is_interrupted_or_fails_leaves_the_earlier_one(tmp_path: Path) -> None:
    make_registry(tmp_path / "registry", exponents=(1.0, 1.5))
    registry, there = open_registry(address(tmp_path / "registry")), tmp_path / "out/files"
    export_versions(registry, there, only=[2])
    before = content(there)

    def interrupt(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_versions(registry, there, on_progress=interrupt)
    graph = next((registry.fetch(1)).glob("members/*.onnx"))
    graph.write_bytes(graph.read_bytes() + b"x")
    with pytest.raises(ArtifactBroken, match="differs from its digest"):
        export_versions(registry, there)
    assert content(there) == before
    assert [path.name for path in there.parent.iterdir()] == ["files"]
    assert load_artifact(registry.fetch(2)).digest == joblib.load(there / "best_model.joblib").digest
