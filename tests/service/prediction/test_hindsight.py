"""What a version has learnt, and what it adds to the market, stands in its answers and in its evidence."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model_registry.artifact import MARKET_ALONE
from service.serving.evidence import evidence_of
from tests.model_registry.builders import make_artifact, make_spec
from tests.service.builders import (
    FEATURES,
    RunningService,
    address,
    empty_registry,
    make_card,
    open_registry,
    running_service,
)
from tests.service.trained import documents

TRACKS = {"Romford": 900, "Hove": 800}
JUDGED = {"digest": "9a" * 32, "learnt_until": "2025-12-31", "serves_learnt_until": "2026-02-28"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the registry."""
    return tmp_path_factory.mktemp("refit")


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[RunningService]:
    """A service of a refitted version that adds nothing to the market; version 2 is British."""
    registry = empty_registry(folder)
    spec = make_spec(features=FEATURES, market_combination=MARKET_ALONE)
    for name, tracks in (("model", {}), ("british", TRACKS)):
        own = documents()
        own["training"] |= {"tracks": tracks, "countries": ["GB"] if tracks else []}
        make_artifact(folder / name, coefficients=(-0.4, 0.0, 0.0), spec=spec, **own, judged=JUDGED)
        registry.register(folder / name)
    registry.promote(1, reason="a test wants it", by="test")
    with running_service(address(folder)) as running:
        yield running


@pytest.mark.parametrize(("day", "is_learnt"), [("2026-02-28", True), ("2026-03-01", False)])
def test_a_card_of_a_day_that_the_model_has_learnt_is_answered_with_a_warning(
    service: RunningService, day: str, is_learnt: bool
) -> None:
    warnings = service.predict(make_card(date=day)).json()["warnings"]
    learnt = [one["text"] for one in warnings if one["code"] == "learnt_day"]
    assert bool(learnt) == is_learnt
    assert all("2026-02-28" in text for text in learnt)


def test_an_answer_says_that_the_combined_probability_is_the_markets(service: RunningService) -> None:
    card = make_card(4)
    priced = make_card(4, runners=[r | {"price": 2.0 + i} for i, r in enumerate(card["runners"])])
    answer = service.predict(priced).json()
    assert answer["combination"] == "market"
    for runner in answer["runners"]:
        assert runner["combined_probability"] == runner["market_probability"]
    assert service.predict(card).json()["combination"] is None


def test_status_and_evidence_say_until_when_it_has_learnt(service: RunningService) -> None:
    status = service.client.get("/model_status").json()
    evidence = service.client.get("/models/1/evidence").json()
    assert status["learnt_until"] == evidence["learnt_until"] == "2026-02-28"
    assert (evidence["judged_learnt_until"], evidence["judged_digest"]) == ("2025-12-31", JUDGED["digest"])
    assert status["judgement"] == evidence["judgement"]
    assert "had learnt to 2025-12-31; what serves has learnt to 2026-02-28" in evidence["judgement"]
    assert evidence["combination"] == {"a": 0.0, "b": 1.0, "is_market_alone": True}


@pytest.mark.parametrize(
    ("weights", "shown"),
    [
        ({"a": -0.0565, "b": 0.967}, {"a": 0.0, "b": 1.0, "is_market_alone": True}),
        ({"a": 0.2, "b": 0.9}, {"a": 0.2, "b": 0.9, "is_market_alone": False}),
        (None, None),
    ],
)
def test_evidence_shows_the_weights_by_which_the_service_combines(
    weights: dict[str, float] | None, shown: dict[str, Any] | None
) -> None:
    evidence = evidence_of(1, "d" * 64, {"model": {"market_combination": weights}})
    assert (evidence.combination and evidence.combination.model_dump()) == shown
    assert (evidence.is_refit, evidence.learnt_until, evidence.judgement) == (False, None, None)


def test_a_card_at_a_track_that_the_version_never_saw_is_answered_with_a_warning(
    service: RunningService, folder: Path
) -> None:
    def texts(**changes: Any) -> list[str]:
        answer = service.predict(make_card(**changes)).json()
        return [one["text"] for one in answer["warnings"] if one["code"] == "unseen_track"]

    assert texts(track="Romford") == [], "of an older artifact nobody knows"
    registry = open_registry(address(folder))
    registry.promote(2, reason="a test wants it", by="test")
    service.wait_until(lambda status: status["version"] == 2)
    try:
        assert texts(track="Romford") == texts(track="Brighton & Hove") == []
        (australian,) = texts(track="Sandown Park")
        assert "nor from any in Australia, only from races in Britain" in australian
        (british,) = texts(track="Towcester")
        assert british == "version 2 has learnt from no race at 'Towcester'"
        assert "Only races of Britain." in service.client.get("/model_status").json()["judgement"]
    finally:
        registry.promote(1, reason="a test wants it", by="test")
        service.wait_until(lambda status: status["version"] == 1)


def test_an_answer_says_in_which_country_the_track_lies(service: RunningService) -> None:
    tracks = ("Romford", "Shelbourne Park", "W/PK", "Nobody's Track")
    found = [service.predict(make_card(track=track)).json()["country"] for track in tracks]
    assert found == ["GB", "IE", "AU", None]
