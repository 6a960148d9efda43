"""Everything is destroyed after a backup that was made while it served, and comes back elsewhere."""

import gc
import shutil
import threading
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from greyhound.backup.make import Addresses, make_backup
from greyhound.backup.manifest import verify_files
from greyhound.backup.restore import restore_backup
from greyhound.output.progress import progress
from model_registry import get_model_registry
from racing.database.engine import open_database
from racing.predictions.seals import seal_days
from tests.conftest import new_postgresql_database
from tests.racing.predictions.logs import RACES, bring_results
from tests.service.builders import RunningService, make_card, make_model, make_registry, running_service
from tests.service.living import wait_until
from tests.service.prediction_log.builders import logged, wait_for_rows

N_VERSIONS = 3


@pytest.fixture(params=["sqlite", "postgresql"])
def places(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Addresses, Addresses]:
    """Where an installation is, and where there is nothing yet."""
    monkeypatch.setenv("MLFLOW_SQLALCHEMYSTORE_POOLCLASS", "NullPool")  # which leaves no connection open
    pair = []
    for name in ("old", "new"):
        folder = tmp_path / name
        database, registry = f"sqlite:///{folder}/races.db", f"sqlite:///{folder}/mlflow.db"
        if request.param == "postgresql":
            server = request.getfixturevalue("postgresql_server")
            database, registry = new_postgresql_database(server), new_postgresql_database(server)
        pair.append(
            Addresses(
                database=database, registry=registry, artifacts=folder / "artifacts", spool=folder / "spool"
            )
        )
    return pair[0], pair[1]


def fill(place: Addresses) -> None:
    """Make a registry with versions, of which the first is the champion, and a database with races."""
    assert place.artifacts
    folder = place.artifacts.parent
    folder.mkdir()
    if place.registry.startswith("sqlite"):
        make_registry(folder, exponents=(1.0, 2.0, 3.0))
    else:
        registry = get_model_registry(place.registry, create=True)
        store = registry._store
        location = (place.artifacts / "greyhound").as_uri()
        store.client.create_experiment("greyhound", artifact_location=location)
        for number in range(1, N_VERSIONS + 1):
            make_model(folder / f"model-{number}", exponent=float(number))
            registry.register(folder / f"model-{number}")
        registry.promote(1, reason="a test wants it", by="test")
    engine = open_database(place.database, create=True)
    bring_results(engine, Random(3), RACES)
    seal_days(engine)
    engine.dispose()


def destroy(place: Addresses) -> None:
    """Leave nothing of it."""
    assert place.artifacts
    shutil.rmtree(place.artifacts.parent)
    for url in (place.database, place.registry):
        if url.startswith("postgresql"):
            engine = create_engine(url)
            with engine.begin() as connection:
                connection.execute(text("DROP SCHEMA public CASCADE"))
            engine.dispose()


def n_rows(url: str, table: str) -> int:
    engine = create_engine(url)
    with engine.connect() as connection:
        n = connection.scalar(text(f"SELECT count(*) FROM {table}"))
    engine.dispose()
    return int(n or 0)


def serving(place: Addresses) -> dict[str, Any]:
    return {"database": place.database, "spool": str(place.spool), "log_interval_s": 0.1}


# MLflow's stores hold their connections until the process ends
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_was_served_is_served_again_after_everything_was_destroyed(
    places: tuple[Addresses, Addresses], tmp_path: Path
) -> None:
    old, new = places
    fill(old)
    n_races = n_rows(old.database, "race")
    folder = tmp_path / "backups" / "today"
    with running_service(old.registry, **serving(old)) as service:
        service.wait_until(lambda status: status["version"] == 1)
        get_model_registry(old.registry).promote(2, reason="better", by="test")
        service.wait_until(lambda status: status["version"] == 2)
        answer = service.predict(make_card(5)).json()
        before = wait_for_rows(old.database, 1)
        stop = threading.Event()
        asking = threading.Thread(target=ask_until, args=(service, stop))
        asking.start()
        promoting = threading.Thread(
            target=lambda: get_model_registry(old.registry).promote(3, reason="better still", by="test")
        )
        wait_until(lambda: len(logged(old.database)) > len(before) + 3)
        promoting.start()
        manifest, _ = make_backup(folder, old, progress)
        promoting.join()
        stop.set()
        asking.join()
    destroy(old)
    assert verify_files(folder) == manifest

    restore_backup(folder, new, progress)

    assert n_rows(new.database, "race") == n_races
    rows = logged(new.database)
    assert len(rows) == manifest.database.tables["prediction"].n_rows > len(before)
    assert [row.answer for row in rows[: len(before)]] == [row.answer for row in before]
    registry = get_model_registry(new.registry)
    assert manifest.champion in (2, 3)
    with running_service(new.registry, **serving(new)) as service:
        service.wait_until(lambda status: status["version"] == manifest.champion)
        if manifest.champion == 3:  # the promotion was in the backup: it is taken back as any other
            registry.rollback(reason="a test wants it", by="test")
            service.wait_until(lambda status: status["version"] == 2)
        assert service.predict(make_card(5)).json()["runners"] == answer["runners"]
        registry.promote(3, reason="the next one", by="test")
        service.wait_until(lambda status: status["version"] == 3)
        assert service.predict(make_card(5)).json()["runners"] != answer["runners"]
        new_rows = wait_for_rows(new.database, len(rows) + 2)
    assert min(row.id for row in new_rows[len(rows) :]) > max(row.id for row in rows)
    gc.collect()


def ask_until(service: RunningService, stop: threading.Event) -> None:
    while not stop.is_set():
        assert service.predict(make_card(4)).status_code == 200
