"""The first and the last word of a dog's name: often the mark of its kennel."""

import re
from functools import lru_cache

from racing.domain.names import letters_and_digits, plain_name

_BETWEEN_WORDS = re.compile(r"[\s\-_/]+")
_LONGEST = 24  # signs of a word that count


@lru_cache(maxsize=8_192)  # strangers can fill no more
def outer_words(name: str, studbook: str = "") -> tuple[str, str]:
    """Return the first and the last word of a name, in whichever of the usual ways a source writes it.

    Words are in capitals, without accents and apostrophes, and marked as first or last. Names of one word
    share an empty last one. ``studbook`` tells apart the words of countries whose dogs do not meet
    (:func:`racing.domain.regions.studbook_of`).

    >>> outer_words("3. Nala's Little Ghost (NZ)"), outer_words("Hatari"), outer_words("Droopys Air", "GB")
    (('NALAS-', '-GHOST'), ('HATARI-', '-'), ('DROOPYS-/GB', '-AIR/GB'))
    """
    parts = map(letters_and_digits, _BETWEEN_WORDS.split(plain_name(name)))
    words = [word[:_LONGEST] for word in parts if word] or [""]
    last = words[-1] if len(words) > 1 else ""
    suffix = studbook and f"/{studbook}"
    return f"{words[0]}-{suffix}", f"-{last}{suffix}"
