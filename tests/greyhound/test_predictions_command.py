"""``greyhound predictions`` and ``greyhound replay`` on what a real service logged over a season."""

import csv
import datetime as dt
import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from greyhound.cli import main
from racing.database.engine import open_database
from racing.database.tables import Race
from racing.predictions.tables import PREDICTION
from tests.racing.seasons import card_of_stored_race, make_season
from tests.service.builders import make_registry, running_service, win_probabilities
from tests.service.prediction_log.builders import wait_for_rows
from tests.service.test_with_database import request_of

N_CARDS = 24
GREYHOUND = [sys.executable, "-c", "from greyhound.cli import main; main()"]


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, list[list[float]]]:
    """The addresses of a database with logged cards and of a registry, and what version 1 answered."""
    folder = tmp_path_factory.mktemp("season")
    registry = make_registry(folder, exponents=(1.0, 2.0))
    engine = make_season(folder, n_races=60)
    with engine.connect() as connection:
        race_id = Race.__table__.c.id  # type: ignore[attr-defined]
        ids = list(connection.scalars(select(race_id).order_by(race_id).limit(N_CARDS)))
    with running_service(registry, database=str(engine.url), spool=str(folder / "spool")) as service:
        answers = [service.predict(request_of(card_of_stored_race(engine, race))) for race in ids]
        assert {answer.status_code for answer in answers} == {200}
        wait_for_rows(str(engine.url), N_CARDS)
    engine.dispose()
    return str(engine.url), registry, [win_probabilities(answer).tolist() for answer in answers]


def copy_database(url: str, target: Path) -> None:
    """Copy an SQLite database whole, with what only its write-ahead log holds."""
    with (
        closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as one,
        closing(sqlite3.connect(target)) as other,
    ):
        one.backup(other)


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, list(arguments))
    assert done.exit_code == code, done.output
    return done.stdout if code == 0 else done.stderr


def requested(season: tuple[str, str, Any], *arguments: str) -> dict[str, Any]:
    reported: dict[str, Any] = json.loads(run(*arguments, "--database", season[0], "--json"))
    return reported


def replayed(season: tuple[str, str, Any], *arguments: str) -> dict[str, Any]:
    return requested(season, "replay", *arguments, "--registry", season[1])


def test_the_log_is_listed_and_a_card_shown_by_number_and_by_request_id(season: Any) -> None:
    listed = requested(season, "predictions", "list", "--limit", "5")["predictions"]
    assert len(listed) == 5
    newest = listed[0]
    for which in (str(newest["id"]), newest["request_id"]):
        assert requested(season, "predictions", "show", which) == newest
    assert sum(runner["won"] or 0 for runner in newest["runners"]) == 1
    assert newest["market_loss"] > 0
    shown = run("predictions", "show", newest["request_id"], "--database", season[0])
    assert "log loss" in shown
    reported = run("predictions", "show", "nothing", "--database", season[0], code=4)
    assert (
        reported == "greyhound: no logged prediction is 'nothing'; `greyhound predictions list` shows them\n"
    )


def test_the_score_is_that_of_the_answers(season: Any) -> None:
    reported = requested(season, "predictions", "score", "--by", "version", "--late")
    assert (reported["total"]["n_races"], [group["group"] for group in reported["groups"]]) == (
        N_CARDS,
        ["1"],
    )
    cards = requested(season, "predictions", "list", "--limit", "100")["predictions"]
    won = [next(r["win_probability"] for r in card["runners"] if r["won"]) for card in cards]
    assert reported["total"]["log_loss"] == pytest.approx(-sum(map(math.log, won)) / N_CARDS)
    assert reported["total"]["market_log_loss"] < reported["total"]["uniform_log_loss"]
    assert requested(season, "predictions", "score")["total"]["n_races"] == 0  # all were answered afterwards
    weeks = requested(season, "predictions", "score", "--late")["groups"]
    assert {dt.date.fromisoformat(week["group"]).weekday() for week in weeks} == {0}


