"""From a table of races to a registered, promoted version, with everything that travels along."""

import click
import numpy as np
import pytest

from greyhound.commands.train import train as train_command
from model_registry.artifact import SUMMARY_KEYS, load_artifact
from tests.model_registry.empty import empty_registry_in
from tests.training.builders import FEATURE_NAMES, log_odds_of, make_table
from training.errors import TrainingSetTooSmall
from training.pipeline import TrainSettings, train_on
from training.search.choice import choose
from training.search.settings import SearchSettings


def train(registry, table, **changes):
    search = SearchSettings(families=("logistic_regression",), n_trials=1, n_jobs=1)
    settings = TrainSettings(search=search, **changes)
    return train_on(table, FEATURE_NAMES, ["feature_5"], registry, settings, effects={})


@pytest.fixture
def registry(tmp_path):
    return empty_registry_in(tmp_path)


def test_a_training_ends_with_a_champion_whose_documents_are_whole(registry):
    table = make_table(900)
    training = train(registry, table)
    assert training.is_promoted, training.gates
    champion = registry.champion()
    assert (champion.version, champion.gates) == (training.version, "passed")
    model = load_artifact(registry.fetch(champion.version))
    summary = model.documents["summary"]
    assert tuple(summary)[: len(SUMMARY_KEYS)] == SUMMARY_KEYS
    assert summary["calibration"] == "Platt Scaling"
    assert summary["is_simulated"] is True
    documents = model.documents["training"]
    days = [documents["data"][part] for part in ("train", "calibration", "test")]
    assert days[0]["until"] < days[1]["from"] <= days[1]["until"] < days[2]["from"]
    assert all(champion.tags[tag] for tag in ("data_hash", "feature_version", "git_commit"))
    (family,) = documents["families"]
    assert (family["name"], family["trials"], family["is_chosen"]) == ("logistic_regression", 1, True)
    assert documents["budget"]["trials_per_family"] == 1
    assert family["loss"] == documents["choice"]["losses"]["logistic_regression"]
    assert model.documents["metrics"]["calibration"]["ece_after"] == pytest.approx(
        model.documents["metrics"]["runners"]["ece"]
    )
    assert 0.8 < training.evaluation.truth_covered < 1.05

    again = train(registry, table, promote=False)
    assert "as it was judged" in next(
        gate.reason for gate in again.gates if gate.name == "not worse than champion"
    )
    assert not again.is_promoted
    assert registry.champion().version == training.version
    assert registry.challenger().version == again.version


def test_a_model_that_fails_a_gate_is_registered_and_promoted_by_force_only(registry):
    noise = make_table(400, features=np.random.default_rng(5).normal(size=(2400, 6)).astype(np.float32))
    held_back = train(registry, noise)
    assert not held_back.is_promoted
    entry = registry.version(held_back.version)
    assert entry.gates == "failed"
    assert "better than uniform" in entry.gate_failures
    forced = train(registry, noise, force=True)
    assert forced.is_promoted
    assert registry.history()[-1].forced


def test_too_few_races_register_nothing(registry):
    with pytest.raises(TrainingSetTooSmall):
        train(registry, make_table(20))
    assert registry.versions() == []


def test_the_choice_falls_on_the_candidate_that_knows_most():
    table = make_table(200)
    odds = log_odds_of(table.true_probability)
    noise = np.random.default_rng(1).normal(size=len(table))
    for races in (table, make_table(200, is_whole=np.zeros(1200, bool))):
        choice = choose({"noisy": odds + 2 * noise, "true": odds}, races, "platt")
        assert choice.name == "true"
        assert choice.losses["true"] < choice.losses["noisy"]


@pytest.mark.parametrize("option", ["--feature-scope", "--knows"])
def test_the_feature_scope_has_an_older_option_too(option):
    context = train_command.make_context("train", [option, "rated"])
    assert context.params["feature_scope"] == "rated"


def test_an_unknown_feature_scope_is_refused():
    with pytest.raises(ValueError, match="must be one of results, form, rated, prices-10m, got 'all'"):
        TrainSettings(feature_scope="all")
    with pytest.raises(click.BadParameter):
        train_command.make_context("train", ["--feature-scope", "all"])
