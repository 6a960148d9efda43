"""Cards in JSON, as ``POST /predict`` takes them: one, an array of them, or one a line."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from racing.domain.cards import Card, Runner, check_card
from racing.domain.errors import CardRefused, FileRefused
from racing.domain.track_time import today_at

MAX_BYTES = 16 * 1024 * 1024
_ABOUT = {"track": str, "distance_m": int, "grade": str, "race_number": int, "off_at": str}
_OF_RUNNER = {
    "name": str, "box": int, "rug": int, "is_reserve": bool, "is_scratched": bool, "weight_kg": float,
    "price": float, "price_10m": float, "rated_price": float, "early_speed": float,
}  # fmt: skip
_NEEDED = ("track", "distance_m", "name", "box")
_MAX_RACE_NUMBER = 30


def cards_of_json(text: str) -> Iterator[tuple[int, Card | str]]:
    """Yield the cards of a text, each with its number (from 1), or the rule that it breaks.

    Raises
    ------
    FileRefused
        If it is no JSON.
    """
    for number, value in enumerate(_values(text), 1):
        try:
            card = _card(value)
            check_card(card, today=today_at(card.track))
        except (CardRefused, ValueError) as error:
            yield number, str(error)
        else:
            yield number, card


def _values(text: str) -> list[Any]:
    try:
        value = json.loads(text)
        return value if isinstance(value, list) else _within(value)
    except (ValueError, RecursionError) as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:
            raise FileRefused(f"it is no JSON: {error}") from error
    try:
        return [json.loads(line) for line in lines]
    except (ValueError, RecursionError) as error:
        raise FileRefused(f"it is neither JSON nor lines of JSON: {error}") from error


def _within(value: Any) -> list[Any]:
    """Return the cards of what ``POST /races/upcoming`` or ``POST /cards`` has around them."""
    if isinstance(value, dict):
        if isinstance(value.get("cards"), list):
            return list(value["cards"])
        if isinstance(value.get("card"), dict):
            return [value["card"]]
    return [value]


def _card(value: Any) -> Card:
    if not isinstance(value, dict):
        raise ValueError(f"a card is an object, got {type(value).__name__}")
    day = value.get("date")
    try:
        date = dt.date.fromisoformat(day) if isinstance(day, str) and len(day) == 10 else None
    except ValueError:
        date = None
    if date is None:
        raise ValueError(f"a date is written YYYY-MM-DD, got {str(day)[:30]!r}")
    runners = value.get("runners")
    if not isinstance(runners, list) or not all(isinstance(runner, dict) for runner in runners):
        raise ValueError("runners must be a list of objects")
    _check_known(value, Card)
    about = {name: _typed(value, name, kind) for name, kind in _ABOUT.items()}
    number = about["race_number"]
    if number is not None and not 1 <= number <= _MAX_RACE_NUMBER:
        raise ValueError(f"race_number must be 1..{_MAX_RACE_NUMBER}, got {number}")
    return Card(date=date, runners=tuple(map(_runner, runners)), **about)


def _runner(value: dict[str, Any]) -> Runner:
    _check_known(value, Runner)
    known = {name: _typed(value, name, kind) for name, kind in _OF_RUNNER.items()}
    return Runner(**{**known, "is_scratched": bool(known["is_scratched"])})


def _check_known(value: dict[str, Any], of: type) -> None:
    unknown = sorted(set(value) - {field.name for field in fields(of)})
    if unknown:
        raise ValueError(f"a {of.__name__.lower()} has no {unknown[0][:40]!r}")


def _typed(value: dict[str, Any], name: str, kind: type) -> Any:
    found = value.get(name)
    if found is None:
        if name in _NEEDED:
            raise ValueError(f"{name} is needed")
        return None
    is_number = kind is float and isinstance(found, int) and not isinstance(found, bool)
    if not (is_number or (isinstance(found, kind) and not (kind is int and isinstance(found, bool)))):
        raise ValueError(f"{name} must be of type {kind.__name__}, got {str(found)[:40]!r}")
    return float(found) if is_number else found
