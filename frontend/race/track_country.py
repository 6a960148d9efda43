"""The country of a card that is not stored, by the name of its track."""

from frontend import api
from greyhound_client import Problem, TimedOut

MAX_NAME = 60


def country_of(track: str) -> str | None:
    """Return the country of a track under any of its names; None where it is not known, or nobody says."""
    name = track.strip()[:MAX_NAME]
    if not name:
        return None
    try:
        found = api.client().tracks(name).tracks
    except (Problem, TimedOut):
        return None
    same = [one for one in found if name.casefold() in (one.name.casefold(), *map(str.casefold, one.aliases))]
    countries = {one.country for one in same or found}
    return countries.pop() if len(countries) == 1 else None
