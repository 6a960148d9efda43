"""The key under which every source's spelling of a dog's or a track's name meets."""

import re
import unicodedata
from functools import lru_cache

# A number on a card: "3. Sir Tick", "3.Sir Tick", "03 Sir Tick". A bare digit may be the name's
# ("7 Up Girl"); of 35,000 names in Betfair's files and form guides none begins with a digit.
_NUMBER = re.compile(r"^\s*(?:\d{1,2}\.\s+|\d{1,2}\.(?=[^\W\d])|0\d\s+)")
# What sources hang on a name: a reserve, a country of birth, an Australian state, a British seed (wide),
# an emergency's or a box's number.
_SUFFIX = re.compile(
    r"""(?:[(\[]\s*(?:
        R | RES | RESERVE | E\d{0,2} | EM | EMG | EMERGENCY | \d{1,2}
        | NZ | NZL | AU | AUS | IRE | IRL | GB | GBR | UK | USA | US
        | VIC | NSW | QLD | SA | WA | TAS | NT | ACT
        | W | M
    )\s*[)\]]|(?<=\s)NBT)\s*$""",
    re.IGNORECASE | re.VERBOSE,
)
_NOT_A_LETTER_OR_DIGIT = re.compile(r"[^A-Z0-9]+")
# Latin letters that Unicode does not take apart, written as passports do (ICAO 9303).
_LATIN = str.maketrans(
    {"Ø": "O", "Æ": "AE", "Œ": "OE", "Ł": "L", "Đ": "D", "Ð": "D", "Þ": "TH", "Ħ": "H", "Ŧ": "T", "Ŋ": "N"}
)
_PLACEHOLDERS = frozenset(
    (
        "VACANT", "VACANTBOX", "VACANTTRAP", "EMPTY", "EMPTYBOX", "NORUNNER", "NORESERVE", "NODOG",
        "NODECLARATION", "NAN", "NA", "NONE", "NULL", "NIL", "TBA", "TBC", "TBD", "UNKNOWN",
    )
)  # fmt: skip


@lru_cache(maxsize=8_192)  # a card asks for each of its names several times; strangers can fill no more
def name_key(name: str) -> str:
    """Return the key of a name: ``"3. Nala's Ghost (NZ)"`` and ``"NALAS GHOST"`` give ``"NALASGHOST"``.

    Card numbers, suffixes, case, accents, punctuation and spaces differ between sources; letters and
    digits, of whichever script, do not.
    """
    return letters_and_digits(plain_name(name))


def letters_and_digits(text: str) -> str:
    """Return the letters and digits of a text, in capitals and without accents: ``"O'Hara"``, ``OHARA``."""
    if text.isascii():
        return _NOT_A_LETTER_OR_DIGIT.sub("", text.upper())
    return _key_of_any_script(text)


@lru_cache(maxsize=8_192)
def plain_name(name: str) -> str:
    """Return a name without what a source hangs on it: ``"02 Alpha One (Res)"`` gives ``"Alpha One"``."""
    name = without_number(name)
    while name.endswith((")", "]", "T", "t")) and (found := _SUFFIX.search(name)) and found.start():
        name = name[: found.start()].rstrip()
    return name


def without_number(name: str) -> str:
    """Return a name without the number that it bears on a card: ``"3. Sir Tick"`` gives ``"Sir Tick"``."""
    return _NUMBER.sub("", name).strip()


def is_placeholder(name: str) -> bool:
    """Return whether a name stands for an empty box or a missing value, as ``VACANT`` and ``nan`` do."""
    return name_key(name) in _PLACEHOLDERS


def _key_of_any_script(name: str) -> str:
    """Return the key of a name that has letters beyond ASCII.

    Accents fall off Latin and Greek letters, which are also written without; a mark of another script is
    part of its letter (``й`` is not ``и``) and stays.
    """
    plain = unicodedata.normalize("NFKD", name).upper().translate(_LATIN)
    signs: list[str] = []
    is_bare = False  # whether the marks that follow fall off
    for sign in plain:
        if sign.isalnum():
            signs.append(sign)
            is_bare = sign.isascii() or "\u0370" <= sign <= "\u03ff" or "LATIN" in unicodedata.name(sign, "")
        elif unicodedata.category(sign)[0] == "M" and signs and not is_bare:
            signs.append(sign)
    return unicodedata.normalize("NFC", "".join(signs))
