"""What is on record of a version: its evidence, the report of its training, and the record of promotions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.builders import (
    RunningService,
    make_model,
    make_registry,
    open_registry,
    running_service,
)
from tests.service.trained import BINS, make_trained_registry


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service whose registry has two trained versions, the first of them champion."""
    with running_service(make_trained_registry(tmp_path_factory.mktemp("trained"), 1.59, 1.57)) as service:
        yield service


@pytest.mark.parametrize(("version", "loss"), [(1, 1.59), (2, 1.57)])
def test_the_evidence_has_every_part_of_what_training_wrote(
    trained: RunningService, version: int, loss: float
) -> None:
    evidence = trained.client.get(f"/models/{version}/evidence").json()
    assert evidence["version"] == version
    assert evidence["is_simulated"] is False
    rows = {row["name"]: row for row in evidence["beside_market"]["rows"]}
    assert rows.keys() == {"model", "uniform", "box only", "rated price", "market (BSP/SP)"}
    assert rows["model"]["race_log_loss"] == loss
    assert rows["uniform"]["model_minus_this"]["difference"] == pytest.approx(loss - 1.97)
    assert evidence["market_information"] == pytest.approx((1.97 - loss) / 0.5)
    assert [bin["predicted"] for bin in evidence["reliability"]] == BINS
    assert evidence["gates"][1] == {
        "name": "calibrated", "passed": True, "reason": "0.0072 must be at most 0.015",
        "value": 0.0072, "what": None, "rule": "at most", "limit": 0.015,
    }  # fmt: skip
    assert evidence["data"]["test"]["since"] == "2026-01-01"
    assert evidence["calibration"]["method"] == "platt"
    assert (evidence["calibration"]["ece_before"], evidence["calibration"]["ece_after"]) == (0.31, 0.0139)
    assert evidence["budget"]["trials_per_family"] == evidence["families"][0]["trials"] == 30
    assert evidence["families"][1]["is_chosen"] is True
    assert evidence["trained_at"] == "2026-03-01T08:05:30Z"
    assert evidence["places"] is None


def test_what_an_older_artifact_does_not_have_is_null(tmp_path: Path) -> None:
    choice = {"judged_by": "log loss", "losses": {"xgboost": 1.61}}
    older = {"training": {"choice": choice, "chosen": {"name": "xgboost"}, "data": "lost"}}
    make_registry(tmp_path, exponents=(), promote=None)
    make_model(tmp_path / "older", **older)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    open_registry(uri).register(tmp_path / "older")
    with running_service(uri) as service:
        evidence = service.client.get("/models/1/evidence").json()
    assert evidence["model_type"] == "Handmade"
    assert (
        evidence["families"][0] | {"name": "xgboost", "loss": 1.61, "is_chosen": True}
        == evidence["families"][0]
    )
    assert evidence["data"] is None, "of another shape"
    assert evidence["races"] is None, "the builder's metrics have a number of that name"
    assert evidence["reliability"] is evidence["gates"] is evidence["budget"] is None


def test_the_evidence_of_the_champion_is_there_while_the_registry_is_away(tmp_path: Path) -> None:
    with running_service(make_trained_registry(tmp_path, 1.59, 1.57)) as service:
        assert service.client.get("/models/2/evidence").status_code == 200
        (tmp_path / "mlflow.db").rename(tmp_path / "gone.db")
        assert service.client.get("/models/1/evidence").json()["races"]["n_races"] == 800
        for path in ("/models/2/evidence", "/models/1/report", "/promotions"):
            answer = service.client.get(path)
            assert (answer.status_code, answer.json()["type"]) == (
                503,
                "urn:greyhound:problem:registry-unavailable",
            )


def test_evidence_is_of_the_version_that_the_number_names_now(tmp_path: Path) -> None:
    make_trained_registry(tmp_path / "a", 1.59, 1.57)
    make_trained_registry(tmp_path / "b", 1.59, 1.44)
    with running_service(f"sqlite:///{tmp_path}/a/mlflow.db") as service:
        before = service.client.get("/models/2/evidence").json()
        (tmp_path / "a").rename(tmp_path / "old")
        (tmp_path / "b").rename(tmp_path / "a")
        after = service.client.get("/models/2/evidence").json()
    assert (before["races"]["rows"][0]["race_log_loss"], after["races"]["rows"][0]["race_log_loss"]) == (
        1.57,
        1.44,
    )


def test_the_report_is_a_page_that_may_do_nothing_but_draw_its_charts(trained: RunningService) -> None:
    answer = trained.client.get("/models/2/report")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "Report of version 2" in answer.text
    (policy,) = answer.headers.get_list("content-security-policy")
    rules = dict(rule.partition(" ")[::2] for rule in policy.split("; "))
    assert (rules["sandbox"], rules["default-src"]) == ("allow-scripts", "'none'")
    assert all(source.startswith("'sha256-") for source in rules["script-src"].split())


def test_a_version_without_a_report_says_so(service: RunningService) -> None:
    answer = service.client.get("/models/1/report")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:greyhound:problem:no-report")
    assert answer.json()["detail"] == (
        "version 1 has no report of its training: it was registered without one"
    )


@pytest.mark.parametrize("what", ["evidence", "report"])
@pytest.mark.parametrize("version", ["9", "seven", "-1"])
def test_there_is_nothing_of_a_version_that_is_not_there(
    service: RunningService, version: str, what: str
) -> None:
    answer = service.client.get(f"/models/{version}/{what}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:greyhound:problem:no-such-version")


def test_the_record_of_promotions_is_the_registrys_own_newest_first(tmp_path: Path) -> None:
    uri = make_trained_registry(tmp_path, 1.59, 1.57)
    with running_service(uri) as service:
        first = service.client.get("/promotions").json()
        assert (first["n_promotions"], first["rollback_to"]) == (1, None)
        registry = open_registry(uri)
        registry.record_gates(2, ["calibrated: too bold"])
        registry.promote(2, reason="better on July", by="bob", forced=True)
        record = service.client.get("/promotions").json()
        newest = record["promotions"][0]
        assert newest["at"].startswith("20")
        assert newest | {"at": ""} == {
            "number": 2, "action": "promote", "version": 2, "previous": 1, "reason": "better on July",
            "by": "bob", "forced": True, "at": "", "is_carried_out": True, "is_on_probation": False,
        }  # fmt: skip
        assert [change["number"] for change in record["promotions"]] == [2, 1]
        assert record["rollback_to"] == 1
        assert len(service.client.get("/promotions?limit=1").json()["promotions"]) == 1
        assert service.client.get("/promotions?limit=0").json()["errors"][0]["pointer"] == "?limit"


def test_a_registry_without_a_model_has_an_empty_record(tmp_path: Path) -> None:
    with running_service(make_registry(tmp_path, exponents=(), promote=None)) as service:
        record = service.client.get("/promotions").json()
    assert record == {"promotions": [], "n_promotions": 0, "rollback_to": None}
