"""`--knows prices-10m`: learns from the races with a price of each runner before the off, judged on those."""

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, text

from greyhound.scoring import score_races
from model_registry.artifact import load_artifact
from racing.features import race_table
from tests.model_registry.empty import empty_registry_in
from tests.racing.seasons import LAST_DAY, make_season
from training.data.whole_races import rows_with_prices_before_off
from training.errors import TrainingSetTooSmall
from training.evaluation.evaluation import EARLY, MARKET, MODEL
from training.evaluation.monotone import check_last_run
from training.pipeline import TrainSettings, train
from training.search.settings import SearchSettings

SEARCH = SearchSettings(families=("logistic_regression",), n_trials=1, n_jobs=1)
SETTINGS = TrainSettings(feature_scope="prices-10m", search=SEARCH)


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A season of which every fourth race lacks the price of one runner."""
    engine = make_season(tmp_path_factory.mktemp("season"), n_races=800, with_prices=True)
    one_of_each = "select min(dog_id) from runnerprice p where p.race_key = runnerprice.race_key"
    every_fourth = "select source_key from race where id % 4 = 0"
    with engine.begin() as connection:
        connection.execute(
            text(f"delete from runnerprice where race_key in ({every_fourth}) and dog_id = ({one_of_each})")
        )
    return engine


def test_it_learns_from_the_races_that_have_the_prices_and_is_held_against_them(
    season: Engine, tmp_path: Path
) -> None:
    table = race_table(season)
    rows = rows_with_prices_before_off(table)
    n_priced, n_races = len(np.unique(table.race_id[rows])), len(np.unique(table.race_id))
    assert n_races == 800
    assert 0.7 < n_priced / n_races < 0.8
    registry = empty_registry_in(tmp_path)
    trained = train(season, registry, SETTINGS)
    assert trained.summary["learnt"]["races"] == n_priced
    beside = trained.evaluation.beside_market
    assert beside is not None
    assert {EARLY, MARKET, MODEL} <= {row.name for row in beside.rows}
    assert beside[MARKET].race_log_loss < beside[MODEL].race_log_loss
    page = trained.report.read_text(encoding="utf-8")
    assert "the market&#39;s prices of the race itself ten minutes before the off" in page

    model = load_artifact(registry.fetch(trained.version))
    assert "price_10m_log_share" in model.spec.features
    assert "rated_log_share" not in model.spec.features
    scored = score_races(season, model, start=table.date.min().item(), until=LAST_DAY)
    np.testing.assert_array_equal(scored.table.race_id, table.race_id[rows])
    found = check_last_run(model, season, start=table.date.min().item(), until=LAST_DAY)
    assert found.n_races <= n_priced


def test_without_such_prices_there_is_nothing_to_learn_from_or_to_judge(tmp_path: Path) -> None:
    engine = make_season(tmp_path, n_races=60)
    with pytest.raises(TrainingSetTooSmall, match="of 60 races none has a price of each runner ten minutes"):
        train(engine, empty_registry_in(tmp_path / "registry"), SETTINGS)
