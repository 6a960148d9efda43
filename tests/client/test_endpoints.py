"""Every call against the service on a socket, by both clients: typed answers, and no call left out."""

import datetime as dt
import inspect
import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from greyhound_client import (
    AsyncGreyhoundClient,
    Call,
    Conflict,
    Forbidden,
    GreyhoundClient,
    NotFound,
    Refused,
    Unauthorised,
    endpoints,
    models,
)
from racing.domain.bets import BETS
from racing.domain.names import name_key
from tests.client.conftest import Whole
from tests.clocks.today import today
from tests.greyhound.test_predict_command import form_guide
from tests.openapi.client_models import DOCUMENT, make_models
from tests.service.builders import make_card

# MLflow makes the first by itself; the second is the same as `model_status`, for pages that exist already.
NOT_FOR_CLIENTS = {"mlflow_webhook", "model_status_for_pages"}
OF_THE_CLIENT_ITSELF = {"ask", "raw", "using", "close", "every_prediction"}
A_DAY = dt.date(2026, 3, 14)


def document() -> dict[str, Any]:
    reported: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return reported


def methods_of(client: type) -> dict[str, Any]:
    members = inspect.getmembers(client, inspect.isfunction)
    return {name: method for name, method in members if not name.startswith("_")}


def test_the_clients_have_a_method_for_every_operation_and_the_same_ones() -> None:
    operations = {op["operationId"] for ops in document()["paths"].values() for op in ops.values()}
    blocking, awaiting = methods_of(GreyhoundClient), methods_of(AsyncGreyhoundClient)
    assert set(blocking) - OF_THE_CLIENT_ITSELF == operations - NOT_FOR_CLIENTS
    assert set(awaiting) == set(blocking)
    for name in set(blocking) - {"close", "using"}:
        reported = inspect.signature(blocking[name]).parameters
        assert list(inspect.signature(awaiting[name]).parameters) == list(reported), name
        assert blocking[name].__doc__, name


# What calls need to be made at all, by the names of their parameters.
SAMPLES: dict[str, Any] = {
    "card": make_card(), "cards": [make_card()], "races": [], "version": 7, "reason": "x", "race_id": 9120,
    "date": A_DAY, "form_guide": "Dog Name", "challengers": [8], "experiment_id": 3,
    "contestant": "8", "champion": "7", "share": 0.4, "on": True,
    "q": "sir tick", "dog_id": 1412, "name": "Sir Tick", "prices": [],
}  # fmt: skip


def made(describe: Callable[..., Call[Any]]) -> Call[Any]:
    """A call with what it needs and no more."""
    parameters = inspect.signature(describe).parameters.values()
    needed = [one.name for one in parameters if one.default is one.empty and one.kind != one.VAR_KEYWORD]
    return describe(**{name: SAMPLES[name] for name in needed})


def operation_of(call: Call[Any]) -> dict[str, Any]:
    """What the document says of a call; a path without a place for a value comes first."""
    paths: dict[str, Any] = document()["paths"]
    for template in sorted(paths, key=lambda path: path.count("{")):
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, call.path) and call.method.lower() in paths[template]:
            found: dict[str, Any] = paths[template][call.method.lower()]
            return found
    raise AssertionError(f"the document knows no {call.method} {call.path}")


@pytest.mark.parametrize("name", sorted(set(methods_of(GreyhoundClient)) - OF_THE_CLIENT_ITSELF))
def test_a_call_asks_the_operation_of_its_name_and_is_read_as_its_answer(name: str) -> None:
    call = made(getattr(endpoints, name))
    operation = operation_of(call)
    assert operation["operationId"] == name
    (success,) = (answer for status, answer in operation["responses"].items() if status < "400")
    answer = success["content"].get("application/json", {}).get("schema", {}).get("$ref", "/str")
    assert call.answer.__name__ == answer.rpartition("/")[2]
    assert call.query.keys() <= {parameter["name"] for parameter in operation.get("parameters", [])}
    assert call.is_repeatable == (name not in ("promote", "rollback", "start_experiment", "stop_experiment"))


def test_the_committed_models_are_those_of_the_committed_document() -> None:
    make_models(document(), check=True)
    changed = document()
    changed["components"]["schemas"]["Ready"]["properties"]["version"]["type"] = "string"
    with pytest.raises(SystemExit, match="make openapi"):
        make_models(changed, check=True)


def test_the_client_knows_the_bets_of_the_service() -> None:
    assert set(get_args(endpoints.Bet)) == set(BETS)


