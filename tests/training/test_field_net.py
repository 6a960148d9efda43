"""The net over the field: what it learns, its graph, and a training that ends with one that serves."""

from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import onnxruntime as ort
import pytest

from model_registry.artifact import explain, load_artifact
from model_registry.artifact.loaded_model import field_log_odds
from racing.domain.runs import WINDOW
from racing.probabilities import share_within_race
from tests.model_registry.empty import empty_registry_in
from tests.training.builders import FEATURE_NAMES, make_table
from training.data.training_set import race_training_set, runner_training_set
from training.engines.work import Data
from training.errors import FamilyUnavailable
from training.export.onnx_graphs import to_onnx
from training.families import FIELD_FAMILIES, MORE_NETS, Setting, family_named, log_odds_of
from training.families.field_net import FieldNet, LongFieldNet
from training.families.field_net.fields import batches, places_of, rows_of
from training.families.field_net.scales import learn_scales
from training.objective import race_losses
from training.pipeline import TrainSettings, train_on
from training.search.search import own_steps
from training.search.settings import SearchSettings
from training.search.steps import search_races

needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="torch is of the extra nets")
N_COLUMNS = 3
RUN_NAMES = [f"run_{ago}_{name}" for ago in range(1, WINDOW + 1) for name in ("days", "worth", "noise")]
QUICK = {**FieldNet.defaults, "n_epochs": 3, "rate": 0.004, "weight_decay": 0.02}


def with_runs(table, seed=4):
    """The same table with runs: what each was worth says how strong a runner is, as two features do."""
    rng = np.random.default_rng(seed)
    n = len(table)
    runs = rng.normal(size=(n, WINDOW, N_COLUMNS)).astype(np.float32)
    runs[:, :, 1] += np.log(table.true_probability)[:, None]
    runs[:, :, 0] = np.arange(1, WINDOW + 1) * 7
    runs[np.arange(WINDOW) >= rng.integers(0, WINDOW + 1, n)[:, None]] = np.nan
    return replace(table, run_features=runs.reshape(n, -1))


def fitted(table, seed=0, params=QUICK):
    return FieldNet().fit(race_training_set(table, 400.0, 0.85), params, Setting(categorical=(5,), seed=seed))


def expected_loss(member, table):
    p = share_within_race(log_odds_of(member, table), table.race)
    return float(race_losses(p, table.true_probability, table.race).mean())


@pytest.fixture(scope="module")
def table():
    return with_runs(make_table(600, seed=1))


@pytest.fixture(scope="module")
def member(table):
    return fitted(table)


@needs_torch
def test_it_learns_from_runs_what_features_do_not_say_and_near_to_the_truth(table, member):
    later = with_runs(make_table(400, seed=2), seed=5)
    blind = replace(later, features=np.full_like(later.features, np.nan))
    truth = float(race_losses(later.true_probability, later.true_probability, later.race).mean())
    uniform = np.log(6)
    assert expected_loss(member, later) < truth + 0.2 * (uniform - truth)
    assert expected_loss(member, blind) < uniform - 0.1 * (uniform - truth)


@needs_torch
def test_rows_without_a_target_cost_no_copy_of_the_runs_and_change_nothing(table):
    unknown = table.race % 3 == 1
    won = table.won & ~unknown
    market = np.where(unknown, np.nan, table.market_probability)
    some = race_training_set(replace(table, won=won, market_probability=market), 400.0, 0.85)
    few = race_training_set(table.take(~unknown), 400.0, 0.85)
    assert len(some.features) == len(few.features) == (~unknown).sum()
    assert np.shares_memory(some.run_features, table.run_features)
    same = {**QUICK, "n_epochs": 1}
    first, again = (FieldNet().fit(each, same, Setting(categorical=(5,))) for each in (some, few))
    assert all((first.weights[name] == again.weights[name]).all() for name in first.weights)


@needs_torch
def test_its_graph_gives_the_log_odds_of_every_race_whatever_its_size_and_values(table, member):
    odd = table.take(np.flatnonzero(np.random.default_rng(2).random(len(table)) < 0.7)[:900])
    features, runs = odd.features.copy(), odd.run_features.copy()
    features[:20], runs[20:40] = np.nan, np.nan
    features[40:50], features[50:60] = 1e30, -1e30
    odd = replace(odd, features=features, run_features=runs)
    assert len(np.unique(np.bincount(odd.race))) >= 4
    graph = to_onnx(member, 6)
    inputs = odd.inputs(6 + len(RUN_NAMES))
    got = field_log_odds(ort.InferenceSession(graph), inputs, odd.race)
    expected = log_odds_of(member, odd)
    assert np.ptp(got) > 1
    assert np.abs(got - expected).max() < 1e-5
    assert len(graph) < 1_000_000


@needs_torch
def test_rivals_count_and_another_race_does_not(table, member):
    two = table.take(slice(0, 12))
    stronger = two.features.copy()
    stronger[0, :2] += 1.5
    before, after = log_odds_of(member, two), log_odds_of(member, replace(two, features=stronger))
    assert np.abs(after - before)[1:6].max() > 1e-4
    np.testing.assert_array_equal(after[6:], before[6:])


@needs_torch
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(table):
    few = table.take(slice(0, 600))
    first, again, other = (fitted(few, seed, {**QUICK, "n_epochs": 1}) for seed in (0, 0, 1))
    assert all((first.weights[name] == again.weights[name]).all() for name in first.weights)
    assert not (first.weights["in"] == other.weights["in"]).all()


