"""What the figures of benchmarks/quality mean: which races are judged, which targets hold, what is stored."""

import datetime as dt
from collections import Counter

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.quality.__main__ import PARTS, main
from benchmarks.quality.ablation import ALL, CARD_ALONE, subsets
from benchmarks.quality.bets import fit_order_discounts
from benchmarks.quality.goals import FIRST_SLICE, LEVELS, MARKET, RATED, UNIFORM, level_on, lines
from benchmarks.quality.pieces import CARD, form_columns, partitions, parts_before, quick_model
from benchmarks.quality.races import by_week, drift_by_week, races_partly_known, races_with_prices
from benchmarks.quality.report import markdown
from benchmarks.quality.retrain import weeks
from benchmarks.quality.step_cache import StepCache, StepFailed
from benchmarks.quality.truth import covered
from racing.finish_orders import with_fourth
from racing.metrics import race_log_loss
from tests.training.builders import TRUE_DISCOUNTS, make_finished, make_table
from training.evaluation.bets import judge_bets


def counting(calls, result):
    def work():
        calls.append(1)
        return result

    return work


def test_a_finished_step_is_found_again_by_a_later_run(tmp_path):
    calls = []
    for _ in range(2):
        found = StepCache(tmp_path).step("form", counting(calls, {"loss": 1.5}), settings={"days": "July"})
        assert found == {"loss": 1.5}
    assert len(calls) == 1


def test_a_step_that_failed_is_tried_again(tmp_path):
    def fail():
        raise StepFailed("no")

    with pytest.raises(StepFailed):
        StepCache(tmp_path).step("form", fail, settings={})
    assert StepCache(tmp_path).step("form", lambda: {"loss": 1.5}, settings={}) == {"loss": 1.5}


def test_a_result_of_other_settings_is_never_overwritten_without_again(tmp_path):
    StepCache(tmp_path).step("form", lambda: {"loss": 1.5}, settings={"days": "July"})
    with pytest.raises(StepFailed, match="July there, August wanted"):
        StepCache(tmp_path).step("form", lambda: {"loss": 1.4}, settings={"days": "August"})
    assert StepCache(tmp_path).result("form") == {"loss": 1.5}


def test_again_redoes_the_steps_of_the_chosen_part_once(tmp_path):
    names = ("train-form", "form", "ablation/all")
    for name in names:
        StepCache(tmp_path).step(name, dict, settings={"days": "July"})
    calls = []
    steps = StepCache(tmp_path, again=["form"])
    for name in (*names, *names):
        steps.step(name, counting(calls, {}), settings={"days": "July"})
    assert len(calls) == 2


def test_a_changed_input_redoes_a_step_and_every_look_is_counted(tmp_path):
    for digest in ("a", "a", "b"):
        StepCache(tmp_path).step("form", dict, settings={}, inputs={"model": digest}, test_days_used="2026")
    assert StepCache(tmp_path).test_uses() == {"form on 2026": 2}


def test_races_are_judged_whole_with_one_winner_and_every_price():
    table = make_table(6, 5)
    rated = table.market_probability.copy()
    rated[0] = np.nan
    won, is_whole, market = table.won.copy(), table.is_whole.copy(), table.market_probability.copy()
    won[5:10] = False
    won[10:12] = True
    is_whole[15:20] = False
    market[20] = np.nan
    table = make_table(6, 5, rated_probability=rated, won=won, is_whole=is_whole, market_probability=market)
    assert np.flatnonzero(races_with_prices(table).rows).tolist() == list(range(25, 30))


def test_races_partly_known_are_judged_where_enough_runners_the_winner_and_all_prices_are():
    market = make_table(3, 5).market_probability.copy()
    market[3] = np.nan
    table = make_table(3, 5, is_whole=np.zeros(15, bool), market_probability=market)
    races = races_partly_known(table.take(np.arange(15) != 9), n_runners=5)
    assert np.flatnonzero(races.rows).tolist() == list(range(9, 14))
    assert races.losses(races.table.market_probability).shape == (1,)
    assert races.days().tolist() == [table.date[-1].item()]


