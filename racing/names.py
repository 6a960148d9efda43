"""The key under which every source's spelling of a dog's or a track's name meets."""

import re
import unicodedata
from functools import lru_cache

_NUMBER = re.compile(r"^\s*\d{1,2}\.\s+")
_NOT_A_LETTER_OR_DIGIT = re.compile(r"[^A-Z0-9]+")
_PLACEHOLDERS = frozenset(
    "VACANT VACANTBOX VACANTTRAP EMPTY EMPTYBOX NORUNNER NORESERVE NODOG NODECLARATION NAN NA NONE NULL NIL TBA TBC TBD "
    "UNKNOWN".split()
)


@lru_cache(maxsize=65_536)  # all dogs of a country: a card asks for each of its names several times
def name_key(name: str) -> str:
    """Return the key of a name: ``"3. Nala's Ghost"`` and ``"NALAS GHOST"`` give ``"NALASGHOST"``.

    Card numbers, case, accents, punctuation and spaces differ between sources; letters and digits do not.
    """
    plain = unicodedata.normalize("NFKD", without_number(name)).upper()
    return _NOT_A_LETTER_OR_DIGIT.sub("", plain)


def without_number(name: str) -> str:
    """Return a name without the number that it bears on a card: ``"3. Sir Tick"`` gives ``"Sir Tick"``."""
    return _NUMBER.sub("", name).strip()


def is_placeholder(name: str) -> bool:
    """Return whether a name stands for an empty box or a missing value, such as ``VACANT``, ``nan`` or ``N/A``."""
    return name_key(name) in _PLACEHOLDERS
