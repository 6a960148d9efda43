"""What a market's definition says: which race it is about, who runs, who was removed, how it ended."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from racing.domain.grades import grade_of
from racing.domain.regions import country_of
from racing.domain.track_time import has_known_zone, today_at
from racing.domain.tracks import track_name
from racing.importers.formats.betfair_sp import race_of_name
from racing.importers.records.source_record import RowRefused

GREYHOUNDS = "4339"
_SPORTS = {"1": "soccer", "2": "tennis", "4": "cricket", "7": "horse racing"}
WIN, PLACE = "WIN", "PLACE"
# "R6 295m C1", "R12 352mHeat", "R10 457 M5"; British "A8 400m", "OR 480m"; "480m Flat" has neither
_NAME = re.compile(r"(?:R(\d{1,2})\s+)?(.*?)\s*(?<![\d.])(\d{3,4})\s?(?:m\b|m(?=[A-Z])|\b)\s*(.*)")
# "Devonport (AUS) 1st Mar", "Romford 3rd Mar"
_EVENT = re.compile(r"(.*?)(?:\s+\([A-Z]{2,3}\))?\s+(\d{1,2})(?:st|nd|rd|th)\s+([A-Z][a-z]{2})[a-z]*")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_RUNNER = re.compile(r"\s*(\d{1,2})\.\s*(.*)", re.DOTALL)
_COUNTRIES = ("AU", "NZ", "GB", "IE")
_SETTLED = {"WINNER": True, "LOSER": False, "PLACED": True}
_UNSETTLED = ("ACTIVE", "HIDDEN")
REMOVED = "REMOVED"
_EARLY_HOURS = 6  # a meeting that began the evening before may end after midnight


@dataclass(frozen=True, slots=True)
class StreamRunner:
    """A runner of a market."""

    selection: int
    name: str
    """As the market names it, without its number."""
    number: int | None
    """On its rug; the trap in Britain."""
    status: str
    bsp: float | None
    removed_at: dt.datetime | None
    """UTC, without a zone."""

    @property
    def won(self) -> bool | None:
        """Return how it ended, in a place market whether it was placed; ``None`` while that is unknown."""
        return _SETTLED.get(self.status)


@dataclass(frozen=True, slots=True)
class StreamMarket:
    """A market as its newest definition in a recording has it."""

    market_id: str
    kind: str
    """``WIN``, ``PLACE``, ``MATCH_BET`` ..."""
    track: str
    date: dt.date
    """The track's own day."""
    off_at: dt.datetime
    """When the race is due, UTC without a zone."""
    is_settled: bool
    n_winners: int
    race_number: int | None
    distance_m: int | None
    """Place markets do not tell it."""
    grade: str | None
    runners: tuple[StreamRunner, ...]

    @property
    def off_ms(self) -> int:
        """Return when the race is due in milliseconds since 1970."""
        return int(self.off_at.replace(tzinfo=dt.UTC).timestamp() * 1000)


def sport_of(definition: dict[str, Any]) -> str:
    """Return the sport of a market: ``greyhounds``, else its name or Betfair's number of it."""
    number = str(definition.get("eventTypeId"))
    return "greyhounds" if number == GREYHOUNDS else _SPORTS.get(number, f"event type {number}")


def market_of(market_id: str, definition: dict[str, Any]) -> StreamMarket:
    """Return what a definition says.

    Raises
    ------
    RowRefused
        If it does not say which race it is about, or who runs.
    """
    try:
        off_at = _time(definition["marketTime"])
        if off_at is None:
            raise RowRefused(f"marketTime is a time in UTC, got {str(definition['marketTime'])[:40]!r}")
        kind = str(definition["marketType"])
        track, date = _meeting(definition, off_at)
        number, distance, grade = (
            _race_name(str(definition.get("name") or "")) if kind == WIN else (None,) * 3
        )
        return StreamMarket(
            market_id,
            kind,
            track,
            date,
            off_at,
            definition.get("status") == "CLOSED",
            int(definition.get("numberOfWinners") or 1),
            number,
            distance,
            grade,
            tuple(map(_runner, definition["runners"])),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise RowRefused(f"a market's definition names its race and runners, got {error!r}") from None


def _meeting(definition: dict[str, Any], off_at: dt.datetime) -> tuple[str, dt.date]:
    """Return track and day of a market: the track's own, or that of an evening that ends after midnight."""
    event = _EVENT.fullmatch(str(definition.get("eventName") or "").strip())
    track = str(definition.get("venue") or (event[1] if event else "")).strip()
    if not track:
        raise RowRefused("a market has a venue, got none")
    country = definition.get("countryCode")
    known = country_of(track_name(track))
    if known and country in _COUNTRIES and country != known:
        track = f"{track} ({country})"  # Richmond, say, is a track of ours in another country
    zone = _zone(definition.get("timezone"))
    moment = off_at.replace(tzinfo=dt.UTC)
    local = moment.astimezone(zone) if zone else moment
    date = today_at(track, moment) if has_known_zone(track) else local.date()
    if event and local.hour < _EARLY_HOURS and event[3] in _MONTHS:
        evening = date - dt.timedelta(days=1)
        if (evening.day, evening.month) == (int(event[2]), _MONTHS.index(event[3]) + 1):
            date = evening
    return track, date


def _zone(name: object) -> ZoneInfo | None:
    try:
        return ZoneInfo(str(name)) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _race_name(name: str) -> tuple[int | None, int, str | None]:
    found = _NAME.fullmatch(name.strip())
    if not found:
        return race_of_name(name[:100])  # in yards
    grade = " ".join(part for part in (found[2], found[4]) if part)
    return int(found[1]) if found[1] else None, int(found[3]), grade_of(grade)


def _runner(runner: dict[str, Any]) -> StreamRunner:
    status = str(runner["status"])
    if status not in _SETTLED and status not in _UNSETTLED and status != REMOVED:
        raise RowRefused(
            f"a runner's status is ACTIVE, REMOVED, WINNER, LOSER or PLACED, got {status[:40]!r}"
        )
    numbered = _RUNNER.fullmatch(str(runner["name"]))
    bsp = runner.get("bsp")
    return StreamRunner(
        int(runner["id"]),
        numbered[2] if numbered else str(runner["name"]),
        int(numbered[1]) if numbered else None,
        status,
        float(bsp) if isinstance(bsp, int | float) else None,
        _time(runner.get("removalDate")),
    )


def _time(text: object) -> dt.datetime | None:
    """Return a time such as ``2022-03-01T02:00:00.000Z`` in UTC, without its zone."""
    try:
        moment = dt.datetime.fromisoformat(str(text))
        return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
