"""Is it well? The one line that stands on top of the monitor."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from racing.monitor.alarms import Alarm

Status = Literal["well", "look", "alarm"]
STALE_S = 3600.0
"""A report is made every ten minutes; an older one than this is no news of now."""


def status_of(
    report: Mapping[str, Any] | None, alarms: Sequence[Alarm], *, age_s: float | None
) -> tuple[Status, str]:
    """Return whether all is well, and that in a sentence.

    ``alarm``: a critical alarm is active; ``look``: a warning is, or there is too little to judge by.
    """
    critical = [alarm for alarm in alarms if alarm.severity == "critical"]
    if critical:
        return "alarm", _with_more(critical[0], len(alarms))
    if alarms:
        return "look", _with_more(alarms[0], len(alarms))
    if report is None:
        return "look", "No report has been made yet; the first is a few minutes after the start."
    if age_s is not None and age_s > STALE_S:
        ago = dt.timedelta(minutes=round(age_s / 60))
        return "look", f"The last report was made {ago} (hours:minutes:seconds) ago: is the service running?"
    champion, quality = report.get("champion"), report.get("quality") or {}
    if champion is None:
        return "look", "No version serves: promote one."
    version, n_races = champion["version"], quality.get("n_races") or 0
    if not n_races:
        return "look", f"No race answered by version {version} is judged yet: results judge it."
    return "well", f"Version {version} is well: {_figures(quality)}."


def _figures(quality: Mapping[str, Any]) -> str:
    n_races = quality["n_races"]
    parts = ["1 race judged" if n_races == 1 else f"{n_races:,} races judged"]
    gap, low, high = (quality.get(name) for name in ("gap", "gap_low", "gap_high"))
    if gap is not None:
        side = "behind" if gap >= 0 else "ahead of"
        ends = "" if low is None or high is None else f" [{signed(low)}, {signed(high)}]"
        parts.append(f"{plain(abs(gap))} {side} the market{ends}")
    slope = (quality.get("calibration") or {}).get("slope")
    if slope is not None:
        parts.append(f"calibration slope {slope:.2f}")
    return ", ".join(parts)


def _with_more(alarm: Alarm, n_alarms: int) -> str:
    more = n_alarms - 1
    others = "" if not more else " And 1 more alarm." if more == 1 else f" And {more} more alarms."
    return f"{alarm.text}{others}"


def plain(value: float) -> str:
    """Return a figure of a race's loss for people: .012."""
    return f"{value:.3f}".removeprefix("0")


def signed(value: float) -> str:
    """Return one that may be negative: -.012."""
    return ("-" if value < 0 else "") + plain(abs(value))