def test_a_card_is_answered_typed(greyhound: Any) -> None:
    answer = greyhound.predict(make_card(4))
    assert isinstance(answer, models.PredictionOut)
    assert answer.model_version in (1, 2)
    assert sum(runner.win_probability for runner in answer.runners) == pytest.approx(1)
    assert answer.runners[0].explanation is None
    explained = greyhound.predict(models.CardIn.model_validate(make_card(4)), explain=True)
    assert explained.runners[0].explanation.contributions
    assert [one.win_probability for one in explained.runners] == [
        one.win_probability for one in answer.runners
    ]
    assert answer.bets is None
    exacta, quinella = greyhound.predict(make_card(4), bets=("exacta", "quinella"), top=3).bets
    assert (len(exacta.combinations), quinella.n_combinations) == (3, 6)


def test_dates_may_be_dates(greyhound: Any) -> None:
    assert greyhound.predict(make_card(3) | {"date": A_DAY}).runners[2].rank == 3


def test_a_refused_card_says_which_field_breaks_which_rule(greyhound: Any) -> None:
    card = make_card(3)
    card["runners"][2]["box"] = 11
    with pytest.raises(Refused) as caught:
        greyhound.predict(card)
    problem = caught.value
    assert (problem.status, problem.kind) == (422, "invalid-request")
    assert [broken.pointer for broken in problem.errors] == ["#/runners/2/box"]
    assert "#/runners/2/box: Input should be less than or equal to 10" in str(problem)
    assert problem.request_id is not None
    assert problem.request_id in str(problem)


def test_a_batch_answers_each_card_and_a_refused_one_stops_no_other(greyhound: Any) -> None:
    good, bad, last = greyhound.predict_batch([make_card(3), make_card(2, distance_m=5), make_card(4)])
    assert [len(good.runners), len(last.runners)] == [3, 4]
    assert isinstance(bad, Refused)
    assert bad.errors[0].pointer == "#/distance_m"


def test_each_answer_of_a_batch_has_its_bets(greyhound: Any) -> None:
    cards = [make_card(5), make_card(4)]
    answers = list(greyhound.predict_batch(cards, bets=("quinella", "exacta"), top=3))
    assert [answer.bets for answer in answers] == [
        greyhound.predict(card, bets=("quinella", "exacta"), top=3).bets for card in cards
    ]
    assert [len(bet.combinations) for bet in answers[0].bets] == [3, 3]


def test_a_batch_is_streamed_and_may_be_left(greyhound: Any) -> None:
    answers = greyhound.predict_batch(make_card(2) for _ in range(300))
    assert len(next(answers).runners) == 2
    answers.close()
    assert greyhound.ready().status == "ready"


def test_a_batch_may_be_the_text_of_a_form_guide(greyhound: Any, tmp_path: Path) -> None:
    guide = form_guide(tmp_path, "Race 6 - SAN - 14 March 2026.csv")
    (answer,) = greyhound.predict_batch(guide.read_text(), name=guide.name)
    assert isinstance(answer, models.PredictionOut)
    assert {name_key(runner.name) for runner in answer.runners} == {f"DOG{letter}" for letter in "ABCDEFGHIJ"}
    with pytest.raises(Refused, match="a form guide needs columns"):
        next(greyhound.predict_batch("no,form,guide"))


def test_stored_races_and_form_guides_are_typed(greyhound: Any, tmp_path: Path) -> None:
    assert greyhound.race_days(before=A_DAY).race_days == []
    assert greyhound.races(A_DAY).races == []
    with pytest.raises(NotFound, match="no race 7"):
        greyhound.race(7, prices="at_the_off")
    guide = form_guide(tmp_path, "Race 6 - SAN - 14 March 2026.csv")
    made = greyhound.card(guide.read_text(), name=guide.name)
    assert [len(runner.form) for runner in made.card.runners] == [1] * 10
    assert len(greyhound.predict(made.card).runners) == 10
    with pytest.raises(Refused, match="a form guide needs columns"):
        greyhound.card("no,form,guide")


def test_the_status_and_the_versions_are_typed(greyhound: Any) -> None:
    status = greyhound.model_status()
    assert status.success is True
    assert status.started_at.tzinfo is not None
    versions = greyhound.models().models
    assert [version.version for version in versions] == [2, 1]
    assert greyhound.model(2) == versions[0]
    with pytest.raises(NotFound, match="no version 99"):
        greyhound.model(99)
    assert greyhound.live().status == "live"
    assert greyhound.ready().version == status.version
    assert "greyhound_requests_total" in greyhound.metrics()


