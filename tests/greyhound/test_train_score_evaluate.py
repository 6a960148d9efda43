"""Train, score and evaluate as a person runs them, on a simulated season."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from greyhound.cli import main
from tests.forkserver import run_python
from tests.model_registry.empty import empty_registry_in


def greyhound(folder, *arguments):
    return run_python("from greyhound.cli import main; main()", arguments, imported="training", cwd=folder)


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    folder = tmp_path_factory.mktemp("season")
    empty_registry_in(folder / "var")
    days = ("--from", "2026-01-01", "--until", "2026-06-30")
    assert greyhound(folder, "simulate", "--races", "900", "--seed", "3", *days).returncode == 0
    trained = greyhound(
        folder, "train", "--families", "logistic_regression", "--trials", "1", "--force", "--json"
    )
    assert trained.returncode == 0, trained.stderr
    training = json.loads(trained.stdout)
    assert training["is_promoted"]
    assert training["report"] == str(folder / "var/reports/version-1.html")
    assert "promoted" in Path(training["report"]).read_text(encoding="utf-8").lower()
    return folder


def test_score_writes_every_runner_with_probabilities_that_sum_to_one(season):
    found = greyhound(season, "score", "--from", "2026-06-01", "--to", "2026-06-10", "--output", "out.csv")
    assert found.returncode == 0, found.stderr
    lines = (season / "out.csv").read_text().splitlines()
    columns = "race_id,date,track,race_number,distance_m,runner,box,win_probability,model_version"
    assert lines[0] == columns
    rows = list(csv.DictReader(lines))
    sums = {}
    for row in rows:
        sums[row["race_id"]] = sums.get(row["race_id"], 0) + float(row["win_probability"])
    assert list(sums.values()) == pytest.approx([1] * len(sums))
    assert [path.name for path in season.iterdir() if path.name.startswith(".")] == []


def test_months_of_features_are_scored_to_the_very_probabilities_of_stored_races(season, monkeypatch):
    monkeypatch.chdir(season)

    def run(*arguments):
        found = CliRunner().invoke(main, [*arguments, "--json"])
        assert found.exit_code == 0, found.output
        return json.loads(found.stdout)

    exported = run("export", "features", "--from", "2026-05-01", "--out", "features")
    scored = run("score", "--features", "features", "--output", "scored")
    assert (scored["months"], scored["runners"]) == (2, exported["runners"])
    run("score", "--from", "2026-05-01", "--to", "2026-06-30", "--output", "all.parquet")
    paths = sorted((season / "scored").glob("month=*/*.parquet"))
    assert [path.parent.name for path in paths] == ["month=2026-05", "month=2026-06"]
    months = pa.concat_tables([pq.ParquetFile(path).read() for path in paths])
    expected = pq.ParquetFile(season / "all.parquet").read()
    for name in ("race_id", "win_probability"):
        np.testing.assert_array_equal(months[name].to_numpy(), expected[name].to_numpy())
    assert not list(season.rglob(".*.parquet-*"))


def test_evaluate_puts_the_model_beside_the_market_and_warns_of_days_it_learnt_from(season):
    found = greyhound(season, "evaluate", "--from", "2026-01-01", "--to", "2026-06-30", "--json")
    document = json.loads(found.stdout)
    names = {row["name"] for row in document["beside_market"]["rows"]}
    assert {"model", "uniform", "box only", "rated price", "market (BSP/SP)"} <= names
    (warning,) = document["warnings"]
    assert "learnt from races of" in warning
    last = warning.partition(" to ")[2][:10]
    judged = greyhound(
        season, "evaluate", "--from", last, "--to", "2026-06-30", "--model", "1:judged", "--json"
    )
    as_judged = json.loads(judged.stdout)
    assert (as_judged["is_judged"], as_judged["warnings"]) == (True, [])
    strange = greyhound(season, "evaluate", "--from", last, "--to", last, "--model", "1:judge")
    assert (strange.returncode, "may end in :judged, got '1:judge'" in strange.stderr) == (4, True)


def test_evaluate_says_of_how_many_dogs_a_better_last_run_makes_the_odds_shrink(season):
    days = ("--from", "2026-06-20", "--to", "2026-06-30", "--last-run")
    found = json.loads(greyhound(season, "evaluate", *days, "--json").stdout)["last_run"]
    assert found["n_races"] > 10
    assert found["median_odds_ratio"] > 1
    assert 0 <= found["share_much_worse"] <= found["share_worse"] < 0.5
    reported = greyhound(season, "evaluate", *days).stdout
    assert f"one dog of each of {found['n_races']} races" in reported
    assert reported.count(" -> ") == len(found["worst"])


def test_evaluate_by_slices_tells_every_slicing_requested_and_the_places(season):
    days = ("--from", "2026-06-01", "--to", "2026-06-30")
    found = greyhound(season, "evaluate", *days, "--by", "state,field", "--by", "favourites", "--json")
    document = json.loads(found.stdout)
    assert list(document["slices"]) == ["state", "field", "favourites"]
    states = {part["name"]: part for part in document["slices"]["state"]}
    assert sum(part["n_races"] for part in states.values()) == document["n_races"]
    assert {"ece", "ece_by_chance", "slope", "has_trend", "losses"} <= states["SIM-W"].keys()
    places = {row["name"]: row["log_loss"] for row in document["places"]["rows"]}
    assert places["place market (BSP)"] < places["uniform"]
    bets = {bet["bet"]: {row["name"]: row["log_loss"] for row in bet["rows"]} for bet in document["bets"]}
    assert list(bets) == ["exacta", "quinella", "trifecta", "first_four"]
    assert all(losses["model, discounts fitted"] < losses["uniform"] for losses in bets.values())
    reported = greyhound(season, "evaluate", *days, "--by", "all").stdout
    assert "Exacta by probability" in reported
    assert all(f"By {name}: " in reported for name in ("favourites", "state", "track", "layoff", "week"))
    assert "place market (BSP)" in reported


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("score", "--from", "2026-06-10", "--to", "2026-06-01", "--output", "x.csv"), 2, "--to"),
        (("score", "--from", "2026-06-01", "--to", "2026-06-02", "--output", "x.txt"), 2, ".parquet"),
        (("evaluate", "--from", "2030-01-01", "--to", "2030-01-02"), 4, "no race"),
        (("evaluate", "--from", "2026-06-01", "--to", "2026-06-02", "--model", "99"), 4, "version 99"),
        (("evaluate", "--from", "2026-06-01", "--to", "2026-06-02", "--by", "weather"), 2, "weather"),
        (("train", "--families", "magic"), 2, "magic"),
        (("train", "--until", "2026-01-03"), 4, "needs"),
        (("train", "--from", "2026-02-01", "--until", "2026-01-01"), 2, "in this order"),
    ],
)
def test_what_cannot_be_done_is_reported_in_one_line(season, arguments, code, message, monkeypatch):
    monkeypatch.chdir(season)
    found = CliRunner().invoke(main, arguments)  # a process imports for seconds what this one has already
    assert found.exit_code == code
    assert message in found.stderr
    assert "Traceback" not in found.stderr
    *stages, error = found.stderr.splitlines()
    assert error.startswith("greyhound: ")
    assert all(stage.startswith("Features: ") for stage in stages), stages
