"""PostgreSQL that is stopped, killed and started again, under the service's feet."""

import statistics
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import Engine

from racing.database.engine import open_database
from racing.ratings import update_ratings
from racing.simulation.simulator import simulate_season
from tests.postgresql import hanging
from tests.racing.seasons import LAST_DAY, card_of_stored_race
from tests.service.builders import (
    RunningService,
    make_card,
    make_registry,
    running_service,
    win_probabilities,
)
from tests.service.living import wait_until
from tests.service.process import service_process
from tests.service.test_with_database import request_of

TIMEOUT_S = 1.5
SETTINGS = {"database_poll_s": 0.1, "database_timeout_s": TIMEOUT_S, "queue": 2}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"))


@pytest.fixture
def season(postgresql_url: str) -> Iterator[Engine]:
    engine = open_database(postgresql_url, create=True)
    simulate_season(engine, n_races=60, seed=7, until=LAST_DAY)
    update_ratings(engine)
    yield engine
    engine.dispose()


def once_answered(service: RunningService, card: dict[str, Any]) -> httpx.Response:
    """Ask until the database answers in time, which it may not do at first on a busy machine."""
    return wait_until(lambda: answer if (answer := service.predict(card)).status_code == 200 else None)


def test_a_database_that_hangs_delays_a_few_requests_once_and_is_used_again_when_it_goes_on(
    season: Engine, registry: str, postgresql_server: str
) -> None:
    known, named = (
        request_of(card_of_stored_race(season, race)) | {"date": LAST_DAY.isoformat()} for race in (2, 1)
    )
    url = season.url.render_as_string(hide_password=False)
    season.dispose()
    with running_service(registry, database=url, **SETTINGS) as service:
        before = once_answered(service, known)  # what was read before is answered without it
        with hanging(postgresql_server):
            answers = []
            askers = [
                threading.Thread(target=lambda: answers.append(service.predict(named))) for _ in range(8)
            ]
            for asker in askers:
                asker.start()
            for asker in askers:
                asker.join()
            assert {answer.status_code for answer in answers} == {503}
            service.wait_until(lambda status: "not answered" in (status["database_error"] or ""))
            n_threads = threading.active_count()
            others, held_up = [], []
            for _ in range(15):  # nobody waits any more
                answered, refused = service.predict(make_card()), service.predict(named)
                others.append(answered.elapsed.total_seconds())
                held_up.append(refused.elapsed.total_seconds())
                assert (answered.status_code, refused.status_code) == (200, 503)
                assert refused.json()["type"].endswith("database-unavailable")
            assert statistics.median(held_up) < statistics.median(others) + TIMEOUT_S / 2
            # Those that poll for keys and form may hang by now too; the requests would be 15 more.
            assert threading.active_count() <= n_threads + 4
        service.wait_until(lambda status: status["database_error"] is None)
        service.wait_until(lambda _: service.predict(named).status_code == 200)
        assert win_probabilities(service.predict(known)).tolist() == win_probabilities(before).tolist()


def test_a_service_starts_beside_a_database_that_hangs(
    season: Engine, registry: str, postgresql_server: str
) -> None:
    url = season.url.render_as_string(hide_password=False)
    season.dispose()
    with (
        hanging(postgresql_server) as go_on,
        running_service(registry, database=url, **SETTINGS) as service,
    ):
        assert service.predict(make_card()).status_code == 200
        go_on()
        service.wait_until(lambda status: status["database_error"] is None)


def test_a_database_whose_connections_are_cut_is_used_again_by_new_ones(
    season: Engine, registry: str, postgresql_server: str
) -> None:
    known, named = (
        request_of(card_of_stored_race(season, race)) | {"date": LAST_DAY.isoformat()} for race in (2, 1)
    )
    url = season.url.render_as_string(hide_password=False)
    with running_service(registry, database=url, **SETTINGS) as service:
        before = once_answered(service, known)  # remembered
        cut = "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s"
        with psycopg.connect(f"host={postgresql_server} user=greyhound dbname=postgres") as server:
            server.execute(cut, [season.url.database])
        statuses = {service.predict(named).status_code for _ in range(3)}
        assert statuses <= {200, 503}
        # A connection that is to end ends a little later, so one more card may meet it.
        service.wait_until(lambda _: service.predict(named).status_code == 200)
        assert win_probabilities(service.predict(known)).tolist() == win_probabilities(before).tolist()


def test_a_service_that_waits_for_a_database_that_hangs_can_be_stopped(
    season: Engine, registry: str, postgresql_server: str, tmp_path: Path
) -> None:
    known, named = (
        request_of(card_of_stored_race(season, race)) | {"date": LAST_DAY.isoformat()} for race in (2, 1)
    )
    url = season.url.render_as_string(hide_password=False)
    season.dispose()
    with service_process(registry, tmp_path, database=url, database_timeout_s=str(TIMEOUT_S)) as service:
        once_answered(service, known)
        with hanging(postgresql_server):
            assert service.predict(named).status_code == 503
            assert service.stop() == 0
