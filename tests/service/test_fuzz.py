"""Cards and requests that nobody would write, in any order: no 5xx, no answer that is not documented."""

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from racing.domain.cards import N_RUNNERS
from tests.service.builders import RunningService, make_card, make_registry
from tests.service.keys import service_with_keys
from tests.service.process import service_process

N_CARDS = int(os.environ.get("N_FUZZED_CARDS", "200"))
N_AT_ONCE = 1000  # hypothesis remembers all of a run, some 0.2 MB a card
OPENAPI = Path(__file__).parents[2] / "openapi" / "openapi.json"
# A card that fits its schema may break a rule across fields, which JSON Schema cannot tell; and names that no
# database knows are a documented 503.
EXCLUDED = [schemathesis.checks.not_a_server_error, schemathesis.checks.positive_data_acceptance]
N_EXAMPLES = int(os.environ.get("N_FUZZED_REQUESTS", "60"))

printing = st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp"))
names = st.text(printing, min_size=1, max_size=50)
days = st.dates(min_value=dt.date(1990, 1, 1), max_value=dt.date(2026, 1, 1)).map(str)
numbers = st.one_of(st.floats(), st.integers(), st.floats(0.1, 60))
past_runs = st.fixed_dictionaries(
    {"date": days, "track": names, "distance_m": st.integers(150, 1200)},
    optional={
        "box": st.integers(1, 10),
        "grade": st.text(printing, max_size=60),
        "weight_kg": st.floats(15, 50),
        "finish_position": st.integers(1, 10),
        "time_s": st.floats(5, 120),
        "winner_time_s": st.floats(5, 120),
        "first_split_s": st.floats(0.5, 60),
        "margin_lengths": st.floats(0, 200),
        "position_in_running": st.from_regex(r"\A[0-9]{1,10}\Z"),
        "starting_price": st.floats(1.001, 1000),
        "bsp": st.floats(1.001, 1000),
        "place_bsp": st.floats(1.001, 1000),
        "rated_price": st.floats(1.001, 1000),
        "early_speed": st.floats(0, 1),
    },
)
runners = st.fixed_dictionaries(
    {"name": names, "form": st.lists(past_runs, min_size=1, max_size=4)},
    optional={
        "is_reserve": st.sampled_from([None, False, False, True]),
        "is_scratched": st.sampled_from([False, False, False, True]),
        "weight_kg": st.floats(15, 50),
        "price": st.floats(1.001, 1000),
        "rated_price": st.floats(1.001, 1000),
        "early_speed": st.floats(0, 1),
    },
)


@st.composite
def cards(draw: st.DrawFn) -> dict[str, Any]:
    """Cards within their limits, and one in four with a value put somewhere that may be outside of them."""
    boxes = draw(st.lists(st.integers(1, 10), min_size=2, max_size=N_RUNNERS[1], unique=True))
    card = make_card(date=draw(days), distance_m=draw(st.integers(150, 1200)), track=draw(names))
    card["runners"] = [draw(runners) | {"box": box} for box in boxes]
    for runner in card["runners"]:
        runner["name"] += "ABCDEFGHIJ"[runner["box"] - 1]
    if draw(st.integers(0, 3)) == 0:
        where = draw(st.sampled_from([card, *card["runners"]]))
        where[draw(st.sampled_from(sorted(where)))] = draw(
            st.one_of(numbers, st.none(), names, st.text(max_size=12), st.booleans())
        )
    return card