@needs_torch
def test_without_runs_and_without_targets_it_learns_from_fields_and_winners():
    table = make_table(400, seed=1)
    member = FieldNet().fit(runner_training_set(table, 400.0), QUICK, Setting(categorical=(5,)))
    assert not member.reads_runs
    assert expected_loss(member, make_table(300, seed=2)) < np.log(6) - 0.15


@needs_torch
def test_a_training_with_it_ends_with_a_champion_of_features_and_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(FieldNet, "defaults", {**QUICK, "n_epochs": 2})
    registry = empty_registry_in(tmp_path)
    table = with_runs(make_table(420))
    search = SearchSettings(families=("field_net",), n_trials=3, n_folds=1, n_jobs=1)
    settings = TrainSettings(search=search, force=True)  # of so few races calibration may miss by chance
    reported: dict[str, list[tuple[int, int]]] = {}

    @contextmanager
    def stage(title):
        yield lambda n_done, n_total: reported.setdefault(title, []).append((n_done, n_total))

    training = train_on(
        table,
        FEATURE_NAMES,
        ["feature_5"],
        registry,
        settings,
        effects={},
        run_feature_names=RUN_NAMES,
        stage=stage,
    )
    # a trial, then the epochs of its fit; those of the next fits
    assert reported["Search"] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert reported["Final fit"] == reported["Refit"] == [(0, 2), (1, 2), (2, 2)]
    passed = {gate.name: gate.passed for gate in training.gates}
    assert passed["better than uniform"], training.gates
    assert passed["artifact complete and in parity"], training.gates
    model = load_artifact(registry.fetch(training.version))
    assert [(member.name, member.reads_field) for member in model.spec.members] == [("field_net", True)]
    assert model.spec.features == (*FEATURE_NAMES, *RUN_NAMES)
    assert set(model.documents["reference"]["features"]) == set(FEATURE_NAMES)
    (of_net,) = [f for f in model.documents["training"]["families"] if f["name"] == "field_net"]
    assert of_net["trials"] == 1
    race = table.take(slice(0, 6))
    topics = ["results"] * len(FEATURE_NAMES) + ["times"] * len(RUN_NAMES)
    why = explain(model, race.inputs(len(topics)), topics, [False] * len(topics))
    np.testing.assert_allclose(why.base + why.contributions.sum(axis=1), why.strength, atol=1e-9)


@needs_torch
def test_best_blends_nets_that_began_otherwise_and_what_is_registered_has_them_all(tmp_path, monkeypatch):
    for family in (FieldNet, LongFieldNet):
        monkeypatch.setattr(family, "defaults", {**QUICK, "n_epochs": 1})
    registry = empty_registry_in(tmp_path)
    search = SearchSettings(families=("field_net",), best=True, n_folds=1, n_jobs=1)
    names = ("field_net", *(net.name for net in MORE_NETS))
    assert search.searched == names
    assert replace(search, best=False).searched == ("field_net",)
    assert replace(search, families=("xgboost",)).searched == ("xgboost",)
    table = with_runs(make_table(420))
    settings = TrainSettings(search=search, refit=False, force=True)
    training = train_on(
        table, FEATURE_NAMES, ["feature_5"], registry, settings, effects={}, run_feature_names=RUN_NAMES
    )
    assert {gate.name: gate.passed for gate in training.gates}["artifact complete and in parity"]
    model = load_artifact(registry.fetch(training.version))
    assert tuple(member.name for member in model.spec.members) == names
    assert len({member.file for member in model.spec.members}) == len(names)
    assert {f["name"] for f in model.documents["training"]["families"]} >= set(names)


def test_its_one_trial_is_judged_on_the_folds_and_spared_the_look_on_a_few_races(table, monkeypatch):
    data = Data(table)
    monkeypatch.setattr("training.search.schedule._MIN_THIN_ROWS", 400)
    settings = SearchSettings(families=("field_net",), n_folds=3)
    steps = search_races(data, settings.n_folds, settings.search_rows).steps
    assert [step.is_whole_fold for step in steps] == [False, True, True, True]
    assert list(own_steps(FieldNet(), steps)) == [1, 2, 3]
    assert list(own_steps(family_named("xgboost"), steps)) == [*range(len(steps))]


def test_without_torch_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(FieldNet, "is_available", False)
    with pytest.raises(FamilyUnavailable, match=r"greyhound\[nets\]"):
        fitted(make_table(20))


def test_every_race_is_in_one_batch_with_all_its_runners():
    race = np.repeat(np.arange(50), np.random.default_rng(0).integers(2, 11, 50))
    first, size = places_of(race)
    seen = []
    for races in batches(size, 8, np.random.default_rng(1)):
        rows = rows_of(first, size, races)
        assert ((rows >= 0).sum(axis=1) == size[races]).all()
        seen.append(rows[rows >= 0])
    np.testing.assert_array_equal(np.sort(np.concatenate(seen)), np.arange(len(race)))


def test_scales_leave_out_what_never_varies_and_flag_a_pattern_once():
    rows = np.random.default_rng(0).normal(size=(500, 6)).astype(np.float32)
    rows[:, 0] = 3.0
    rows[:, 1] = np.exp(2 * rows[:, 1])
    rows[:100, 2:4] = np.nan
    rows[:, 5] = np.arange(500) % 4
    scales = learn_scales(rows, (5,))
    assert scales.amounts.tolist() == [1, 2, 3, 4]
    assert scales.is_log.tolist() == [1, 0, 0, 0]
    assert scales.flags.tolist() == [2]
    assert (scales.codes.tolist(), scales.n_codes) == ([5], (4,))


def test_families_of_fields_can_be_named_whether_they_are_installed_or_not():
    assert [family_named(family.name) for family in FIELD_FAMILIES] == list(FIELD_FAMILIES)
