"""How numbers and times are written on pages: filters of the templates."""

import datetime as dt
import math
import re

from flask import Flask
from markupsafe import Markup

from greyhound_client.models import GateOut

PRICES = "prices:"
"""Begins the key of a contestant that is a list of prices."""
NOTHING = Markup('<span class="nothing" title="not known">–</span>')


def percent(value: float | None, decimals: int = 1) -> str | Markup:
    """Write a share as a percentage: 0.3127 is ``31.3 %``."""
    return NOTHING if _unknown(value) else f"{100 * value:.{decimals}f}\u202f%"  # type: ignore[operator]


def figure(value: float | None, decimals: int = 4) -> str | Markup:
    """Write a number with a fixed number of decimals, and a true minus sign."""
    return NOTHING if _unknown(value) else f"{value:.{decimals}f}".replace("-", "\u2212")


def signed(value: float | None, decimals: int = 4) -> str | Markup:
    """Write a difference: with its sign always."""
    return NOTHING if _unknown(value) else f"{value:+.{decimals}f}".replace("-", "\u2212")


def edge(value: float | None) -> str | Markup:
    """Write what a stake returns beyond itself: 0.264 is ``+26 %``."""
    if _unknown(value):
        return NOTHING
    assert value is not None
    return f"{100 * value:+.0f}\u202f%".replace("-", "\u2212")


def price(value: float | None) -> str | Markup:
    """Write decimal odds as bookmakers do: 3.20, 14.5, 210."""
    if value is None or math.isnan(value):
        return NOTHING
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def count(value: float | None) -> str | Markup:
    """Write a number of things with thin spaces between thousands."""
    return NOTHING if _unknown(value) else f"{value:,.0f}".replace(",", "\u202f")


def size(n_bytes: float | None) -> str | Markup:
    """Write a number of bytes as MB."""
    return NOTHING if _unknown(n_bytes) else f"{n_bytes / 1e6:.1f}\u202fMB"  # type: ignore[operator]


def when(at: dt.datetime | dt.date | str | None) -> Markup:
    """Write a time (UTC) or a day; the page's script adds how long ago a time was, and keeps that true."""
    if at is None:
        return NOTHING
    if isinstance(at, str):
        at = dt.datetime.fromisoformat(at)
    if not isinstance(at, dt.datetime):
        return Markup('<time datetime="{0}">{1} {2}</time>').format(
            at.isoformat(), f"{at:%a} {at.day}", f"{at:%b %Y}"
        )
    utc = at.astimezone(dt.UTC) if at.tzinfo else at.replace(tzinfo=dt.UTC)
    written = f"{utc.day} {utc:%b %Y %H:%M} UTC"
    return Markup('<time datetime="{}" data-ago>{}</time>').format(utc.isoformat(timespec="seconds"), written)


def day(at: dt.date | None) -> str | Markup:
    """Write a day, of a time too, as short as a table wants it."""
    return NOTHING if at is None else f"{at.day} {at:%b %Y}"


def short(value: float | None) -> str | Markup:
    """Write a number whose size is not known before: 0.0072, 0.713, 5.3e-07."""
    if _unknown(value):
        return NOTHING
    assert value is not None
    small = 0 < abs(value) < 1e-4
    return (f"{value:.1e}" if small else f"{value:.4f}".rstrip("0").rstrip(".")).replace("-", "\u2212", 1)


def capitalize_first(text: str) -> str:
    """Begin a sentence; unlike Jinja's ``capitalize`` it leaves the rest as it is."""
    return Markup(text[:1].upper()) + text[1:] if isinstance(text, Markup) else text[:1].upper() + text[1:]


def contestant(key: str) -> str:
    """Write a contestant's name: Version 8, or the name of the prices."""
    return key.removeprefix(PRICES) if key.startswith(PRICES) else f"Version {key}"


def lower_first(text: str) -> str:
    """Go on with a sentence: version 8. A name of prices is left as it is."""
    return text[:1].lower() + text[1:] if text.startswith("Version ") else text


def full_stop(text: str) -> str:
    """End a sentence with one full stop, wherever the text came from."""
    text = text.strip()
    return text if not text or text.endswith((".", "!", "?", ":")) else f"{text}."


def sentence(text: str) -> str:
    """Begin a sentence with a capital letter and end it with one full stop."""
    return capitalize_first(full_stop(text))


def gate_reason(reason: str) -> str:
    """Write a gate's sentence as it is read later: its interval is named, what was so then is past."""
    reason = _INTERVAL.sub(r"(95 % interval \1 to \2)", reason)
    return reason.replace("there is no champion yet", "no version was champion when it was trained")


def is_interval_end(gate: GateOut) -> bool:
    """Say whether what a gate measured is an end of an interval, and not the difference itself."""
    ends = _INTERVAL.search(gate.reason)
    if ends is None or gate.value is None:
        return False
    decimals = len(ends[1].partition(".")[2])
    return f"{gate.value:+.{decimals}f}" in ends.groups()


_INTERVAL = re.compile(r"\[([+-][\d.]+), ([+-][\d.]+)\]")


def install(app: Flask) -> None:
    """Make the filters known to every template."""
    for filter_ in (
        percent,
        figure,
        signed,
        price,
        edge,
        count,
        size,
        when,
        day,
        short,
        capitalize_first,
        lower_first,
        full_stop,
        sentence,
        contestant,
        gate_reason,
        is_interval_end,
    ):
        app.add_template_filter(filter_)


def _unknown(value: float | None) -> bool:
    return value is None or not math.isfinite(value)
