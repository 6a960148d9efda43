"""What travels with a model says where it comes from."""

from dataclasses import replace

import numpy as np
import pytest

from racing.monitor.input_counts import bins_of
from tests.training.builders import FEATURE_NAMES, make_table
from training.export.documents import data_hash, git_commit, golden_rows, reference, window


@pytest.mark.parametrize("field", [*make_table(2).arrays(), "run_features"])
def test_the_data_hash_changes_with_any_value_of_any_column(field):
    runs = np.arange(5 * 6 * 2, dtype=np.float32).reshape(30, 2)
    table = make_table(5, run_features=runs)
    column = getattr(table, field).copy()
    match field:
        case "won" | "is_whole":
            column[-1] = ~column[-1]
        case "date":
            column[-1] += np.timedelta64(1, "D")
        case _:
            column.flat[-1] = 77
    assert data_hash(table) == data_hash(make_table(5, run_features=runs)) != data_hash(make_table(5))
    assert data_hash(replace(table, **{field: column})) != data_hash(table)


def test_the_commit_is_never_empty(monkeypatch):
    assert git_commit()
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("GREYHOUND_COMMIT", "abc123")
    assert git_commit() == "abc123"
    monkeypatch.delenv("GREYHOUND_COMMIT")
    assert git_commit().startswith("v")


def test_reference_shares_sum_to_one_beside_the_unknown():
    table = make_table(100)
    described = reference(table.features, FEATURE_NAMES, table.true_probability)
    assert described["features"].keys() == set(FEATURE_NAMES)
    for distribution in described["features"].values():
        assert sum(distribution["shares"]) == pytest.approx(1)
        assert len(distribution["shares"]) == len(distribution["edges"]) + 1
    assert described["features"]["feature_2"]["share_unknown"] == pytest.approx(
        np.isnan(table.features[:, 2]).mean()
    )
    empty = reference(np.full((5, 1), np.nan, np.float32), ["nothing"], table.true_probability)
    assert empty["features"]["nothing"] == {"share_unknown": 1}


def test_reference_says_how_far_single_days_after_the_training_lay_from_it():
    table, later = make_table(100), make_table(200, races_a_day=10)
    described = reference(table.features, FEATURE_NAMES, later.true_probability, later=later)
    days = described["days"]
    assert days["n"] == 20
    assert days["features"].keys() == set(FEATURE_NAMES)
    assert all(day["mean"] > 0 for day in days["features"].values())
    usual = bins_of(described, FEATURE_NAMES).usual
    assert usual is not None
    assert usual.mean[-1] == days["win_probability"]["mean"]
    few = make_table(200, races_a_day=40)
    assert "days" not in reference(table.features, FEATURE_NAMES, few.true_probability, later=few)


def test_the_golden_card_is_one_whole_race():
    table = make_table(20, n_runners=7)
    rows = golden_rows(table)
    assert len(rows) == 7
    assert set(table.race_id[rows]) == {119}


def test_a_window_names_first_and_last_day():
    found = window(make_table(10, races_a_day=5))
    assert found == {
        "from": "2025-01-01",
        "until": "2025-01-02",
        "races": 10,
        "other_races": 0,
        "runners": 60,
        "winners": 10,
    }


def test_a_window_counts_races_known_in_part_and_dead_heats_apart_from_whole_races_with_one_winner():
    table = make_table(10)
    table.is_whole[:12] = False
    table.won[12:18] = False
    table.won[12:14] = True
    found = window(table)
    assert (found["races"], found["other_races"], found["runners"]) == (7, 3, 60)