def test_a_gap_that_grows_with_the_models_age_is_found_week_by_week():
    days = np.datetime64("2025-10-01") + np.repeat(np.arange(28), 10)
    ended = np.datetime64("2025-09-30")
    gap = 0.1 + 0.02 * ((days - ended) / np.timedelta64(7, "D"))
    found = by_week(gap, days, ended)
    assert [(week.week, week.n_races) for week in found] == [(0, 70), (1, 70), (2, 70), (3, 70)]
    assert np.diff([week.gap.difference for week in found]) == pytest.approx([0.02] * 3)
    assert drift_by_week(gap, days).difference == pytest.approx(0.02)


def test_weeks_hold_every_day_once():
    first, last = dt.date(2025, 10, 1), dt.date(2025, 12, 31)
    days = [
        start + dt.timedelta(days=i)
        for start, end in weeks(first, last)
        for i in range((end - start).days + 1)
    ]
    assert days == [first + dt.timedelta(days=i) for i in range(92)]


def test_every_feature_of_the_form_model_is_in_one_group_and_one_topic():
    for parts in partitions().values():
        assert Counter(column for columns in parts.values() for column in columns) == Counter(form_columns())


def test_a_part_is_left_out_whole_and_added_to_the_whole_card():
    card, form, price = (0, 1), (2, 3), (1, 3)
    fits = subsets({"group": {CARD: card, "form": form}, "topic": {"box": (0, 2), "price": price}})
    assert fits[ALL][0] == (0, 1, 2, 3)
    assert fits[CARD_ALONE][0] == card
    assert fits["without topic price"] == ((0, 2), ALL)
    assert fits["card and topic price"] == ((0, 1, 3), CARD_ALONE)
    assert "card and group card" not in fits


def test_the_quick_model_learns_before_a_day_and_tells_winners_after_it():
    table = make_table(500, 6)
    split = parts_before(table, dt.date(2025, 3, 20))
    model = quick_model(split, [0, 1, 2])
    p = model(split.test)
    uniform = np.full(len(p), 1 / 6)
    assert race_log_loss(p, split.test.won, split.test.race) < race_log_loss(
        uniform, split.test.won, split.test.race
    )
    assert np.bincount(split.test.race, p) == pytest.approx(1)


def estimate(value, error=0.01):
    width = 1.96 * error
    return {
        "realised": [value, value - width, value + width],
        "expected": [value, value - width / 4, value + width / 4],
    }


def slice_of(slicing, name, *, is_good=True, model=0.4, rated=0.41):
    losses = {"model": model, RATED: rated, MARKET: 0.36}
    return {
        "slicing": slicing,
        "name": name,
        "is_of_races": slicing == "field",
        "n_races": 10,
        "n_runners": 80,
        "n_compared": 10,
        "losses": losses,
        "levels": {source: estimate(loss) for source, loss in losses.items()},
        "gaps": {source: estimate(model - losses[source], 0.004) for source in (RATED, MARKET)},
        "ece": 0.02,
        "ece_by_chance": 0.01,
        "ece_verdict": "good" if is_good else "off",
        "has_trend": not is_good,
        "is_calibrated": is_good,
        "slope": [None, None, None],
    }


def model_result(level, *, uniform=1.9459, market=1.4652, rated_gap=-0.01, first_starters=0.4):
    gaps = {"model": 0.0, UNIFORM: level - uniform, RATED: rated_gap, MARKET: level - market}
    return {
        "races": 100,
        "command": "greyhound train",
        "level": [level, level - 0.02, level + 0.02],
        "expected_level": [level + 0.001, level - 0.004, level + 0.006],
        "estimates": {
            "levels": {name: estimate(level - gap) for name, gap in gaps.items()},
            "gaps": {name: estimate(gap) for name, gap in gaps.items() if name != "model"},
        },
        "rows": {
            name: {
                "race_log_loss": level - gap,
                "ece": 0.01,
                "top_pick_rate": 0.4,
                "model_minus_this": [gap, gap - 0.01, gap + 0.01],
            }
            for name, gap in gaps.items()
        },
        "ece_by_chance": 0.01,
        "slices": [
            slice_of("field", "8 runners", is_good=False),
            slice_of(*FIRST_SLICE, model=first_starters, rated=0.44),
        ],
        "places": None,
        "train": {
            "seconds": 60.0,
            "fit_seconds": 50.0,
            "peak_mb": 900.0,
            "resumed": False,
            "commit": "0123456789abcdef",
            "gates_passed": True,
        },
        "with_market": {"minus_market": [0.0002, -0.0001, 0.0005]},
        "ageing": {
            "training_ended": "2025-12-31",
            "weeks": [],
            "drift_by_week": [0.0, -0.1, 0.1],
            "expected_drift_by_week": [0.0, -0.1, 0.1],
        },
    }


