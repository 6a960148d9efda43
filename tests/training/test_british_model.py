"""A model of made-up British races, in a database that has Australian ones too, and its six-trap cards."""

import csv
import datetime as dt
import random
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from model_registry import get_model_registry
from model_registry.artifact import load_artifact
from model_registry.learning import learning_of
from racing.database.engine import open_database
from racing.domain.cards import Card, Runner
from racing.domain.errors import NotEnoughHistory
from racing.features import CardFeaturizer, race_table
from racing.importers.import_files import import_files
from racing.ratings import update_ratings
from tests.model_registry.empty import empty_registry_in
from tests.service.builders import running_service
from training.pipeline import Training, TrainSettings, train
from training.search.settings import SearchSettings

FIRST = dt.date(2026, 3, 1)
N_DAYS = 14
TRACKS = (("Romford", 400), ("Hove", 500), ("Towcester", 480), ("Monmore", 480))
SEARCH = SearchSettings(families=("logistic_regression",), n_trials=1, n_jobs=1, seed=1)
FIRST_NAMES = ("Swift", "Brave", "Quick", "Bold", "Calm", "Sly", "Keen", "Wild")
LAST_NAMES = ("Tick", "Ghost", "Arrow", "Comet", "River", "Stone", "Ember", "Lark", "Drift")
NAMES = [f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database of fourteen British days and one Australian race of dogs of the same names."""
    folder = tmp_path_factory.mktemp("british")
    _write(folder / "gbgb.csv", _british_rows())
    _write(folder / "results.csv", _australian_rows())
    engine = open_database(f"sqlite:///{folder / 'a.db'}", create=True)
    report = import_files(engine, [folder / "gbgb.csv", folder / "results.csv"])
    assert [file.n_refused for file in report.files] == [0, 0]
    update_ratings(engine)
    empty_registry_in(folder)
    return folder


@pytest.fixture(scope="module")
def engine(home: Path) -> Engine:
    return open_database(f"sqlite:///{home / 'a.db'}")


@pytest.fixture(scope="module")
def trained(home: Path, engine: Engine) -> Training:
    registry = get_model_registry(f"sqlite:///{home / 'mlflow.db'}")
    return train(engine, registry, TrainSettings(countries=("GB", "IE"), search=SEARCH, force=True))


def test_a_training_of_some_countries_learns_from_no_other(home: Path, trained: Training) -> None:
    model = load_artifact(get_model_registry(f"sqlite:///{home / 'mlflow.db'}").fetch(trained.version))
    training = model.documents["training"]
    assert sorted(training["tracks"]) == sorted(name for name, _ in TRACKS)
    assert training["countries"] == ["GB", "IE"]
    learning = learning_of(model.documents)
    assert (learning.countries, learning.only_countries) == (("GB",), ("GB", "IE"))
    assert learning.has_seen_track("ROMFD", 400)
    assert not learning.has_seen_track("Sandown Park", 515)
    report = trained.report.read_text(encoding="utf-8")
    assert "Only races of Britain and Ireland." in report
    assert "--countries GB,IE" in report
    assert "All of it lies within 14 days: dogs have little form" in report


def test_a_table_of_a_country_without_races_is_refused(engine: Engine) -> None:
    with pytest.raises(NotEnoughHistory, match="in NZ"):
        race_table(engine, countries=("NZ",))
    assert set(race_table(engine, countries=("AU",)).track) == {"Sandown Park"}


def test_the_form_of_an_australian_dog_reaches_no_british_card(engine: Engine) -> None:
    with engine.connect() as connection:
        stored = connection.execute(text("SELECT key FROM dog WHERE name = 'Swift Tick' ORDER BY key"))
        assert [row.key for row in stored] == ["SWIFTTICK", "SWIFTTICK/GB"]
    featurizer = CardFeaturizer(engine)
    n_runs = {}
    for track, distance_m in (("Romford", 400), ("Sandown Park", 515), ("Shelbourne Park", 480)):
        runners = (Runner(name="Swift Tick", box=1), Runner(name="Only In Australia", box=2))
        card = Card(date=dt.date(2026, 4, 1), track=track, distance_m=distance_m, runners=runners)
        n_runs[track] = featurizer.features_of_card(card).n_prior_runs.tolist()
    assert n_runs["Sandown Park"] == [1, 1]
    assert n_runs["Romford"] == n_runs["Shelbourne Park"]
    assert n_runs["Romford"][0] > 1
    assert n_runs["Romford"][1] == 0


@pytest.mark.usefixtures("trained")
def test_a_card_of_six_traps_is_answered_with_two_places_and_a_reserve_in_a_free_trap(home: Path) -> None:
    runners: list[dict[str, Any]] = [{"name": name, "box": box} for box, name in enumerate(NAMES[:6], 1)]
    runners[2]["is_scratched"] = True
    runners.append({"name": "Wild Drift (R)", "box": 3, "is_reserve": False})
    card = {"date": "2026-03-15", "track": "Romford", "distance_m": 400, "grade": "A4", "runners": runners}
    uri, database = f"sqlite:///{home / 'mlflow.db'}", f"sqlite:///{home / 'a.db'}"
    with running_service(uri, database=database) as service:
        answer = service.predict(card).json()
        abroad = service.predict(card | {"track": "Sandown Park", "distance_m": 515}).json()
    assert (answer["country"], answer["n_places"]) == ("GB", 2)
    starting = [runner for runner in answer["runners"] if runner["status"] == "starter"]
    assert sorted(runner["box"] for runner in starting) == [1, 2, 3, 4, 5, 6]
    assert sum(runner["win_probability"] for runner in starting) == pytest.approx(1)
    assert sum(runner["place_probability"] for runner in starting) == pytest.approx(2)
    assert [one["code"] for one in answer["warnings"]] == ["scratched"]
    assert "unseen_track" in [one["code"] for one in abroad["warnings"]]


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _british_rows() -> list[dict[str, Any]]:
    """Three races of six dogs at each of four tracks a day: inner traps and the first of NAMES are better."""
    chance, rows = random.Random(7), []
    for day in range(N_DAYS):
        date, names = FIRST + dt.timedelta(days=day), chance.sample(NAMES, len(NAMES))
        for race in range(12):
            (track, metres), number = TRACKS[race // 3], race % 3 + 1
            field = names[6 * race : 6 * race + 6]
            late = {name: NAMES.index(name) / 40 + i / 5 + chance.gauss(0, 1) for i, name in enumerate(field)}
            order = sorted(field, key=late.__getitem__)
            of_race = {
                "raceDate": date.strftime("%d/%m/%Y"),
                "trackName": track,
                "raceDistance": f"{metres}.0",
                "raceId": f"{date:%d}{track}{number}",
                "raceNumber": number,
                "raceTime": f"{18 + number}:18:00",
                "raceClass": f"A{3 + number}",
                "raceGoing": "-10",
            }
            for trap, name in enumerate(field, 1):
                place = order.index(name) + 1
                of_dog = {
                    "trapNumber": trap,
                    "dogName": name,
                    "SP": f"{3 + trap}/2",
                    "resultPosition": place,
                    "resultBtnDistance": "" if place == 1 else "1/2",
                    "resultRunTime": f"{metres / 16.4 + place * 0.04:.2f}",
                    "resultDogWeight": "30.1",
                }
                rows.append(of_race | of_dog)
    return rows


def _australian_rows() -> list[dict[str, Any]]:
    names = ["Swift Tick", "Only In Australia", "Brave Ghost", "Quick Arrow"]
    race = {"date": "2026-03-05", "track": "Sandown Park", "distance_m": 515, "race_id": 1}
    return [
        race | {"runner": name, "box": box, "finish_position": box, "time_s": 29.5 + box / 10}
        for box, name in enumerate(names, 1)
    ]
