"""Reads the card of a request's body.

Pydantic's :class:`~service.schemas.card.CardIn` documents fields and describes faults, but reading a card of
8 runners with 6 runs each by it would be the largest part of a request; msgspec takes a third of the time. So
msgspec reads first, and pydantic decides about what it refuses: msgspec must never take what pydantic
refuses (``tests/service/prediction/test_card_reader.py``). Either way the card is a struct of msgspec's.
"""

from typing import Any, cast

import msgspec
from pydantic import BaseModel

from racing.domain.cards import Card
from service.schemas.card import CardIn
from service.schemas.structs import structs_of
from service.schemas.validation import validated

_STRUCTS = structs_of(CardIn)
_CARD = _STRUCTS[CardIn.__name__]
_read_struct = msgspec.json.Decoder(_CARD).decode


def read_card(body: bytes) -> Card:
    """Return the card of a request's body, in UTF-8.

    Raises
    ------
    pydantic.ValidationError
        With every fault of the body, or the first ones if they are more than fifty.
    """
    try:
        card = _read_struct(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        card = msgspec.convert(validated(CardIn, body, _is_valid), _CARD, from_attributes=True)
    # Its attributes are those of racing's Card, which a test compares. Building that class, whose
    # construction is slower, from the struct would take another 0.06 ms of a card.
    return cast(Card, card)


def _is_valid(model: type[BaseModel], part: Any) -> bool:
    try:
        msgspec.convert(part, _STRUCTS[model.__name__])
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True
