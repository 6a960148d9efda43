"""How figures and names are written on the page; an unknown figure is a dash."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from racing.metrics import Difference
from training.export.summary import BALANCES, KINDS
from training.page.markup import Html, element, join

MINUS = "\N{MINUS SIGN}"
UNKNOWN = "\N{EN DASH}"


def number(value: float | None, digits: int = 4) -> str:
    """Return a figure with fixed decimals."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return f"{value:,.{digits}f}".replace("-", MINUS)


def signed(value: float | None, digits: int = 4) -> str:
    """Return a difference with its sign."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return f"{value:+.{digits}f}".replace("-", MINUS)


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share in percent."""
    text = number(share if share is None else 100 * share, digits)
    return text if text == UNKNOWN else f"{text}\N{NO-BREAK SPACE}%"


def interval(gap: Difference, digits: int = 4) -> str:
    """Return a difference with its 95 % interval."""
    if not math.isfinite(gap.difference):
        return UNKNOWN
    return f"{signed(gap.difference, digits)} [{signed(gap.low, digits)}, {signed(gap.high, digits)}]"


def kind(name: str) -> str:
    """Return a family's name as people write it."""
    return KINDS.get(name, name.replace("_", " "))


def balance(name: str) -> str:
    """Return what is done about the few winners, as people call it."""
    return BALANCES.get(name, "nothing" if name == "none" else name)


def races_text(window: Mapping[str, Any]) -> str:
    """Return how many races a part of the data has: whole ones, and apart from them the others."""
    whole, others = window["races"], window.get("other_races", 0)
    races = f"{whole:,} whole race" + ("" if whole == 1 else "s")
    return f"{races} and {others:,} known in part" if others else races


def duration(seconds: float) -> str:
    """Return a time that a person can weigh."""
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def among(names: Sequence[str], last: str = "and") -> str:
    """Return names as a sentence lists them."""
    return f"{', '.join(names[:-1])} {last} {names[-1]}" if len(names) > 1 else "".join(names)


def section(key: str, title: str, lead: str | Html, *content: Html | None) -> Html:
    """Return a section that begins with a sentence saying what to see."""
    return element(
        "section",
        element("h2", title, id=f"{key}-title"),
        element("p", lead, cls="lead"),
        join(*content),
        id=key,
        aria_labelledby=f"{key}-title",
    )


def figure(picture: Html, caption: str | Html, title: str = "") -> Html:
    """Return a picture with what it shows below it."""
    heading = element("h3", title) if title else None
    return element("figure", heading, picture, element("figcaption", caption) if caption else None)


def beside(picture: Html, *words: Html | None) -> Html:
    """Return a picture with words to its right, or below it where there is no room."""
    return element("div", picture, element("div", *words), cls="beside")


def note(text: str | Html) -> Html:
    """Return a remark in small print."""
    return element("p", text, cls="note")


def plain_table(
    caption: str, heads: Sequence[str], rows: Sequence[Sequence[str | Html]], marked: Sequence[bool] = ()
) -> Html:
    """Return a table of figures; the first column names the rows, ``marked`` ones stand out."""
    head = [element("th", name, scope="col", cls="figure" if i else None) for i, name in enumerate(heads)]
    flags = marked or [False] * len(rows)
    body = [
        element(
            "tr",
            element("th", row[0], scope="row"),
            [element("td", cell, cls="figure") for cell in row[1:]],
            cls="marked" if flag else None,
        )
        for row, flag in zip(rows, flags, strict=True)
    ]
    table = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", head)),
        element("tbody", body),
    )
    return element("div", table, cls="scroll", role="region", aria_label=caption, tabindex="0")
