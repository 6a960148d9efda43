"""The first and the last word of a dog's name: often the mark of its kennel."""

import re
from functools import lru_cache

from racing.domain.names import letters_and_digits, plain_name

Words = tuple[str, str]
"""The first and the last word of a name."""
_BETWEEN_WORDS = re.compile(r"[\s\-_/]+")
_LONGEST = 24  # signs of a word that count


@lru_cache(maxsize=16_384)  # strangers can fill no more
def outer_words(name: str, state: str = "") -> Words:
    """Return the first and the last word of a name, in whichever of the usual ways a source writes it.

    Words are in capitals, without accents and apostrophes, and marked as first or last. Names of one word
    share an empty last one. Words of two states are two, for a kennel runs its dogs near its home.

    >>> outer_words("3. Nala's Little Ghost (NZ)", "NSW"), outer_words("Hatari")
    (('NALAS-/NSW', '-GHOST/NSW'), ('HATARI-/', '-/'))
    """
    parts = map(letters_and_digits, _BETWEEN_WORDS.split(plain_name(name)))
    words = [word[:_LONGEST] for word in parts if word] or [""]
    last = words[-1] if len(words) > 1 else ""
    return f"{words[0]}-/{state}", f"-{last}/{state}"
