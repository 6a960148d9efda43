"""`greyhound dogs`, `tracks` and `export ratings`, and hints at names that were probably meant."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, text

from greyhound.cli import main
from greyhound.exports.rated_runners import RatedRunner
from greyhound.exports.ratings_files import FORMATS, ratings_file
from racing.importers.import_files import import_betfair
from racing.ratings import update_ratings
from tests.racing.importers.builders import BETFAIR_HEADER, betfair_row, write
from tests.racing.seasons import LAST_DAY, make_season
from tests.service.builders import make_card, make_registry

DAY = "2026-07-20"


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A season, and a race of Betfair's to come, with a scratching and a reserve in its place."""
    folder = tmp_path_factory.mktemp("season")
    engine = make_season(folder, n_races=60)
    rows = [
        betfair_row(name, rug, won="", date=DAY, market="195395420", bsp="")
        for name, rug in (("Sir Tick", 1), ("Nala's Ghost", 2), ("Late Mail", 3), ("Reserve Dog", 9))
    ]
    import_betfair(engine, [write(folder, "Iggy_Model_V2_Results_2026_07.csv", BETFAIR_HEADER, *rows)])
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE run SET is_scratched = 1 WHERE dog_id = (SELECT id FROM dog WHERE key = 'LATEMAIL')")
        )
    update_ratings(engine)
    return engine


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"))


def run(season: Engine, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--database", str(season.url)])


def export(season: Engine, registry: str, *arguments: str) -> Result:
    return run(season, "export", "ratings", "--registry", registry, *arguments)


def table(file: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file)))


def test_the_one_dog_that_is_found_is_shown_and_many_are_listed(season: Engine) -> None:
    one = run(season, "dogs", "nalas ghost")
    assert (one.exit_code, one.stderr) == (0, "")
    assert "Nala's Ghost" in one.stdout
    assert "0 starts" in one.stdout
    assert DAY in one.stdout
    many = run(season, "dogs", "a", "--limit", "3")
    assert many.exit_code == 0
    assert "There are more" in many.stdout
    document = json.loads(run(season, "dogs", "sir tick", "--json").stdout)
    assert document["dog"]["name"] == "Sir Tick"
    assert document["dog"]["runs"][0]["date"] == DAY


def test_a_misspelt_dog_or_track_is_absent_and_the_one_that_was_meant_is_named(season: Engine) -> None:
    dog = run(season, "dogs", "sri tick")
    assert (dog.exit_code, dog.stdout) == (4, "")
    assert dog.stderr == "greyhound: no dog 'sri tick' is stored (did you mean 'Sir Tick'?)\n"
    track = run(season, "tracks", "Wentwroth Park")
    assert (track.exit_code, track.stdout) == (4, "")
    assert "did you mean 'Wentworth Park'?" in track.stderr
    unknown = run(season, "tracks", "Qqqqqqqqqqqq")
    assert unknown.stderr == "greyhound: no track 'Qqqqqqqqqqqq' is known\n"


def test_tracks_are_listed_with_what_is_stored(season: Engine) -> None:
    listed = json.loads(run(season, "tracks", "--json").stdout)["tracks"]
    ballarat = next(track for track in listed if track["name"] == "Ballarat")
    assert (ballarat["country"], ballarat["last_day"]) == ("AU", DAY)
    assert "Ballarat" in run(season, "tracks", "BAL").stdout


def test_a_card_of_a_misspelt_track_is_warned_with_the_one_that_was_meant(
    season: Engine, registry: str, tmp_path: Path
) -> None:
    card = tmp_path / "card.json"
    card.write_text(json.dumps(make_card(4, date=LAST_DAY.isoformat(), track="Wentwroth Park")))
    result = run(season, "predict", str(card), "--registry", registry, "--json")
    assert result.exit_code == 0, result.stderr
    (warning,) = [one for one in json.loads(result.stdout)["warnings"] if one["code"] == "unknown_track"]
    assert warning["text"].endswith("(did you mean 'Wentworth Park'?)")
    listed = run(season, "predictions", "list", "--track", "Wentwroth Park")
    assert "did you mean 'Wentworth Park'?" in listed.stderr


def test_a_race_to_come_is_exported_without_its_scratching_and_its_reserve(
    season: Engine, registry: str, tmp_path: Path
) -> None:
    out = tmp_path / "all.csv"
    result = export(season, registry, "--date", DAY, "--format", "csv", "--out", str(out))
    assert result.exit_code == 0, result.stderr
    rows = table(out.read_text())
    assert [row["selection"] for row in rows] == ["1. Sir Tick", "2. Nala's Ghost"]
    assert {row["market_id"] for row in rows} == {"1.195395420"}
    assert sum(float(row["win_probability"]) for row in rows) == pytest.approx(1, abs=1e-5)
    for row in rows:
        assert float(row["fair_price"]) == pytest.approx(1 / float(row["win_probability"]), rel=1e-3)


