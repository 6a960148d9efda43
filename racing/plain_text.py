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