def test_fuzzed_cards_are_answered_or_refused_without_a_trace_and_without_growth(tmp_path: Path) -> None:
    """Memory is compared once a quarter of the cards are through; N_FUZZED_CARDS=20000 is a long test."""
    seen: list[int] = []
    resident_mb: list[float] = []
    with service_process(make_registry(tmp_path), tmp_path, log_level="warning") as service:

        @given(cards())
        @settings(
            max_examples=min(N_CARDS, N_AT_ONCE),
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def send(card: dict[str, Any]) -> None:
            body = json.dumps(card)
            answer = service.client.post(
                "/predict", content=body, headers={"Content-Type": "application/json"}
            )
            seen.append(answer.status_code)
            if len(seen) == N_CARDS // 4:
                resident_mb.append(service.resident_mb())
            assert answer.status_code in (200, 400, 413, 422), (answer.text, body)
            if answer.status_code == 200:
                total = sum(runner["win_probability"] for runner in answer.json()["runners"])
                assert abs(total - 1) < 1e-9, body
            else:
                assert answer.headers["Content-Type"] == "application/problem+json"

        for number in range(-(-N_CARDS // N_AT_ONCE)):
            seed(number)(send)()
        resident_mb.append(service.resident_mb())
        log = service.log.read_text()
    assert seen.count(200) > N_CARDS // 10  # the fuzz reaches the model, not the checks before it only
    print(f"{len(seen)} cards, {seen.count(200)} answered, resident MB {resident_mb}")
    assert resident_mb[-1] - resident_mb[0] < 10
    assert "Traceback" not in log
    assert log.count("\n") < 20, log  # what it says when it starts, and no line a request


@pytest.fixture(scope="module")
def open_to_fuzz(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningService, dict[str, str]]]:
    """A service of three versions, and a key that may do everything."""
    folder = tmp_path_factory.mktemp("fuzz")
    registry = make_registry(folder, exponents=(0.5, 1.0, 2.0))
    more = {"failed_keys_per_minute": 10_000, "champion_poll_s": 60.0}
    with service_with_keys(folder, registry, more, ada="read predict results promote") as (service, keys):
        yield service, keys["ada"]


OPERATIONS = [
    (path, method)
    for path, operations in json.loads(OPENAPI.read_text(encoding="utf-8"))["paths"].items()
    for method in operations
    if path != "/events"  # its answer has no end
]


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_the_service_answers_as_its_description_says(
    open_to_fuzz: tuple[RunningService, dict[str, str]], path: str, method: str
) -> None:
    service, key = open_to_fuzz
    document = schemathesis.openapi.from_url(f"{service.url}/openapi.json")
    operation = document[path][method.upper()]

    @settings(
        max_examples=N_EXAMPLES if path == "/predict" else N_EXAMPLES // 6,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy())
    def call(case: Any) -> None:
        answer = case.call_and_validate(headers=key, excluded_checks=EXCLUDED)
        assert answer.status_code < 500 or answer.status_code == 503

    call()


def test_what_an_answer_names_can_be_requested_next(
    open_to_fuzz: tuple[RunningService, dict[str, str]],
) -> None:
    """Schemathesis follows the document's links: from an answer that names a version on to that version."""
    service, key = open_to_fuzz
    seen: set[tuple[str, int]] = set()

    class Linked(schemathesis.openapi.from_url(f"{service.url}/openapi.json").as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": key}

        def after_call(self, response: Any, case: Any) -> None:
            seen.add((f"{case.method} {case.path}", response.status_code))

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            case.validate_response(response, excluded_checks=EXCLUDED)
            assert response.status_code < 500 or response.status_code == 503

    Linked.run(
        settings=settings(
            max_examples=max(N_EXAMPLES // 4, 3),
            stateful_step_count=5,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
    )
    assert ("GET /models/{version}", 200) in seen
    assert {status for operation, status in seen if operation.endswith("promote")} & {200, 409}


def test_promotions_and_rollbacks_in_any_order_serve_what_they_say(
    open_to_fuzz: tuple[RunningService, dict[str, str]],
) -> None:
    """Promotions lie on a stack, rollbacks take from it; what serves is what was answered, every time."""
    service, key = open_to_fuzz
    shown = service.client.get("/models").json()["models"]
    champions = [next(version["version"] for version in shown if "champion" in version["aliases"])]

    class Promotions(RuleBasedStateMachine):
        @rule(version=st.integers(1, 4), force=st.booleans())
        def promote(self, version: int, force: bool) -> None:
            body = {"reason": "any", "force": force}
            answer = service.client.post(f"/models/{version}/promote", json=body, headers=key)
            if version == champions[-1]:
                assert answer.status_code == 409
            elif version == 4:
                assert answer.status_code == 404
            else:
                assert (answer.status_code, answer.json()["serving_version"]) == (200, version)
                champions.append(version)

        @precondition(lambda _: len(champions) > 1)
        @rule()
        def rollback(self) -> None:
            answer = service.client.post("/rollback", json={"reason": "any"}, headers=key)
            champions.pop()
            assert (answer.status_code, answer.json()["version"]) == (200, champions[-1])

        @rule(changes=st.sampled_from([{}, {"Authorization": "Bearer gh_wrong"}]))
        def intrude(self, changes: dict[str, str]) -> None:
            answer = service.client.post("/rollback", json={"reason": "any"}, headers=changes)
            assert answer.status_code == 401

        @invariant()
        def the_champion_serves(self) -> None:
            assert service.predict(make_card()).json()["model_version"] == champions[-1]

    run_state_machine_as_test(
        Promotions,
        settings=settings(
            max_examples=3,
            stateful_step_count=8,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
