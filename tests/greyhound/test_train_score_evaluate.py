"""Train, score and evaluate as a person runs them, on a simulated season."""

import csv
import json
import subprocess
import sys

import pytest


def greyhound(folder, *arguments):
    command = [sys.executable, "-c", "from greyhound.cli import main; main()", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    folder = tmp_path_factory.mktemp("season")
    days = ("--from", "2026-01-01", "--until", "2026-06-30")
    assert greyhound(folder, "simulate", "--races", "900", "--seed", "3", *days).returncode == 0
    trained = greyhound(
        folder, "train", "--families", "logistic_regression", "--trials", "1", "--force", "--json"
    )
    assert trained.returncode == 0, trained.stderr
    assert json.loads(trained.stdout)["is_promoted"]
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


def test_evaluate_puts_the_model_beside_the_market_and_warns_of_days_it_learnt_from(season):
    found = greyhound(season, "evaluate", "--from", "2026-01-01", "--to", "2026-06-30", "--json")
    document = json.loads(found.stdout)
    names = {row["name"] for row in document["beside_market"]["rows"]}
    assert {"model", "uniform", "box only", "rated price", "market (BSP/SP)"} <= names
    assert "learnt" in document["warnings"][0]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("score", "--from", "2026-06-10", "--to", "2026-06-01", "--output", "x.csv"), 2, "--to"),
        (("score", "--from", "2026-06-01", "--to", "2026-06-02", "--output", "x.txt"), 2, ".parquet"),
        (("evaluate", "--from", "2030-01-01", "--to", "2030-01-02"), 4, "no race"),
        (("evaluate", "--from", "2026-06-01", "--to", "2026-06-02", "--model", "99"), 4, "version 99"),
        (("train", "--families", "magic"), 2, "magic"),
        (("train", "--until", "2026-01-03"), 4, "needs"),
        (("train", "--from", "2026-02-01", "--until", "2026-01-01"), 2, "in this order"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(season, arguments, code, said):
    found = greyhound(season, *arguments)
    assert found.returncode == code
    assert said in found.stderr
    assert "Traceback" not in found.stderr
    assert found.stderr.count("\n") == 1
