"""A card going out as ``POST /predict`` takes it: without what is unknown."""

import json
from typing import Any

import msgspec
from fastapi import Response
from pydantic import BaseModel

from racing.domain.cards import Card
from service.faults import validated
from service.schemas import CardIn


def card_in(card: Card) -> CardIn:
    """Return a card of :mod:`racing` in the words of the API.

    Raises
    ------
    pydantic.ValidationError
        If it holds what the API does not take.
    """
    return validated(CardIn, msgspec.json.encode(card))


def answer_with_card(out: BaseModel) -> Response:
    """Return an answer whose ``card`` can be sent to ``POST /predict`` as it stands."""
    answer: dict[str, Any] = out.model_dump(mode="json")
    card: CardIn | None = getattr(out, "card", None)
    if card is not None:
        answer["card"] = card.model_dump(mode="json", exclude_defaults=True)
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    return Response(text, media_type="application/json")
