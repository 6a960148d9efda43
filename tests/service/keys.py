"""Builders of API keys, and of a service that knows some."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from racing.database.engine import open_database
from service.security.api_keys import add_key
from tests.service.builders import RunningService, running_service
from tests.service.living import wait_until


def make_keys(engine: Engine, **scopes: str) -> dict[str, dict[str, str]]:
    """Keys by name, ``ada="promote read"``, each as the header that brings it."""
    return {
        name: {"Authorization": f"Bearer {add_key(engine, name, scope.split())[1]}"}
        for name, scope in scopes.items()
    }


@contextmanager
def service_with_keys(
    folder: Path, registry: str, settings: dict[str, Any] | None = None, **scopes: str
) -> Iterator[tuple[RunningService, dict[str, dict[str, str]]]]:
    """A service that has read its keys, and the header of each."""
    database = f"sqlite:///{folder}/keys.db"
    engine = open_database(database, create=True)
    keys = make_keys(engine, **scopes)
    engine.dispose()
    values = {"database": database, "keys_poll_s": 0.2} | (settings or {})
    with running_service(registry, **values) as service:
        wait_until_keys_are_read(service)
        yield service, keys


def wait_until_keys_are_read(service: RunningService) -> None:
    """Try a key that is none until that is known."""
    wait_until(lambda: service.client.post("/rollback", headers={"X-API-Key": "gh_"}).status_code != 503)
