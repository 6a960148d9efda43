"""The affixes of a dog's name, its first and its last word: often the mark of its kennel."""

import re
from functools import lru_cache

from racing.domain.names import letters_and_digits, plain_name

Affixes = tuple[str, str]
"""The first and the last word of a name."""
_SEPARATOR = re.compile(r"[\s\-_/]+")
_LONGEST = 24  # signs of a word that count


@lru_cache(maxsize=16_384)  # strangers can fill no more
def name_affixes(name: str, state: str = "") -> Affixes:
    """Return the first and the last word of a name, in whichever of the usual ways a source writes it.

    They are in capitals, without accents and apostrophes, and marked as first or last. Names of one word
    share an empty last one. In another state a word is another, for a kennel runs its dogs near its home.

    >>> name_affixes("3. Nala's Little Ghost (NZ)", "NSW"), name_affixes("Hatari")
    (('NALAS-/NSW', '-GHOST/NSW'), ('HATARI-/', '-/'))
    """
    parts = map(letters_and_digits, _SEPARATOR.split(plain_name(name)))
    first, *others = [part[:_LONGEST] for part in parts if part] or [""]
    last = others[-1] if others else ""
    return f"{first}-/{state}", f"-{last}/{state}"
