"""Tables and text in Markdown."""

import re
from collections.abc import Iterable, Sequence

_ROLE = re.compile(r":\w+:`~?(?:[\w.]*\.)?(\w+)`")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines) + "\n"


def code(text: object) -> str:
    """Return text as code; nothing for nothing."""
    return f"`{text}`" if text not in (None, "") else ""


def of_docstring(text: str | None) -> str:
    """Return a docstring as Markdown: its roles and double backticks become single ones."""
    lines = [line.strip() for line in (text or "").strip().splitlines()]
    return _ROLE.sub(r"`\1`", "\n".join(lines)).replace("``", "`")


def sentence(text: str) -> str:
    """Return text that begins with a capital and ends with a full stop."""
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text.endswith((".", "`)", "?")) else ".")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