def test_a_day_that_is_run_has_the_prices_that_score_gives(
    season: Engine, registry: str, tmp_path: Path
) -> None:
    out, scored = tmp_path / "all.csv", tmp_path / "scored.csv"
    day = LAST_DAY.isoformat()
    result = export(season, registry, "--date", day, "--format", "csv", "--out", str(out), "--json")
    assert result.exit_code == 0, result.stderr
    days = ["--from", day, "--to", day, "--output", str(scored), "--registry", registry]
    assert run(season, "score", *days).exit_code == 0
    expected = {
        (row["race_id"], row["runner"]): float(row["win_probability"]) for row in table(scored.read_text())
    }
    found = {(row["race_id"], row["runner"]): float(row["win_probability"]) for row in table(out.read_text())}
    assert found == pytest.approx(expected, abs=1e-6)
    assert json.loads(result.stdout)["runners"] == len(expected) > 0
    assert any("no market id" in one for one in json.loads(result.stdout)["warnings"])


def test_a_day_without_races_says_so(season: Engine, registry: str) -> None:
    result = export(season, registry, "--date", "1999-01-01", "--format", "csv")
    assert (result.exit_code, result.stdout) == (4, "")
    assert "there is no race to rate on 1999-01-01" in result.stderr


def runner(name: str = "Sir Tick", **changed: Any) -> RatedRunner:
    facts: dict[str, Any] = {
        "race_id": 7, "date": LAST_DAY, "track": "Ballarat", "race_number": 4, "distance_m": 450,
        "off_at": None, "market_id": "1.195395420", "number": 1, "box": 1, "name": name,
        "win_probability": 0.25, "place_probability": 0.6, "fair_price": 4.0, "model_version": 3,
    }  # fmt: skip
    return RatedRunner(**facts | changed)


def test_the_hubs_tutorial_finds_its_columns_in_the_betfair_format() -> None:
    """`How to Automate` renames three of the Hub's columns, and takes market and selection as the index."""
    renamed = {
        "meetings.races.bfExchangeMarketId": "market_id",
        "meetings.races.runners.bfExchangeSelectionId": "selection_id",
        "meetings.races.runners.ratedPrice": "rating",
        "meetings.races.number": "RaceNum",
        "meetings.name": "Track",
        "meetings.races.runners.name": "DogName",
    }
    (row,) = table(ratings_file("betfair", [runner()]))
    assert renamed.keys() <= row.keys()
    read = {renamed.get(name, name): value for name, value in row.items()}
    assert (read["market_id"], read["rating"], read["Track"], read["RaceNum"], read["DogName"]) == (
        "1.195395420", "4.00", "Ballarat", "4", "Sir Tick",
    )  # fmt: skip
    assert read["selection_id"] == ""  # not stored


@pytest.mark.parametrize("name", ["gruss", "betangel"])
def test_the_formulas_of_the_tutorials_find_a_runner_by_the_exchanges_name(name: str) -> None:
    """``INDEX(RATINGS!B:B,MATCH(A5,RATINGS!A:A,0))`` with ``1. Runner Name`` in A5."""
    rows = list(
        csv.reader(io.StringIO(ratings_file(name, [runner(), runner("Nala's Ghost", number=9, box=3)])))
    )
    columns = list(zip(*rows, strict=True))
    assert columns[1][columns[0].index("1. Sir Tick")] == "4.00"
    assert columns[1][columns[0].index("9. Nala's Ghost")] == "4.00"


def test_bet_angels_command_has_the_syntax_of_its_user_guide() -> None:
    """``SET_SV FOR:SELECTION NAME:Test1 VALUE:42``."""
    (row,) = table(ratings_file("betangel", [runner(fair_price=4.523)]))
    assert row["Command"] == "SET_SV FOR:SELECTION NAME:FairPrice VALUE:4.52"


@pytest.mark.parametrize("name", FORMATS)
def test_no_cell_is_a_formula_whatever_a_dog_is_called(name: str) -> None:
    strange = [runner(evil, number=None) for evil in ("=1+1", "@SUM(A1)", "+cmd", "-2", 'A "b", c')]
    for row in csv.reader(io.StringIO(ratings_file(name, strange))):
        assert len(row) == len(FORMATS[name].columns)
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@"))]
