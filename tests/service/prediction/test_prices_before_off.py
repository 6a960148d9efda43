"""A version that knows prices ten minutes before the off takes them from the card, and misses them aloud."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.service.builders import (
    RunningService,
    address,
    empty_registry,
    make_card,
    make_model,
    running_service,
)

FEATURES = ("box", "price_10m_log_share")


@pytest.fixture(scope="module")
def knowing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service whose version goes by the share of the price ten minutes before the off alone."""
    folder = tmp_path_factory.mktemp("registry")
    registry = empty_registry(folder)
    make_model(folder / "model", features=FEATURES, coefficients=(0.0, 1.0))
    registry.register(folder / "model")
    registry.promote(1, reason="a test wants it", by="test")
    with running_service(address(folder)) as service:
        yield service


def priced(prices: list[float | None], **more: Any) -> dict[str, Any]:
    card = make_card(len(prices))
    for runner, price in zip(card["runners"], prices, strict=True):
        runner |= {"price_10m": price, **more}
    return card


def codes(answer: dict[str, Any]) -> set[str]:
    return {warning["code"] for warning in answer["warnings"]}


def test_it_goes_by_that_price_and_by_no_other(knowing: RunningService) -> None:
    answer = knowing.predict(priced([2.0, 4.0, 8.0])).json()
    win = [runner["win_probability"] for runner in answer["runners"]]
    assert win[0] > win[1] > win[2]
    assert "early_price_missing" not in codes(answer)
    later = knowing.predict(priced([2.0, 4.0, 8.0], price=3.0)).json()
    assert [runner["win_probability"] for runner in later["runners"]] == win


def test_a_starter_without_one_is_warned_of_and_a_scratched_one_is_not(knowing: RunningService) -> None:
    assert "early_price_missing" in codes(knowing.predict(priced([2.0, 4.0, None])).json())
    card = priced([2.0, 4.0, None])
    card["runners"][2]["is_scratched"] = True
    assert "early_price_missing" not in codes(knowing.predict(card).json())


def test_a_version_that_knows_none_answers_as_without_and_warns_of_nothing(service: RunningService) -> None:
    answer = service.predict(make_card(3)).json()
    assert "early_price_missing" not in codes(answer)
    with_prices = service.predict(priced([2.0, 4.0, 8.0])).json()
    assert with_prices["runners"] == answer["runners"]


def test_a_price_that_is_none_is_refused(knowing: RunningService) -> None:
    refused = knowing.predict(priced([0.5, 4.0]))
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "#/runners/0/price_10m"
