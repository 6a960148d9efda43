"""What serves has learnt all races; what was judged has not, and both can be had and checked."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from model_registry.artifact import load_artifact
from model_registry.learning import JUDGED, learning_of
from racing import metrics
from tests.model_registry.empty import empty_registry_in
from tests.training.builders import FEATURE_NAMES, make_table
from training.data.splits import split_by_time
from training.data.whole_races import judged_rows
from training.evaluation.champion import MIN_UNSEEN_RACES, champion_on
from training.evaluation.evaluation import MODEL
from training.gates import failed
from training.pipeline import TrainSettings, train_on
from training.publish import reports_folder
from training.refit import MAX_MOVED
from training.search.settings import SearchSettings

TABLE = make_table(900)
SPLIT = split_by_time(TABLE)


def train(registry, table=TABLE, **changes):
    search = SearchSettings(families=("xgboost",), n_trials=1, n_jobs=1)
    settings = TrainSettings(search=search, **changes)
    return train_on(table, FEATURE_NAMES, ["feature_5"], registry, settings, effects={})


def open_registry(folder):
    return empty_registry_in(folder)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    registry = open_registry(tmp_path_factory.mktemp("refit"))
    return registry, train(registry)


def losses(model, table=SPLIT.test):
    whole = judged_rows(table)
    p = model.probabilities(table.features, table.race)[whole]
    judged = table.take(whole)
    return metrics.per_race_log_loss(p, judged.won, judged.race)


def test_what_serves_has_learnt_to_the_last_day_and_names_the_judged_model(trained):
    registry, training = trained
    served = load_artifact(registry.fetch(training.version))
    judged = load_artifact(registry.fetch_judged(training.version))
    document = served.documents[JUDGED]
    assert (training.digest, document["digest"]) == (served.digest, judged.digest)
    assert served.digest != judged.digest
    learning = learning_of(served.documents)
    last_day, last_before = (str(part.date.max()) for part in (TABLE, SPLIT.before_test))
    assert (str(learning.learnt_until), str(learning.judged_learnt_until)) == (last_day, last_before)
    assert learning_of(judged.documents).learnt_until == learning.judged_learnt_until
    assert not learning_of(judged.documents).is_refit
    summary = served.documents["summary"]
    assert (summary["samples"], summary["learnt_until"]) == (len(TABLE), last_day)
    assert judged.documents["summary"]["samples"] == len(SPLIT.before_test)
    assert document["test"] == summary["data"]["test"]
    served.check_golden()
    judged.check_golden()


def test_the_judged_model_lies_in_the_run_where_anyone_can_check_its_digest(trained, tmp_path):
    registry, training = trained
    folder = MlflowClient(registry.tracking_uri).download_artifacts(training.run_id, JUDGED, str(tmp_path))
    served = load_artifact(registry.fetch(training.version))
    assert load_artifact(Path(folder)).digest == served.documents[JUDGED]["digest"]


def test_every_figure_is_of_the_judged_artifact_as_it_was_written(trained):
    registry, training = trained
    judged, test = load_artifact(registry.fetch_judged(training.version)), SPLIT.test
    loss = float(losses(judged).mean())
    scores = judged.scores(test.features, test.race)
    summary = load_artifact(registry.fetch(training.version)).documents["summary"]
    logged = MlflowClient(registry.tracking_uri).get_run(training.run_id).data.metrics
    for figures in (summary, logged):
        assert figures["race_log_loss"] == pytest.approx(loss, abs=1e-9)
        assert figures["log_loss"] == pytest.approx(metrics.log_loss(scores, test.won), abs=1e-9)
        assert figures["test_races"] == len(losses(judged))
    assert training.evaluation.races[MODEL].race_log_loss == pytest.approx(loss, abs=1e-9)


def test_on_the_test_races_the_refitted_model_is_closer_to_the_outcomes_and_near_the_judged_one(trained):
    registry, training = trained
    served, judged = (
        load_artifact(fetch(training.version)) for fetch in (registry.fetch, registry.fetch_judged)
    )
    agreement = served.documents[JUDGED]["agreement"]
    gap = losses(served) - losses(judged)
    assert agreement["loss_difference"]["difference"] == pytest.approx(gap.mean(), abs=1e-9)
    assert gap.mean() < 0
    assert 0 < agreement["moved"] < MAX_MOVED
    assert agreement["parity_error"] < 1e-5
    assert not failed(training.gates)


def test_report_note_and_description_say_the_same_sentence(trained):
    registry, training = trained
    sentence = training.summary["judgement"]
    test, learnt = training.summary["data"]["test"], training.summary["learnt_until"]
    assert sentence == (
        f"Judged on {test['from']} to {test['until']} by the same recipe, which had learnt to "
        f"{training.summary['judged_learnt_until']}; what serves has learnt to {learnt}."
    )
    run = MlflowClient(registry.tracking_uri).get_run(training.run_id)
    version = registry.version(training.version)
    page = training.report.read_text(encoding="utf-8")
    for text in (page, run.data.tags["mlflow.note.content"], version.description):
        assert sentence in text


@pytest.mark.parametrize(
    ("address", "folder"),
    [
        ("sqlite:////data/var/mlflow.db", "/data/var/reports"),
        ("sqlite:////data/var/other.db", "/data/var/reports/other"),
        ("http://ada:secret@mlflow.example:5000", f"{Path.cwd()}/var/reports/mlflow.example-5000"),
        ("http://mlflow.example:5000/two", f"{Path.cwd()}/var/reports/mlflow.example-5000-two"),
        ("postgresql://ada:secret@host/registry", f"{Path.cwd()}/var/reports/host-registry"),
    ],
)
def test_the_reports_of_each_registry_lie_in_a_folder_of_their_own(address, folder):
    assert str(reports_folder(address)) == folder


def test_one_figure_has_one_value_in_summary_registry_run_and_report(trained):
    registry, training = trained
    model = training.evaluation.races[MODEL]
    version = registry.version(training.version)
    logged = MlflowClient(registry.tracking_uri).get_run(training.run_id).data.metrics
    page = training.report.read_text(encoding="utf-8")
    for key, name in (("auc_score", "auc"), ("race_log_loss", "race_log_loss"), ("ece", "ece")):
        value = getattr(model, name)
        assert training.summary[key] == logged[key] == version.metrics[name] == value
        assert (f"{value:.3f}" if name == "auc" else f"{value:.4f}") in page


def test_without_a_refit_the_judged_model_serves(tmp_path):
    registry = open_registry(tmp_path)
    training = train(registry, refit=False)
    served = load_artifact(registry.fetch(training.version))
    assert JUDGED not in served.documents
    assert registry.fetch_judged(training.version) == registry.fetch(training.version)
    summary = served.documents["summary"]
    assert (summary["samples"], summary["is_refit"]) == (len(SPLIT.before_test), False)
    assert float(losses(served).mean()) == pytest.approx(summary["race_log_loss"], abs=1e-9)
    assert "what serves" not in summary["judgement"]


@pytest.mark.parametrize(
    ("breaks", "gate"),
    [
        (lambda table: replace(table, won=table.won[::-1].copy()), "refit not worse"),
        (
            lambda table: replace(table, features=table.features[:, ::-1].copy()),
            "refit close to the judged model",
        ),
    ],
)
def test_a_broken_refit_is_held_back(tmp_path, monkeypatch, breaks, gate):
    from training import pipeline

    fit_again_ahead = pipeline.fit_again_ahead

    def fit_broken(candidate, table, *rest):
        broken = replace(breaks(table), market_probability=np.full(len(table), np.nan))
        return fit_again_ahead(candidate, broken, *rest)

    monkeypatch.setattr(pipeline, "fit_again_ahead", fit_broken)
    registry = open_registry(tmp_path)
    training = train(registry)
    assert gate in {one.name for one in failed(training.gates)}
    assert not training.is_promoted
    assert registry.version(training.version).gates == "failed"


def test_an_interrupted_refit_registers_nothing(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("training.pipeline.refit", interrupt)
    registry = open_registry(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train(registry)
    assert registry.versions() == []


def test_a_refitted_champion_is_compared_as_it_was_judged_on_races_that_it_had_not_seen(trained):
    registry, training = trained
    champion = champion_on(SPLIT.test, FEATURE_NAMES, registry)
    judged = load_artifact(registry.fetch_judged(training.version))
    assert champion.probabilities == pytest.approx(judged.probabilities(SPLIT.test.features, SPLIT.test.race))
    assert champion.rows is None
    assert "as it was judged" in champion.remark


def test_a_champion_that_has_learnt_the_test_races_is_compared_on_later_ones_or_the_reason_says_so(tmp_path):
    registry = open_registry(tmp_path)
    train(registry, refit=False)
    learnt_until = SPLIT.before_test.date.max()
    some_seen = TABLE.take(TABLE.date > learnt_until - np.timedelta64(10, "D"))
    champion = champion_on(some_seen, FEATURE_NAMES, registry)
    assert champion.rows is None
    assert "in its favour" in champion.remark
    many = make_table(3000, seed=3, first_day=str(learnt_until - np.timedelta64(10, "D")))
    champion = champion_on(many, FEATURE_NAMES, registry)
    assert len(np.unique(many.race_id[champion.rows])) >= MIN_UNSEEN_RACES
    assert many.date[champion.rows].min() > learnt_until
    assert "has not learnt" in champion.remark


def test_a_refitted_champion_whose_judged_model_is_lost_is_compared_as_it_serves(tmp_path):
    registry = open_registry(tmp_path)
    training = train(registry)
    (registry.fetch_judged(training.version) / "model.json").write_text("{}")
    champion = champion_on(SPLIT.test, FEATURE_NAMES, registry)
    served = load_artifact(registry.fetch(training.version))
    assert champion.probabilities == pytest.approx(served.probabilities(SPLIT.test.features, SPLIT.test.race))
    assert "in its favour" in champion.remark
