"""The line at the top of every page: what is wrong, in its colour, and what to do."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from greyhound_client import GreyhoundClient, NotReady
from racing.database.engine import open_database
from tests.frontend.builders import opened, running_front_end, serious_findings
from tests.service.builders import (
    make_registry,
    open_registry,
    point_alias_at,
    running_service,
)
from tests.service.foreign import make_foreign_champion

PAGES = ("/", "/models", "/race")


def reported(page: Page, url: str, colour: str, *text: str) -> None:
    """Every page says so in a pill of that colour."""
    for path in PAGES:
        page.goto(url + path)
        pill = page.locator(f".state .pill.{colour}").filter(has_text=text[0])
        for word in text:
            expect(pill).to_contain_text(word)
    assert serious_findings(page) == []


def test_a_champion_of_another_program_is_reported_on_every_page_and_to_the_client(
    browser: Browser, tmp_path: Path
) -> None:
    uri = make_registry(tmp_path, promote=None)
    database = f"sqlite:///{tmp_path / 'races.db'}"
    open_database(database, create=True).dispose()
    with (
        running_service(uri, database=database, spool=str(tmp_path / "spool")) as service,
        running_front_end(service.url) as url,
        opened(browser, url) as page,
    ):
        reported(page, url, "warn", "No champion", "promoted")
        version = make_foreign_champion(uri, "sklearn")
        service.wait_until(lambda status: status["refusals"])
        reported(
            page,
            url,
            "bad",
            "No version serves",
            f"version {version}",
            "not a model of this product",
            "roll back",
        )
        with GreyhoundClient(service.url) as greyhound, pytest.raises(NotReady) as caught:
            greyhound.ready()
        assert caught.value.document["reason"] == "champion-refused"
        point_alias_at(uri, 1)
        service.wait_until(lambda status: status["version"] == 1)
        point_alias_at(uri, version)
        service.wait_until(lambda status: status["champion_refused"])
        reported(page, url, "bad", f"Version {version} refused", "version 1 serves on")


def test_a_registry_and_a_database_that_are_away_are_reported_on_every_page(
    browser: Browser, tmp_path: Path
) -> None:
    uri = make_registry(tmp_path / "registry")
    store = tmp_path / "registry" / "mlflow.db"
    races = tmp_path / "races.db"
    open_database(f"sqlite:///{races}", create=True).dispose()
    settings = {"database": f"sqlite:///{races}", "log_predictions": False, "database_poll_s": 0.1}
    with (
        running_service(uri, **settings) as service,
        running_front_end(service.url) as url,
        opened(browser, url, allowed=("503",)) as page,
    ):
        store.rename(tmp_path / "away.db")
        service.wait_until(lambda status: status["registry"]["error"])
        reported(page, url, "warn", "Registry away", "version 1 serves on", "promotions and rollbacks")
        (tmp_path / "away.db").rename(store)
        races.rename(tmp_path / "away-races.db")
        service.wait_until(lambda status: status["database_error"])
        reported(page, url, "warn", "Race database away", "cards of names alone are not")
    assert open_registry(uri).champion_version_number() == 1
