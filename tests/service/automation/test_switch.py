"""``/automation``: how the switch stands, who may turn it, and what it stops."""

from pathlib import Path

from tests.service.builders import make_registry
from tests.service.keys import service_with_keys


def test_the_switch_takes_a_key_and_shows_who_turned_it(tmp_path: Path) -> None:
    uri = make_registry(tmp_path / "registry")
    with service_with_keys(tmp_path, uri, None, ada="promote", bob="read") as (service, keys):
        service.wait_until(lambda status: status["automation"]["place"] == "here")
        found = service.client.get("/automation").json()
        assert (found["is_on"], found["switch"]["changed_by"]) == (True, None)
        assert {task["name"] for task in found["tasks"]} >= {"fuses", "decisions", "guard"}
        wanted = {"on": False, "reason": "no races"}
        for key, status in ((None, 401), (keys["bob"], 403), (keys["ada"], 200)):
            answer = service.client.post("/automation", json=wanted, headers=key)
            assert answer.status_code == status, answer.text
        assert answer.json()["changed_by"] == "ada"
        status = service.wait_until(lambda status: not status["automation"]["is_on"])
        assert status["automation"]["switch"]["reason"] == "no races"
        assert "greyhound_automation_on 0.0" in service.client.get("/metrics").text
        refused = service.client.post("/automation", json={"on": "no", "reason": ""}, headers=keys["ada"])
        assert refused.status_code == 422


def test_a_process_that_is_set_off_says_so_though_the_switch_is_on(tmp_path: Path) -> None:
    uri = make_registry(tmp_path / "registry")
    with service_with_keys(tmp_path, uri, {"automation": False}, ada="promote") as (service, _):
        status = service.wait_until(lambda status: status["automation"]["place"] == "here")
        assert not status["automation"]["is_on"]
        assert status["automation"]["switch"]["is_on"]
