"""Tables and words in Markdown."""

import re
from collections.abc import Iterable, Sequence

_ROLE = re.compile(r":\w+:`~?(?:[\w.]*\.)?(\w+)`")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(words) for words in line)} |" for line in lines) + "\n"


def code(words: object) -> str:
    """Return words in the letters of code; nothing for nothing."""
    return f"`{words}`" if words not in (None, "") else ""


def of_docstring(text: str | None) -> str:
    """Return a docstring's words as Markdown: its roles and double backticks become single ones."""
    lines = [line.strip() for line in (text or "").strip().splitlines()]
    return _ROLE.sub(r"`\1`", "\n".join(lines)).replace("``", "`")


def sentence(words: str) -> str:
    """Return words that begin large and end with a full stop."""
    words = words.strip()
    if not words:
        return ""
    return words[0].upper() + words[1:] + ("" if words.endswith((".", "`)", "?")) else ".")


def _cell(words: str) -> str:
    return " ".join(words.split()).replace("|", "\\|")