def test_a_target_stands_for_the_same_share_of_the_markets_information_on_other_races():
    assert level_on(1.54, 1.9459, 1.4652) == pytest.approx(1.54)
    assert level_on(1.4652, 1.962, 1.4797) == pytest.approx(1.4797)
    result = model_result(1.551, uniform=1.962, market=1.4797)
    form = lines({"form": result}, is_reference=False)[0]
    assert form.to_reach.is_reached
    assert not lines({"form": result}, is_reference=True)[0].to_reach.is_reached


@pytest.mark.parametrize(
    ("name", "level", "reached", "beyond"),
    [
        *((name, target, True, False) for name, (target, _) in LEVELS.items()),
        *((name, target + 0.001, False, False) for name, (target, _) in LEVELS.items()),
        *((name, better, True, True) for name, (_, better) in LEVELS.items()),
    ],
)
def test_a_level_is_reached_at_its_target_and_not_above(name, level, reached, beyond):
    line = lines({name: model_result(level)}, is_reference=True)[0]
    assert (line.to_reach.is_reached, line.beyond.is_reached) == (reached, beyond)


@pytest.mark.parametrize(
    ("loss", "reached", "beyond"),
    [(0.439, False, False), (0.4385, False, False), (0.437, True, False), (0.43, True, True)],
)
def test_first_starters_are_held_against_the_rated_price_of_the_same_runners(loss, reached, beyond):
    result = model_result(1.55, first_starters=loss)
    (line,) = (one for one in lines({"form": result}, is_reference=True) if "first starters" in one.model)
    assert (line.to_reach.is_reached, line.beyond.is_reached) == (reached, beyond)
    assert line.to_reach.expected is not None


def test_one_slice_that_is_off_is_one_too_many():
    result = model_result(1.55)
    (line,) = (one for one in lines({"form": result}, is_reference=True) if "calibration" in one.model)
    assert (line.to_reach.value, line.to_reach.wanted) == (1, "none of 1")
    assert not line.to_reach.is_reached
    result["slices"][0] = slice_of("field", "8 runners")
    (line,) = (one for one in lines({"form": result}, is_reference=True) if "calibration" in one.model)
    assert line.to_reach.is_reached
    assert line.beyond.is_reached


@pytest.mark.parametrize(
    ("way", "reached", "beyond"), [(0.77, False, False), (0.8, True, False), (0.82, True, True)]
)
def test_a_simulated_season_is_held_against_its_truth(way, reached, beyond):
    found = {"races": 9, "command": "greyhound train", "covered_interval": [way, way - 0.1, way + 0.1]}
    (line,) = lines({"truth": found | {"expected_covered_interval": [way, way, way]}}, is_reference=True)
    assert (line.to_reach.is_reached, line.beyond.is_reached) == (reached, beyond)


def test_form_guides_go_beyond_where_the_combination_is_far_enough_below_the_starting_price():
    found = {"races": 9, "command": "greyhound train", "minus_market": [0.021, 0, 0.04]}
    (line,) = lines({"guides": found | {"combined_minus_market": [-0.024, -0.03, -0.01]}}, is_reference=True)
    assert not line.to_reach.is_reached
    assert not line.beyond.is_reached
    found["minus_market"] = [0.02, 0, 0.04]
    (line,) = lines({"guides": found | {"combined_minus_market": [-0.025, -0.03, -0.01]}}, is_reference=True)
    assert line.to_reach.is_reached
    assert line.beyond.is_reached