def test_the_same_version_replayed_differs_by_nothing(season: Any) -> None:
    reported = replayed(season, "--version", "1", "--late")
    assert (reported["n_cards"], reported["n_refused"]) == (N_CARDS, 0)
    assert reported["largest_difference"] == reported["mean_absolute_difference"] == 0
    assert reported["log_loss_before"] == reported["log_loss_now"]
    assert reported["n_judged"] == N_CARDS


def test_another_version_replayed_differs_as_its_answers_do(season: Any, tmp_path: Path) -> None:
    out = tmp_path / "changes.csv"
    reported = replayed(season, "--version", "2", "--late", "--out", str(out))
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    before = [float(row["before"]) for row in rows]
    assert before == [p for answer in season[2] for p in answer]
    differences = [float(row["difference"]) for row in rows]
    assert reported["mean_absolute_difference"] == pytest.approx(sum(map(abs, differences)) / len(rows))
    assert reported["largest_difference"] == pytest.approx(max(map(abs, differences)))
    assert reported["largest_difference"] > 0.01
    assert replayed(season, "--version", "2", "--against", "2")["largest_difference"] == 0
    back = replayed(season, "--version", "1", "--against", "2", "--late")
    assert back["log_loss_now"] == pytest.approx(reported["log_loss_before"])
    assert "largest changes" in run(
        "replay", "--version", "2", "--database", season[0], "--registry", season[1]
    )


def test_a_replay_that_is_interrupted_shows_what_it_has(season: Any, tmp_path: Path) -> None:
    database = tmp_path / "many.db"
    copy_database(season[0], database)
    engine = open_database(f"sqlite:///{database}")
    columns = [column.name for column in PREDICTION.c if column.name not in ("id", "number")]
    names = ", ".join(columns)
    with engine.begin() as connection:
        for i in range(1, 9):  # 24 cards 2 ** 8 times
            copied = f"SELECT {names}, number + {N_CARDS * 2 ** (i - 1)} FROM prediction"
            connection.exec_driver_sql(f"INSERT INTO prediction ({names}, number) {copied}")
    engine.dispose()
    out = tmp_path / "changes.csv"
    command = ["replay", "--version", "2", "--database", f"sqlite:///{database}", "--registry", season[1]]
    process = subprocess.Popen(
        [*GREYHOUND, *command, "--json", "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    while not (out.exists() and out.stat().st_size > 1000):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=60)
    reported = json.loads(stdout)
    assert process.returncode == 130
    assert reported["is_interrupted"] is True
    assert 0 < reported["n_cards"] < 24 * 2**8


def test_a_version_that_is_not_there_and_an_empty_log_are_reported(season: Any, tmp_path: Path) -> None:
    options = ("--database", season[0], "--registry", season[1])
    assert "version 9" in run("replay", "--version", "9", *options, code=4)
    empty = open_database(f"sqlite:///{tmp_path / 'empty.db'}", create=True)
    empty.dispose()
    options = ("--database", str(empty.url), "--registry", season[1])
    assert run("replay", "--version", "1", *options, code=4) == "greyhound: no such prediction is logged\n"


def test_old_predictions_are_deleted_whole(season: Any, tmp_path: Path) -> None:
    database = tmp_path / "season.db"
    copy_database(season[0], database)
    of_copy = (f"sqlite:///{database}", season[1], season[2])
    today = dt.datetime.now(dt.UTC).date()
    assert requested(of_copy, "predictions", "list", "--limit", "100")["predictions"]
    assert requested(of_copy, "predictions", "prune", "--before", str(today)) == {"n_pruned": 0}
    tomorrow = today + dt.timedelta(days=2)
    assert requested(of_copy, "predictions", "prune", "--before", str(tomorrow)) == {"n_pruned": N_CARDS}
    assert requested(of_copy, "predictions", "list")["predictions"] == []
