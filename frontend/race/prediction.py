"""A card, its prediction by the service, and the line that gets the same in a shell."""

import json
import re
from dataclasses import dataclass, replace
from shlex import quote
from typing import Any

from frontend import api
from frontend.errors import status_code
from frontend.race.pairs import MAX_PAIRS
from greyhound_client import Call, Problem, endpoints
from greyhound_client.models import CardIn, PredictionOut, StoredRaceOut

_REQUEST_ID = re.compile(r'^  "request_id": "[^"]*",\n', re.MULTILINE)


@dataclass(frozen=True)
class CardPrediction:
    """A card with the answer of the service, or the problem that it has with the card."""

    card: dict[str, Any]
    answer: PredictionOut | None
    problem: Problem | None
    raw: str
    """The answer as it came, indented; without its bets, which the line in a shell does not ask for."""

    def curl(self, service: str, *, with_key: bool = False) -> str:
        """Return the line that gets the same from the service."""
        return curl_line(f"{service}/predict?explain=true", self.card, with_key=with_key)

    @property
    def status_code(self) -> int:
        """Return the HTTP status that a page about it has."""
        return status_code(self.problem) if self.problem else 200


def predict(card: CardIn | dict[str, Any]) -> CardPrediction:
    """Return the probabilities of a card, and why.

    Raises
    ------
    greyhound_client.Unreachable
        If the service does not answer.
    """
    fields = card if isinstance(card, dict) else card.model_dump(mode="json", exclude_defaults=True)
    return _called(endpoints.predict(fields, explain=True, bets=("exacta",), top=MAX_PAIRS), fields)


def predict_stored(race: StoredRaceOut) -> CardPrediction:
    """Return the probabilities of a race to come, with its newest prices; an open page has it logged once.

    Raises
    ------
    greyhound_client.Unreachable
        If the service does not answer.
    """
    card = priced_card(race)
    found = _called(endpoints.race_prediction(race.id, explain=True, bets=("exacta",), top=MAX_PAIRS), card)
    if found.answer is None:
        return found
    runners = {runner["name"]: runner for runner in card["runners"]}
    # A scratching between the two requests: the card shown is the one that was answered.
    in_order = [runners.get(one.name, {"name": one.name, "box": one.box}) for one in found.answer.runners]
    raw = _REQUEST_ID.sub("", found.raw, count=1)  # else an open page would change with every look at it
    return replace(found, card={**card, "runners": in_order}, raw=raw)


def priced_card(race: StoredRaceOut) -> dict[str, Any]:
    """Return the card of a stored race with the last known prices on it, for those that have one."""
    assert race.card is not None
    card = race.card.model_dump(mode="json", exclude_defaults=True)
    prices = {one.name: one.price for one in race.prices or []}
    for runner in card["runners"]:
        if runner["name"] in prices and not runner.get("is_scratched"):
            runner["price"] = prices[runner["name"]]
    return card


def _called(call: Call[PredictionOut], card: dict[str, Any]) -> CardPrediction:
    response = api.client().raw(call)
    answer, problem = None, None
    try:
        answer = call.read(response)
    except Problem as error:
        problem = error
    return CardPrediction(card, answer, problem, _indented(response.text))


def _indented(text: str) -> str:
    try:
        document = json.loads(text)
        if isinstance(document, dict):
            document.pop("bets", None)
        return json.dumps(document, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):  # something in front of the service has answered
        return text


def curl_line(address: str, card: dict[str, Any], *, with_key: bool = False) -> str:
    """Return a command for any POSIX shell; a key is taken from the environment, never written out."""
    parts = [f"curl -s {quote(address)}", "-H 'Content-Type: application/json'"]
    if with_key:
        parts.append('-H "X-API-Key: $GREYHOUND_API_KEY"')
    return " \\\n  ".join([*parts, f"--data-raw {quote(card_text(card))}"])


def card_text(card: dict[str, Any]) -> str:
    """Return a card as JSON that can be read: a line a runner."""
    head = json.dumps({name: value for name, value in card.items() if name != "runners"}, ensure_ascii=False)
    runners = ",\n    ".join(json.dumps(runner, ensure_ascii=False) for runner in card["runners"])
    return f'{head[:-1]},\n  "runners": [\n    {runners}\n  ]}}'
