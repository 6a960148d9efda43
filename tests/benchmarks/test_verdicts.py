"""The experiments of benchmarks/verdicts: no difference where there is to be none, and tables at the end."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.verdicts.__main__ import main
from benchmarks.verdicts.looks import first_time, without_difference, z_test_alarms
from benchmarks.verdicts.pools import (
    NEARLY_THE_SAME,
    pools_of,
    real_races,
    simulated_races,
    with_calibrated_market,
)

BETFAIR = Path(__file__).parents[3] / "shared" / "data" / "betfair"


@pytest.fixture(scope="module")
def season():
    return simulated_races(1500, np.random.default_rng(0))


def standard_errors(values, mean):
    return abs(values.mean() - mean) / (values.std() / np.sqrt(len(values)))


def test_experiments_have_the_mean_gain_that_they_are_to_have(season):
    for pool in pools_of(with_calibrated_market(season), np.random.default_rng(1)):
        for gain in (0.0, 0.01):
            drawn = pool.draw(60_000, np.random.default_rng(2), gain)
            # a pair that differs in each 20th race gains in those alone
            mean = gain * pool.is_informative.mean()
            assert standard_errors(drawn.by_outcome, mean) < 4.5, pool.name
            assert standard_errors(drawn.by_market, mean) < 4.5, pool.name


def test_a_split_has_the_gain_between_its_arms(season):
    pool = next(pools_of(season, np.random.default_rng(1)))
    is_champion, scores = pool.draw_split(60_000, 0.3, np.random.default_rng(3), 0.01)
    assert (~is_champion).mean() == pytest.approx(0.3, abs=0.01)
    assert standard_errors(scores.by_market[is_champion], 0.0) < 4.5
    assert standard_errors(scores.by_market[~is_champion], -0.01) < 4.5


def test_the_markets_bias_is_known_where_the_truth_is(season):
    calibrated = {
        pool.name: pool for pool in pools_of(with_calibrated_market(season), np.random.default_rng(1))
    }
    biased = {pool.name: pool for pool in pools_of(season, np.random.default_rng(1))}
    assert all(abs(pool.bias()) < 1e-9 for pool in calibrated.values())
    assert biased["the market itself"].bias() > 0.01  # it takes its own noise for knowledge
    assert abs(biased[NEARLY_THE_SAME].bias()) < 0.002


def test_a_z_test_looked_at_daily_alarms_more_often_than_a_verdict(season):
    pool = next(pools_of(with_calibrated_market(season), np.random.default_rng(1)))
    found = without_difference(pool, 60, 5000, 0.05, np.random.default_rng(4))
    assert found["decision"] < 0.12 < found["z daily"] <= found["z"]
    assert z_test_alarms(np.ones(100) + np.arange(100) * 1e-3, 1)


def test_the_first_decision_is_counted_in_races():
    assert first_time(np.array([0, 0, 1, 0], np.int8)) == 3
    assert first_time(np.zeros(4, np.int8)) == np.inf


def test_a_small_run_prints_its_tables(tmp_path, capsys):
    main(["--data", str(tmp_path), "--experiments", "8", "--looks", "200", "--season", "300"])
    printed = capsys.readouterr().out
    assert "simulated seasons alone: no ANZ_Greyhounds_2025_*.csv.gz in" in printed
    for title in ("Alarms without a difference", "Alarms of a split", "Races to a decision"):
        assert title in printed


@pytest.mark.parametrize("option", ["--experiments", "--looks", "--season"])
def test_what_would_never_end_is_refused(option, capsys):
    with pytest.raises(SystemExit):
        main([option, "1000000000"])
    assert "must be" in capsys.readouterr().err


@pytest.mark.skipif(not BETFAIR.is_dir(), reason=f"no {BETFAIR}: real races are not at hand")
def test_real_races_are_read_whole(tmp_path):
    one = "ANZ_Greyhounds_2025_12.csv.gz"
    (tmp_path / one).symlink_to((BETFAIR / one).resolve())
    races = real_races(tmp_path)
    starts = np.flatnonzero(np.diff(races.race, prepend=-1))
    assert len(starts) > 3000
    for p in (races.market, races.rated):
        assert np.add.reduceat(p, starts) == pytest.approx(1)
    assert (np.add.reduceat(races.won.astype(int), starts) == 1).all()
