"""Cards are read by structs for speed; they take nothing that pydantic, whose word counts, does not."""

import dataclasses
import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from racing.domain.cards import Card, PastRun, Runner
from service.prediction import card_reader
from service.prediction.card_reader import read_card
from service.schemas.card import EXAMPLE_CARD, CardIn
from service.schemas.prediction import PredictionOut
from service.schemas.structs import structs_of
from tests.service.builders import make_card
from tests.service.test_fuzz import cards

CARD = structs_of(CardIn)["CardIn"]
STRANGE = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.just([]), st.just({}),
    st.sampled_from(["2026-03-07T00:00:00", "20260307", 1.0, 515.0, 1e400, "\ud800", "32\n", "٣٢", "1"]),
)  # fmt: skip


def by_pydantic(body: bytes) -> Any:
    try:
        return CardIn.model_validate_json(body).model_dump()
    except ValidationError:
        return None


def by_structs(body: bytes) -> Any:
    try:
        return msgspec.to_builtins(msgspec.json.decode(body, type=CARD), builtin_types=(type(None),))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def assert_sound(body: bytes) -> None:
    taken, expected = by_structs(body), by_pydantic(body)
    if taken is not None:
        assert expected is not None, body
        taken, expected = (json.dumps(one, default=str, sort_keys=True) for one in (taken, expected))
        assert taken == expected, body


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(cards(), st.data())
def test_what_structs_take_pydantic_takes_as_the_same(card: dict[str, Any], data: st.DataObject) -> None:
    assert_sound(json.dumps(card).encode())
    runners = card["runners"] if isinstance(card["runners"], list) else []
    form = runners[0].get("form") if runners and isinstance(runners[0], dict) else None
    parts = [card, *runners[:1], *(form[:1] if isinstance(form, list) else [])]
    part = data.draw(st.sampled_from([part for part in parts if isinstance(part, dict)]))
    name = data.draw(st.sampled_from([*part, "colour"]))
    part[name] = data.draw(STRANGE)
    assert_sound(json.dumps(card).encode(errors="surrogatepass"))


@pytest.mark.parametrize("card", [EXAMPLE_CARD, make_card(8)])
def test_a_plain_card_is_taken_by_structs(card: dict[str, Any]) -> None:
    assert by_structs(json.dumps(card).encode()) is not None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"date": "\xff"}', b"\xef\xbb\xbf{}", b"nothing"])
def test_what_is_no_card_is_pydantics_to_refuse(body: bytes) -> None:
    with pytest.raises(ValidationError):
        read_card(body)


def test_both_readers_build_the_same_struct(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: bytes) -> Any:
        raise msgspec.DecodeError

    for card in (EXAMPLE_CARD, make_card(8)):
        body = json.dumps(card).encode()
        by_msgspec = read_card(body)
        with monkeypatch.context() as patched:
            patched.setattr(card_reader, "_read_struct", refuse)
            by_pydantic = read_card(body)
        assert by_pydantic == by_msgspec
        assert type(by_pydantic) is type(by_msgspec)


@pytest.mark.parametrize(("name", "value"), [("CardIn", Card), ("RunnerIn", Runner), ("PastRunIn", PastRun)])
def test_structs_have_the_fields_and_defaults_of_the_cards_that_they_stand_for(
    name: str, value: type
) -> None:
    of_value = {field.name: field.default for field in dataclasses.fields(value) if field.name != "form"}
    of_struct = {
        field.name: dataclasses.MISSING if field.required else field.default
        for field in msgspec.structs.fields(structs_of(CardIn)[name])
        if field.name != "form"
    }
    assert of_struct == of_value


def test_structs_have_the_fields_of_their_models_in_the_answer_too() -> None:
    for model, mode in ((CardIn, "validation"), (PredictionOut, "serialization")):
        schema = model.model_json_schema(mode=mode)  # type: ignore[arg-type]
        parts = {model.__name__: schema, **schema["$defs"]}
        for name, struct in structs_of(model, mode=mode).items():
            assert set(struct.__struct_fields__) == set(parts[name]["properties"])
