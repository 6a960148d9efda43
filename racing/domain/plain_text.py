"""Which characters a name may hold: those that print, and do not rearrange what stands beside them."""

import re

# Control characters (a NUL is no text to PostgreSQL), halves of a surrogate pair, ends of lines, and what is
# invisible or turns the order of its neighbours around. The joiners U+200C and U+200D belong to some scripts.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff\U000e0000-\U000e007f]"
)


def unprintable(text: str) -> str | None:
    """Return the rule that a text breaks, with the character; ``None`` if all of it prints."""
    if text.isascii() and text.isprintable():  # nearly every name
        return None
    found = _UNPRINTABLE.search(text)
    return (
        None if found is None else f"must hold characters that print, got U+{ord(found[0]):04X} in {text!r}"
    )


def visible(text: str, *, is_one_line: bool = False) -> str:
    r"""Return a text with an escape such as ``\x1b`` for each character that would steer a terminal.

    Line feeds and tabs stay, unless it must remain one line. A backslash stays as it is: this is for people.
    """
    if text.isascii() and text.isprintable():
        return text
    return _UNPRINTABLE.sub(lambda found: _escape(found[0], is_one_line=is_one_line), text)


def _escape(letter: str, *, is_one_line: bool) -> str:
    if letter in "\n\t" and not is_one_line:
        return letter
    return letter.encode("unicode_escape").decode()


def json_escaped(document: str) -> str:
    r"""Return a JSON document that means the same, with ``\u009b`` for each character that steers a terminal.

    They stand within strings only; what a document is laid out with stays.
    """
    return _UNPRINTABLE.sub(_json_escape, document)


def _json_escape(found: re.Match[str]) -> str:
    if found[0] in "\n\r\t":
        return found[0]
    halves = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{halves[at]:02x}{halves[at + 1]:02x}" for at in range(0, len(halves), 2))
