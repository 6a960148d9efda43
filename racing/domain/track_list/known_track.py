"""What is known of a track: its name, where it lies, and what sources call it."""

from collections.abc import Iterable
from dataclasses import dataclass

from racing.domain.names import name_key

WHERE = ("state", "country", "zone")
"""What the database says of where a track lies."""
COUNTRIES = ("AU", "NZ", "GB", "IE")
ZONE_OF_STATE = {
    "ACT": "Australia/Sydney",
    "NSW": "Australia/Sydney",
    "NT": "Australia/Darwin",
    "QLD": "Australia/Brisbane",
    "SA": "Australia/Adelaide",
    "TAS": "Australia/Hobart",
    "VIC": "Australia/Melbourne",
    "WA": "Australia/Perth",
    "NZ": "Pacific/Auckland",
    "GB": "Europe/London",
    "IE": "Europe/Dublin",
}
_ZONE_OF_TRACK = {"Broken Hill": "Australia/Broken_Hill"}  # keeps the time of South Australia


@dataclass(frozen=True, slots=True)
class KnownTrack:
    """A track under our name for it, its state, and the other names that sources give it.

    Outside Australia the state is the country. Northern Ireland is GB, as in ISO 3166.
    """

    name: str
    state: str
    aliases: tuple[str, ...] = ()

    @property
    def country(self) -> str:
        """AU, NZ, GB or IE."""
        return self.state if self.state in COUNTRIES else "AU"

    @property
    def zone(self) -> str:
        """Its time zone's name in the IANA database, as ``Australia/Sydney``."""
        return _ZONE_OF_TRACK.get(self.name) or ZONE_OF_STATE[self.state]

    @property
    def where(self) -> dict[str, str]:
        """State, country and zone by their names."""
        return {name: getattr(self, name) for name in WHERE}


def by_alias(tracks: Iterable[KnownTrack]) -> dict[str, str]:
    """Return the name of the track that each alias, as a key, stands for.

    Raises
    ------
    ValueError
        If an alias stands for two tracks.
    """
    names: dict[str, str] = {}
    for track in tracks:
        for alias in (track.name, *track.aliases):
            other = names.setdefault(name_key(alias), track.name)
            if other != track.name:
                raise ValueError(f"an alias names one track, {alias!r} names {other} and {track.name}")
    return names
