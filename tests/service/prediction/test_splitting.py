"""Where cards of a batch begin and end: as a parser would find it, in pieces of any size, and in slices."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import BatchTooLong, BodyUnreadable
from service.prediction.splitting import Array, Lines, spans_of

TEXTS = st.text(alphabet='ab"\\[]{},: \n\u00e9\U0001f415', max_size=12)
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def cards_in_pieces(splitter: Array | Lines, body: bytes, n_bytes: int) -> list[bytes]:
    """The cards, if the body comes in pieces of so many bytes."""
    spans = []
    for offset in range(0, len(body), n_bytes):
        spans += splitter.spans(np.frombuffer(body[offset : offset + n_bytes], np.uint8), offset)
    spans += splitter.last(len(body))
    return [body[start:end] for start, end in spans]


@given(cards=st.lists(VALUES, max_size=6), n_bytes=st.integers(1, 20), indent=st.sampled_from([None, 1]))
@settings(max_examples=200, deadline=None)
def test_an_array_is_split_as_a_parser_would(cards: list[Any], n_bytes: int, indent: int | None) -> None:
    body = json.dumps(cards, indent=indent, ensure_ascii=False).encode()
    assert [json.loads(card) for card in cards_in_pieces(Array(), body, n_bytes)] == cards


@given(
    cards=st.lists(VALUES, max_size=6),
    n_bytes=st.integers(1, 20),
    gap=st.sampled_from([b"\n", b"\r\n", b"\n \n"]),
)
@settings(max_examples=100, deadline=None)
def test_lines_are_split_as_they_are(cards: list[Any], n_bytes: int, gap: bytes) -> None:
    body = gap.join(json.dumps(card).encode() for card in cards)
    assert [json.loads(card) for card in cards_in_pieces(Lines(), body, n_bytes)] == cards


@pytest.mark.parametrize("n_bytes", [1, 2, 3, 100])
@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "does not end"),
        (b" ", "does not end"),
        (b"[", "does not end"),
        (b"[1, 2", "does not end"),
        (b'["]', "does not end"),
        (b'["\\"]', "does not end"),
        (b"{}", "begins with something else"),
        (b" 7", "begins with something else"),
        (b"[1,]", "missing"),
        (b"[,1]", "missing"),
        (b"[1,,2]", "missing"),
        (b"[1]]", "follows its end"),
        (b"[1] x", "follows its end"),
        (b"[1}", "ends with a brace"),
    ],
)
def test_what_is_no_array_is_refused_with_the_reason(body: bytes, why: str, n_bytes: int) -> None:
    with pytest.raises(BodyUnreadable, match=why):
        cards_in_pieces(Array(), body, n_bytes)


@pytest.mark.parametrize("body", [b"[" + b"1," * 16_000_000, b"[" + b",".join([b"{}"] * 4) + b"]"])
def test_too_many_cards_are_refused_before_the_rest_is_looked_at(body: bytes) -> None:
    with pytest.raises(BatchTooLong, match="at most 3 cards"):
        asyncio.run(spans_of(Array(), body, at_most=3))


def ticks_beside(body: bytes, splitter: Array | Lines) -> tuple[int, int]:
    """How often the loop came to something else while a body was split, and how many cards there were."""

    async def both() -> tuple[int, int]:
        task = asyncio.create_task(spans_of(splitter, body, at_most=5000))
        n_ticks = 0
        while not task.done():
            await asyncio.sleep(0)
            n_ticks += 1
        return n_ticks, len(await task)

    return asyncio.run(both())


MANY: Sequence[tuple[str, bytes, Array | Lines, int]] = [
    ("cards", b"[" + b",".join([b'{"a": "' + b"b" * 4000 + b'"}'] * 2000) + b"]", Array(), 2000),
    ("one card", b'[{"a": "' + b"b" * 8_000_000 + b'"}]', Array(), 1),
    ("backslashes", b'["' + b"\\" * 8_000_000 + b'"]', Array(), 1),
    ("blanks", b" " * 8_000_000 + b"[1" + b" " * 100_000 + b"]", Array(), 1),
    ("blank lines", b"\n" * 8_000_000 + b"1", Lines(), 1),
    ("one line", b"1" * 8_000_000, Lines(), 1),
    ("brackets", b"[" * 4_000_000 + b"]" * 4_000_000, Array(), 1),
]


@pytest.mark.parametrize(
    ("body", "splitter", "n_cards"), [case[1:] for case in MANY], ids=[m[0] for m in MANY]
)
def test_the_loop_goes_on_while_a_long_body_is_split(
    body: bytes, splitter: Array | Lines, n_cards: int
) -> None:
    n_ticks, n_found = ticks_beside(body, splitter)
    assert n_found == n_cards
    assert n_ticks > 3  # 1 if it never came to anything else; how many depends on the machine
