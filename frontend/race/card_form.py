"""Cards out of the form of a page, and the rules that they break, by the labels of the form.

What a person typed goes to the service as it is where it is no number: the service says what is wrong.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from greyhound_client import Problem

BOXES = range(1, 11)
LAST_TRAP = 8  # where a card does not say who is in reserve, 9 and 10 are
_PLACES = {
    "date": "Date",
    "track": "Track",
    "distance_m": "Distance",
    "grade": "Grade",
    "race_number": "Race number",
}


def card_of_form(form: Mapping[str, str]) -> dict[str, Any]:
    """Return the card that was filled in: a runner where a name stands."""
    card: dict[str, Any] = {name: text for name in ("date", "track", "grade") if (text := _of(form, name))}
    for name in ("distance_m", "race_number"):
        if text := _of(form, name):
            card[name] = _whole(text)
    card["runners"] = [runner for box in BOXES if (runner := _runner(form, box))]
    return card


def filled_in(form: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of the form that hold something, and nothing else of an address."""
    fields = [*_PLACES, *(f"{what}{box}" for what in ("name", "price") for box in BOXES)]
    return {name: text for name in fields if (text := _of(form, name))}


@dataclass(frozen=True, slots=True)
class ChangedCard:
    """A card as a form changed it."""

    card: dict[str, Any]
    steps_in: str = ""
    """The sentence on the reserve that took the box of a runner that was scratched."""


def with_changes(card: Mapping[str, Any], form: Mapping[str, str], *, trap_word: str = "box") -> ChangedCard:
    """Return a card as the form of its field changes it: prices, who is scratched, which reserve runs.

    The form names runners by where they stand on the card. Where reserves are to step in by themselves, the
    first of them takes the box of the runner that is scratched, as the rules of racing have it.
    """
    runners = [_changed(runner, str(place), form) for place, runner in enumerate(card["runners"])]
    steps_in = _step_in(runners, form.get("scratch", ""), trap_word) if "step_in" in form else ""
    return ChangedCard({**card, "runners": runners}, steps_in)


def _step_in(runners: list[dict[str, Any]], scratched: str, trap_word: str) -> str:
    if not scratched.isascii() or not scratched.isdigit() or int(scratched[:4]) >= len(runners):
        return ""
    box = runners[int(scratched[:4])]["box"]
    waiting = [one for one in runners if is_reserve(one) and not one.get("is_scratched")]
    if not waiting or box in {one["box"] for one in runners if not one.get("is_scratched")}:
        return ""
    first = min(waiting, key=_number)
    first |= {"rug": _number(first), "box": box, "is_reserve": False}
    return f"{first.get('name', 'It')} ({first['rug']}), the first reserve, takes {trap_word} {box}."


def _number(runner: Mapping[str, Any]) -> int:
    """Return a runner's number on the card; a card that somebody has changed may have anything there."""
    rug = runner.get("rug")
    return rug if isinstance(rug, int) and rug else int(runner["box"])


def is_reserve(runner: Mapping[str, Any]) -> bool:
    """Return whether a runner of a card is in reserve: as it says, else where it stands in box 9 or 10."""
    says = runner.get("is_reserve")
    return bool(runner["box"] > LAST_TRAP) if says is None else bool(says)


def _changed(runner: Mapping[str, Any], place: str, form: Mapping[str, str]) -> dict[str, Any]:
    changed = dict(runner)
    if f"price{place}" in form:
        changed.pop("price", None)
        if text := _of(form, f"price{place}"):
            changed["price"] = _decimal(text)
    if text := _of(form, f"new_price{place}"):  # of a page that is live: what is left empty stays as it is
        changed["price"] = _decimal(text)
    if form.get("scratch") == place:
        changed["is_scratched"] = True
    elif form.get("restore") == place:
        changed.pop("is_scratched", None)
    elif form.get("run") == place and (box := _of(form, f"box{place}")):
        changed |= {"box": _whole(box), "rug": changed.get("rug") or changed["box"], "is_reserve": False}
    elif form.get("rest") == place:
        changed |= {"box": changed.get("rug") or changed["box"], "is_reserve": True}
    return changed


def carried_card(text: str) -> dict[str, Any] | None:
    """Return the card that a page carries from one question to the next; None if somebody has changed it."""
    try:
        card = json.loads(text, parse_constant=_refuse)
        runners = card["runners"]
        json.dumps(card, ensure_ascii=False, allow_nan=False).encode()  # half a surrogate pair is no text
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    is_field = isinstance(runners, list) and all(isinstance(runner, dict) for runner in runners)
    return card if is_field and all(isinstance(runner.get("box"), int) for runner in runners) else None


def broken_rules(problem: Problem, card: Mapping[str, Any] | None = None) -> list[tuple[str, str]]:
    """Return where a card or a file breaks a rule, by its label, and the rule."""
    return [(_where(error.pointer, card), error.rule) for error in problem.errors]


def _where(pointer: str, card: Mapping[str, Any] | None) -> str:
    steps = pointer.removeprefix("#").strip("/").split("/")
    if pointer.startswith("?"):
        return _PLACES.get(pointer[1:], pointer[1:])
    if steps[0] == "runners" and len(steps) > 1 and card is not None:
        runner = card["runners"][int(steps[1])]
        return ", ".join([f"Box {runner['box']}", *steps[2:]])
    return _PLACES.get(steps[0], "The card" if steps[0] in ("", "runners") else steps[0].capitalize())


def _runner(form: Mapping[str, str], box: int) -> dict[str, Any] | None:
    name, price = _of(form, f"name{box}"), _of(form, f"price{box}")
    if not name and not price:
        return None
    return {"name": name, "box": box} | ({"price": _decimal(price)} if price else {})


def _of(form: Mapping[str, str], name: str) -> str:
    return form.get(name, "").strip()


def _whole(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


def _decimal(text: str) -> float | str:
    try:
        number = float(text.strip("$").replace(",", "."))
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _refuse(word: str) -> None:
    raise ValueError(f"JSON has no {word}")
