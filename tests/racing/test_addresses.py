"""Addresses are shown to people without what only their owner may read."""

import pytest

from racing.redaction import redact_passwords, shown, without_secrets

SHOWN = {
    "sqlite:///var/mlflow.db": "sqlite:///var/mlflow.db",
    "postgresql://ada:hunter2@db:5432/races": "postgresql://ada:***@db:5432/races",
    "postgresql+psycopg://ada@db/races?password=hunter2": "postgresql+psycopg://ada@db/races",
    "https://hunter2@mlflow.example/base": "https://***@mlflow.example/base",
    "https://ada:hunter2@mlflow.example/?token=hunter2#hunter2": "https://ada:***@mlflow.example/",
    "http://mlflow.example:5000/?token=hunter2": "http://mlflow.example:5000/",
    "http://ada:p@hunter2@h/": "http://ada:***@h/",
    "ada:hunter2@db/races": "***@db/races",
    "http://[::1]:5000/x": "http://[::1]:5000/x",
    "http://[": "http://[",
    "": "",
}


@pytest.mark.parametrize("address", SHOWN)
def test_an_address_is_shown_without_its_secrets(address: str) -> None:
    assert shown(address) == SHOWN[address]


@pytest.mark.parametrize("address", [address for address in SHOWN if "://" in address])
def test_an_address_within_a_text_is_shown_in_the_same_way(address: str) -> None:
    assert redact_passwords(f"cannot reach '{address}': gone") == f"cannot reach '{SHOWN[address]}': gone"


@pytest.mark.parametrize("address", ["http://h/?token=hunter2", "https://hunter2@h", "a://b:hunter2@h"])
def test_a_message_that_repeats_a_part_of_an_address_is_cleaned(address: str) -> None:
    assert without_secrets("url: /?x=hunter2", address) == "url: /?x=***"


def test_a_text_without_an_address_stays_as_it_is() -> None:
    for text in ("race 7: box 3?", "a: //b", "GET /models?limit=3"):
        assert redact_passwords(text) == text