@pytest.mark.parametrize(
    ("gap", "reached", "beyond"),
    [
        ([0.0004, 0, 0.001], False, False),
        ([-0.001, -0.002, 0.0], True, False),
        ([-0.001, -0.002, -1e-6], True, True),
    ],
)
def test_with_the_market_beyond_needs_an_interval_clear_of_zero(gap, reached, beyond):
    result = model_result(1.55) | {"with_market": {"minus_market": gap}}
    line = lines({"form": result}, is_reference=True)[1]
    assert (line.to_reach.is_reached, line.beyond.is_reached) == (reached, beyond)


@pytest.mark.parametrize(("seconds", "beyond"), [(60.0, True), (61.0, False)])
def test_ahead_of_autogluon_in_a_tenth_of_its_time(seconds, beyond):
    fit = {"version": "1", "time_limit_s": 600.0, "presets": "good_quality"}
    found = {
        "races": 100,
        "autogluon": fit,
        "ours_minus_theirs": [-0.01, -0.02, -0.001],
        "quick_minus_theirs": [-0.01, -0.02, -0.001],
        "seconds": {"form": 900.0, "form, quick": seconds, "AutoGluon": 600.0},
        "commands": {"form, quick": "greyhound train"},
    }
    (line,) = lines({"autogluon": found}, is_reference=True)
    assert line.to_reach.is_reached
    assert line.beyond.is_reached is beyond


def test_the_page_tells_figures_verdicts_faults_and_what_is_missing():
    results = {"form": model_result(1.538)}
    table = lines(results, is_reference=True)
    page = markdown(table, results, command="python", notes=["A note."], failures={"rated": "it failed"})
    assert "| race log loss 1.5380 ± 0.0102 | 1.5390 ± 0.0026 |" in page
    assert "at most 1.540: **reached**" in page
    assert "at most 1.536: not reached" in page
    assert "-0.0400 ± 0.0040 | -0.0400 ± 0.0010" in page, "first starters beside the rated price"
    assert "ECE and trend" in page
    assert "**Not measured: rated.** it failed" in page
    for line in page.splitlines():
        if line.startswith("|"):
            assert line.endswith("|")


def test_without_the_data_the_benchmark_skips_and_says_so(tmp_path):
    found = CliRunner().invoke(main, ["--data", str(tmp_path / "absent"), "--output", str(tmp_path / "out")])
    assert found.exit_code == 0
    assert "skipped" in found.stderr
    assert not (tmp_path / "out").exists()


def test_an_unknown_part_is_refused_with_those_there_are():
    found = CliRunner().invoke(main, ["--only", "form,magic"])
    assert found.exit_code == 2
    assert all(name in found.stderr for name in PARTS)


def test_the_truth_covers_all_of_the_way_to_itself_and_a_uniform_guess_none():
    losses = {"uniform": 2.0, "true probability": 1.5, "model": 1.6}
    assert covered(losses) == pytest.approx(0.8)
    assert covered(losses | {"model": 1.5}) == 1
    assert covered(losses | {"model": 2.0}) == 0


def test_discounts_that_orders_were_drawn_by_are_found_on_them() -> None:
    table = make_finished(6000)
    found, n_races = fit_order_discounts(table, table.true_probability)
    assert found == pytest.approx(with_fourth(TRUE_DISCOUNTS), abs=0.06)
    assert n_races == 6000


def test_the_page_has_each_bet_with_its_losses_and_how_often_exactas_paid():
    table = make_finished(300)
    found = judge_bets(table, table.true_probability, TRUE_DISCOUNTS)
    gap = {"n_races": 300, "fitted_minus_model": [-0.001, -0.003, 0.001]}
    fitted = {"n_races": 200, "until": "2025-06-30", "model": [1, 0.6], "fitted": [1, 0.65]}
    result = {
        "bets": [bet.as_json() for bet in found],
        "fitted_on_orders": fitted | {"bets": {"exacta": gap}},
    }
    page = markdown([], {"bets": result}, command="python", notes=[], failures={})
    assert f"| trifecta | 300 | uniform | {np.log(336):.4f} ± 0.0000 |" in page
    assert "fitted on the orders of 200 races to 2025-06-30: 1.000, 0.650" in page
    assert "| exacta | 300 | -0.0010 [-0.0030, +0.0010] |" in page
