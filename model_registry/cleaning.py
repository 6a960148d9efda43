"""What a registry says, cut and cleaned: whoever may write to it writes anything, and nobody chokes on it."""

import math
import re

MAX_CHARACTERS = 2000
"""Of a tag or a description that is shown; what is longer is cut."""
MAX_METRIC_CHARACTERS = 40

_DIGEST = re.compile(r"[0-9a-f]{64}")


def clean(text: object, at_most: int = MAX_CHARACTERS) -> str:
    """Return a text that every encoder takes, at most so long; what is none is empty."""
    if not isinstance(text, str):
        return ""
    return text[:at_most].encode("utf-8", "replace").decode()


def is_text(value: object) -> bool:
    """Return whether a value is a text that every encoder takes: without lone surrogates."""
    return isinstance(value, str) and clean(value, len(value)) == value


def clean_digest(text: object) -> str:
    """Return a sha256 in hexadecimal digits, or nothing."""
    return text if isinstance(text, str) and _DIGEST.fullmatch(text) else ""


def clean_metric(text: object) -> float | None:
    """Return a finite number, or None."""
    if not isinstance(text, str) or len(text) > MAX_METRIC_CHARACTERS:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
