"""Which days a version has learnt from, by its own artifact: on their races it knows the outcome."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Learnt:
    """The first and the last race day of the races that a version was fitted on."""

    since: dt.date
    until: dt.date

    def has(self, day: dt.date) -> bool:
        """Return whether the races of a day are among those that the version has learnt from."""
        return self.since <= day <= self.until


def learnt_from(documents: Mapping[str, Mapping[str, Any]]) -> Learnt | None:
    """Return the days that a version has learnt from; ``None`` where its artifact does not tell.

    Its documents say it by ``learnt_until``; those of earlier releases by the windows of their data: what
    served was fitted on training and calibration together, and not on the test.
    """
    for name in ("summary", "training"):
        document = documents.get(name) or {}
        windows = document.get("data") or {}
        try:
            since = _day(windows["train"]["from"])
            told = document.get("learnt_until") or windows.get("learnt_until")
            until = (
                _day(told)
                if told
                else max(_day(windows[part]["until"]) for part in _FITTED if windows.get(part))
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
        return Learnt(since, until)
    return None


_FITTED = ("train", "calibration")


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(str(text)[:10])
