"""How many traps a race has, and whose colours its runners wear, by the country of its track.

Australia and New Zealand start eight, Britain and Ireland six; 2, 4, 5 and 6 differ in colour.
"""

_SIX_TRAPS = frozenset({"GB", "IE"})


def n_traps(country: str | None) -> int:
    """Return how many traps a race has; a country that is not known has eight."""
    return 6 if country in _SIX_TRAPS else 8


def jacket(country: str | None) -> str:
    """Return the class of the style sheet that has the colours; the first eight numbers' are its default."""
    return "british" if country in _SIX_TRAPS else ""


def trap_word(country: str | None) -> str:
    """Return what people there call the place that a runner starts from."""
    return "trap" if country in _SIX_TRAPS else "box"
