"""Trainings with something left out: what is left, what it is compared with, and what a picture shows."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.quality import report_fits
from benchmarks.quality.ageing import months_since, slope
from benchmarks.quality.cost import BLEND, FAMILY, OTHER, picture
from benchmarks.quality.fits import Recipe, gap, judge_candidates, without
from benchmarks.quality.history import SPANS, recipes
from benchmarks.quality.levers import LEVERS, Lever, best_blend, left_out
from benchmarks.quality.permutation import judge_shuffled
from benchmarks.quality.races import races_with_prices
from greyhound.charts.cost import apart
from tests.training.builders import FEATURE_NAMES, make_table
from training.data.splits import split_by_time
from training.report.ageing import DAYS_A_MONTH
from training.search.settings import SearchSettings

FAMILIES = ("logistic_regression", "xgboost")


def make_recipe(**options) -> Recipe:
    recipe = Recipe(
        families=FAMILIES,
        features=FEATURE_NAMES,
        run_features=(),
        search=SearchSettings(families=FAMILIES, n_trials=1, n_jobs=1),
        from_day=dt.date(2025, 4, 1),
        until=dt.date(2025, 6, 30),
    )
    return replace(recipe, **options)


@pytest.fixture(scope="module")
def split():
    table = make_table(400, 8)
    return split_by_time(replace(table, rated_probability=table.market_probability))


def test_a_lever_takes_its_families_and_inputs_away_and_nothing_else():
    names = ("box", "market_rating", "market_debut_by_name")
    recipe = make_recipe(families=("xgboost", "field_net"), features=names, run_features=("run_1_won",))
    by_name = {lever.name: left_out(lever, recipe) for lever in LEVERS}
    assert by_name["net"].families == ("xgboost",)
    assert by_name["net"].run_features == (), "nothing else reads single runs"
    assert by_name["runs"].run_features == ()
    assert by_name["runs"].features == names
    assert not by_name["settled"].has_settled_levels
    assert by_name["settled"].features == names
    assert by_name["words"].features == names[:2]
    assert by_name["memory"] is None, "a training without any of it tells nothing of it"
    assert left_out(Lever("all", "", families=("xgboost", "field_net")), recipe) is None


def test_every_candidate_is_judged_race_by_race_and_beside_the_market(split):
    result = judge_candidates(split, make_recipe(), has_cost=True)
    candidates = {*FAMILIES, "ensemble"}
    assert set(result["losses"]) == candidates | {"market", "uniform"}
    assert set(result["seconds"]) == set(result["card_ms"]) == candidates
    assert all(0 < ms < 50 for ms in result["card_ms"].values())
    assert result["races"] == len(result["days"]) == len(result["losses"]["market"]["realised"])
    assert best_blend(result) == "ensemble"
    blind = judge_candidates(split, without(make_recipe(), ()))
    assert gap(result, blind, "ensemble")["expected"] == [0, 0, 0], "the same training has the same losses"
    for name in candidates:
        of_all, of_uniform = (np.mean(result["losses"][each]["expected"]) for each in (name, "uniform"))
        assert np.mean(result["losses"]["market"]["expected"]) < of_all < of_uniform


def test_shuffled_targets_teach_nothing_and_a_feature_that_knows_them_is_found_out(split):
    found = judge_shuffled(split, make_recipe())
    assert found["teaches_nothing"]
    assert found["races"] == len(races_with_prices(split.test).days())
    page = report_fits.permutation(found | {"days": "2025"})
    assert "none is clearly below it" in page


def test_less_history_is_learnt_from_only_where_there_is_more():
    recipe = make_recipe(from_day=dt.date(2026, 1, 1))
    found = recipes(recipe, dt.date(2025, 2, 1))
    assert list(found) == ["3 months", "6 months"]
    assert found["3 months"].start == dt.date(2025, 10, 2)
    assert list(recipes(recipe, dt.date(2020, 1, 1))) == list(SPANS)


def test_a_gap_that_grows_by_the_month_is_found_month_by_month():
    first = np.datetime64("2025-07-01")
    days = first + np.repeat(np.arange(182), 3)
    month = months_since(days, first)
    assert month.tolist() == sorted(month.tolist())
    assert (month[0], month[-1]) == (0, 5)
    found = slope(0.1 + 0.01 * ((days - first) / np.timedelta64(1, "D") / DAYS_A_MONTH), days)
    assert found[0] == pytest.approx(0.01)
    assert found[1] < 0.01 < found[2]


def test_names_beside_a_picture_stand_apart_in_the_order_of_their_points():
    assert apart([1.0, 2.0, 3.0], 0.5) == [1, 2, 3]
    moved = apart([1.0, 1.0, 1.1, 3.0], 0.5)
    assert np.diff(np.sort(moved)).min() == pytest.approx(0.5)
    assert np.mean(moved[:3]) == pytest.approx(np.mean([1.0, 1.0, 1.1]))
    assert moved[3] == 3
    assert sorted(apart([2.0, 1.0], 5), reverse=True) == apart([2.0, 1.0], 5)


def test_a_picture_has_every_point_whose_cost_is_known_and_the_page_every_figure():
    def point(name, kind, loss, seconds, card_ms):
        band = [loss, loss - 0.01, loss + 0.01]
        return {"name": name, "kind": kind, "realised": band, "expected": band} | {
            "seconds": seconds,
            "card_ms": card_ms,
        }

    points = [
        point("XGBoost", FAMILY, 1.55, 30.0, 0.02),
        point("Ensemble", BLEND, 1.54, 300.0, 0.2),
        point("TabM", OTHER, 1.56, 500.0, None),
    ]
    assert [row["name"] for row in picture(points, "card_ms")["datasets"]["points"]] == [
        "XGBoost",
        "Ensemble",
    ]
    assert {row["kind"] for row in picture(points, "seconds")["datasets"]["points"]} == {FAMILY, BLEND, OTHER}
    page = report_fits.cost(
        {
            "races": 9,
            "days": "2025",
            "learnt": 1000,
            "points": points,
            "missing": {"AutoGluon": "pip could not install it"},
            "pictures": {"Loss": "loss.svg"},
        }
    )
    assert "| TabM | 1.5600 ± 0.0051 | 1.5600 ± 0.0051 | 500 |  |" in page
    assert "Not measured: AutoGluon: pip could not install it" in page