def test_promoting_takes_the_right_key(greyhound: Any, whole: Whole) -> None:
    with pytest.raises(Unauthorised, match="send an API key"):
        greyhound.promote(2, reason="better")
    with pytest.raises(Unauthorised, match="unknown or revoked"):
        greyhound.using(api_key="gh_wrong").promote(2, reason="better")
    with pytest.raises(Forbidden, match="the scope `promote`"):
        greyhound.using(api_key=whole.keys["reader"]).promote(2, reason="better")
    boss = greyhound.using(api_key=whole.keys["boss"])
    promoted = boss.promote(2, reason="better")
    assert (promoted.action, promoted.version, promoted.serving_version) == ("promote", 2, 2)
    with pytest.raises(Conflict, match="is the champion already"):
        boss.promote(2, reason="again", force=True)
    assert boss.rollback(reason="worse after all").version == 1
    with pytest.raises(Unauthorised):  # the first client is as it was
        greyhound.rollback(reason="no key")


def test_the_switch_of_automation_takes_the_right_key(greyhound: Any, whole: Whole) -> None:
    assert greyhound.automation().switch.is_on
    with pytest.raises(Forbidden, match="the scope `promote`"):
        greyhound.using(api_key=whole.keys["reader"]).turn_automation(on=False, reason="no races")
    boss = greyhound.using(api_key=whole.keys["boss"])
    assert not boss.turn_automation(on=False, reason="no races").is_on
    assert boss.turn_automation(on=True, reason="races").changed_by == "boss"


def test_results_meet_the_predictions_that_were_logged(greyhound: Any, whole: Whole, kind: str) -> None:
    day, track = today(), f"Park {kind}"
    cards = [make_card(3, date=day, track=track, race_number=number) for number in (1, 2, 3)]
    for card in cards:
        for runner in card["runners"]:  # a dog runs at most once a day
            runner["name"] = f"{runner['name']} {kind} {card['race_number']}"
        greyhound.predict(card)
    runners = [
        {"name": runner["name"], "box": runner["box"], "finish_position": place}
        for place, runner in enumerate(cards[0]["runners"], start=1)
    ]
    race = {"date": day, "track": track, "distance_m": 515, "race_number": 1, "runners": runners}
    taken = greyhound.using(api_key=whole.keys["boss"]).send_results([race])
    assert [one.status for one in taken.races] == ["imported"]
    deadline = time.monotonic() + 60
    while len(logged := list(greyhound.every_prediction(track=track))) < 3 or not logged[2].runners[0].won:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [one.race_number for one in logged] == [3, 2, 1]
    assert isinstance(logged[0].date, dt.date)
    assert [runner.won for runner in logged[2].runners] == [True, False, False]
    page = greyhound.predictions(limit=2, track=track, since=day)
    assert (len(page.predictions), page.next_before) == (2, logged[1].id)
    assert greyhound.scores(by="track", track=track).total.n_races == 1
    assert greyhound.by_minutes(track=track, limit=10).n_races == 0  # no price of that race is stored
    with pytest.raises(Refused) as caught:
        greyhound.predictions(limit=1000)
    assert caught.value.errors[0].pointer == "?limit"


def test_the_answer_can_be_had_as_it_came(greyhound: Any) -> None:
    raw = greyhound.raw("/model_status")
    assert raw.status_code == 200
    assert raw.json()["success"] is True
    refused = greyhound.raw(endpoints.predict({"date": "soon"}))
    assert refused.status_code == 422
    assert refused.headers["Content-Type"] == "application/problem+json"


def test_every_request_has_an_id_and_it_may_be_ones_own(greyhound: Any) -> None:
    ids = {greyhound.predict(make_card(2)).request_id for _ in range(3)}
    assert len(ids) == 3
    assert greyhound.using(request_id="meeting-12").predict(make_card(2)).request_id == "meeting-12"
    with pytest.raises(NotFound) as caught:
        greyhound.using(request_id="meeting-13").model(99)
    assert caught.value.request_id == "meeting-13"


def test_an_answer_with_more_than_is_known_is_still_read(greyhound: Any) -> None:
    reported = greyhound.raw("/model_status").json()
    reported |= {"a_new_field": [1], "last_trained": None}
    assert models.ModelStatus.model_validate(reported).version == reported["version"]


def test_threads_share_a_client(whole: Whole) -> None:
    answered: list[tuple[int, int]] = []
    with GreyhoundClient(whole.url) as shared:

        def ask(n_runners: int) -> None:
            card = make_card(n_runners)
            answered.extend((n_runners, len(shared.predict(card).runners)) for _ in range(10))

        threads = [threading.Thread(target=ask, args=(n,)) for n in range(2, 10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(answered) == 80
    assert all(sent == received for sent, received in answered)


def test_a_key_that_cannot_be_sent_is_refused_without_being_reported() -> None:
    with pytest.raises(ValueError, match="printable ASCII") as caught:
        GreyhoundClient(api_key="gh_secret\n")
    assert "secret" not in str(caught.value)
