"""A better last run makes a dog likelier to win; where it does not, that is found."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from model_registry.artifact import LoadedModel, load_artifact
from model_registry.artifact.spec import Member
from racing.domain.runs import Form
from racing.features import race_table
from racing.features.matrix import INPUT_NAMES
from tests.model_registry.builders import make_artifact, make_field_graph, make_graph, make_spec
from tests.racing.seasons import LAST_DAY, make_season
from training.evaluation.monotone import check_last_run, with_last_run_won

DAYS = {"start": LAST_DAY.replace(day=1)}


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return make_season(tmp_path_factory.mktemp("season"))


def model_of(folder: Path, **weights: float) -> LoadedModel:
    """A linear model of some features, or of numbers of runs too."""
    runs = [name for name in weights if name.startswith("run_")]
    graph = make_field_graph(list(weights.values()), [0.0] * len(weights)) if runs else None
    members = (Member("linear", "members/linear.onnx", 1.0, reads_field=bool(runs)),)
    spec = make_spec(features=tuple(weights), n_run_features=len(runs), members=members)
    make_artifact(folder / "model", spec=spec, graph=graph or make_graph(list(weights.values())))
    return load_artifact(folder / "model")


@pytest.mark.parametrize(
    "name", ["last_result", "win_rate", "result_rating", "run_1_won", "run_1_result_worth"]
)
def test_of_a_model_that_likes_winners_no_dog_is_worse_after_a_win(
    season: Engine, tmp_path: Path, name: str
) -> None:
    found = check_last_run(model_of(tmp_path, box=0.1, **{name: 0.5}), season, **DAYS)
    assert found.n_races > 20
    assert found.median_odds_ratio > 1.005
    assert (found.share_worse, found.share_much_worse, found.worst) == (0.0, 0.0, ())


def test_of_a_model_that_dislikes_winners_each_dog_is_and_the_worst_are_named(
    season: Engine, tmp_path: Path
) -> None:
    found = check_last_run(model_of(tmp_path, box=0.1, last_result=-0.5), season, **DAYS)
    assert found.share_much_worse == 1.0
    assert set(found.share_much_worse_by_runs.values()) == {1.0}
    assert found.median_odds_ratio < 0.9
    ratios = [moved.odds_ratio for moved in found.worst]
    assert ratios == sorted(ratios)
    assert len(ratios) == 10
    table = race_table(season, **DAYS)
    race_of = dict(zip(table.run_id.tolist(), table.race_id.tolist(), strict=True))
    assert all(race_of[moved.run_id] == moved.race_id for moved in found.worst)
    assert found.as_json()["worst"][0]["odds_ratio"] == ratios[0]


def test_one_dog_of_a_race_is_changed_and_only_what_its_last_run_tells(season: Engine) -> None:
    forms: list[Form] = []

    def changed(run_id: Any, form: Form) -> Form:
        rows = np.arange(len(run_id)) % 3 == 0
        now = with_last_run_won(form, rows)
        forms.extend((form, now))
        return now

    before = race_table(season, with_runs=True, **DAYS).inputs(len(INPUT_NAMES))
    after = race_table(season, with_runs=True, change_form=changed, **DAYS).inputs(len(INPUT_NAMES))
    then, now = forms
    moved = (then["won"] != now["won"]) & then.known
    assert moved[:, 0].any()
    assert not moved[:, 1:].any()
    assert not moved[np.arange(len(moved)) % 3 != 0].any()
    assert (now["time_s"] <= then["time_s"])[~np.isnan(then["time_s"])].all()
    assert (now["result_worth"] >= then["result_worth"])[~np.isnan(then["result_worth"])].all()
    # but for the market's performances, which the results since bring up to date
    second = [
        column
        for column, name in enumerate(INPUT_NAMES)
        if name.startswith("run_2_") and "market_worth" not in name and "field" not in name
    ]
    assert len(second) > 20
    np.testing.assert_array_equal(after[:, second], before[:, second])
