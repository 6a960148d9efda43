"""Days, tracks and countries of a version: what it learnt from and was judged on, by its documents."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from racing.domain.names import name_key
from racing.domain.regions import COUNTRY_NAMES, country_of
from racing.domain.tracks import track_key

JUDGED = "judged"
"""The document that a refitted model carries (``judged.json``), and the folder of its training's run where
the judged model itself lies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """The last days that a version learnt from; ``None`` where its artifact lacks them."""

    tracks: frozenset[str] = frozenset()
    """Keys of the tracks of whose races what serves has learnt; empty where its artifact does not say."""
    countries: tuple[str, ...] = ()
    """Countries of those tracks, as ``AU``."""
    only_countries: tuple[str, ...] = ()
    """Countries that its training was restricted to; empty if it was not."""

    learnt_from: dt.date | None = None
    learnt_until: dt.date | None = None
    """Last day that what serves has learnt from."""
    judged_learnt_until: dt.date | None = None
    """Last day that the judged model had learnt from; the same day where that model serves."""
    judged_digest: str | None = None
    """Digest of the judged model's artifact; ``None`` where that model serves itself."""
    test_from: dt.date | None = None
    test_until: dt.date | None = None

    @property
    def is_refit(self) -> bool:
        """Whether what serves was fitted again after the judgement, on all races."""
        return self.judged_digest is not None

    @property
    def sentence(self) -> str | None:
        """Return on which races the figures were made and what had been learnt then, for people."""
        if None in (self.test_from, self.test_until, self.judged_learnt_until):
            return None
        window = f"{self.test_from} to {self.test_until}"
        where = f" Only races of {country_names(self.only_countries)}." if self.only_countries else ""
        if not self.is_refit:
            return f"Judged on {window}; it has learnt to {self.judged_learnt_until}.{where}"
        return (
            f"Judged on {window} by the same recipe, which had learnt to {self.judged_learnt_until}; "
            f"what serves has learnt to {self.learnt_until}.{where}"
        )

    def has_seen_track(self, track: str, distance_m: int) -> bool:
        """Return whether what serves has learnt from races at a track; True where it is unknown."""
        return not self.tracks or track_key(track, distance_m) in self.tracks

    def has_learnt(self, day: dt.date) -> bool | None:
        """Return whether what serves has learnt from races of a day; ``None`` where it is unknown."""
        return None if self.learnt_until is None else self.has_learnt_from(day, day)

    def has_learnt_from(self, start: dt.date, until: dt.date) -> bool:
        """Return whether what serves may have learnt from races of some days; False where it is unknown."""
        if self.learnt_until is None:
            return False
        return start <= self.learnt_until and (self.learnt_from is None or until >= self.learnt_from)


def learning_of(documents: Mapping[str, Mapping[str, Any]]) -> Learning:
    """Return the days in ``training.json`` and ``judged.json``; older artifacts have no ``judged.json``."""
    training = documents.get("training") or {}
    windows, tracks = _mapping(training, "data"), _mapping(training, "tracks")
    fitted = [_mapping(windows, part) for part in ("train", "calibration")]
    judged, test = documents.get(JUDGED) or {}, _mapping(windows, "test")
    fitted_until = max((day for part in fitted if (day := _day(part, "until"))), default=None)
    digest = judged.get("digest")
    is_refit = isinstance(digest, str) and _day(judged, "serves_learnt_until") is not None
    return Learning(
        tracks=frozenset(name_key(track) or track for track in tracks),
        countries=countries_of(tracks),
        only_countries=tuple(map(str, training.get("countries") or ())),
        learnt_from=min((day for part in fitted if (day := _day(part, "from"))), default=None),
        learnt_until=_day(judged, "serves_learnt_until") if is_refit else fitted_until,
        judged_learnt_until=(_day(judged, "learnt_until") or fitted_until) if is_refit else fitted_until,
        judged_digest=digest if is_refit else None,
        test_from=_day(test, "from"),
        test_until=_day(test, "until"),
    )


def countries_of(tracks: Iterable[str]) -> tuple[str, ...]:
    """Return the countries of some tracks, in the order of :data:`COUNTRY_NAMES`."""
    found = {country_of(track) for track in tracks}
    return tuple(country for country in COUNTRY_NAMES if country in found)


def country_names(countries: Sequence[str]) -> str:
    """Return countries for people: ``Australia and New Zealand``."""
    names = [COUNTRY_NAMES.get(country, country) for country in countries]
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else "".join(names)


def _mapping(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, Mapping) else {}


def _day(document: Mapping[str, Any], name: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(document.get(name)))
    except ValueError:
        return None
