"""The aliases of the registry: which version serves, and which ones run beside it."""

from collections.abc import Mapping

CHAMPION, CHALLENGER = "champion", "challenger"
MAX_CHALLENGERS = 4
CHALLENGERS = (CHALLENGER, *(f"{CHALLENGER}-{number}" for number in range(2, MAX_CHALLENGERS + 1)))
"""The aliases of challengers, in order."""


def challengers_among(aliases: Mapping[str, int]) -> dict[str, int]:
    """Return the challengers by alias, in their order; the champion is none of them."""
    champion = aliases.get(CHAMPION)
    found = ((alias, aliases.get(alias)) for alias in CHALLENGERS)
    return {alias: version for alias, version in found if version is not None and version != champion}
