"""The gauges of the monitor's report, the same in every process: NaN before the first one."""

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Gauge

KINDS = ("quality", "calibration", "inputs", "coverage", "ageing", "operation")
SEVERITIES = ("warning", "critical")


class MonitorGauges:
    """What Prometheus shows of the monitor."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, meaning: str, *labels: str) -> Gauge:
            return Gauge(
                f"greyhound_monitor_{name}",
                meaning,
                labels,
                multiprocess_mode="livemostrecent",
                registry=registry,
            )

        self.alarms = gauge("alarms", "Alarms that are active, by kind and severity.", "kind", "severity")
        self.made = gauge("report_timestamp_seconds", "When the newest report was made; 0 for never.")
        self._of = {
            "races": gauge("races", "Judged races that the champion answered."),
            "gap": gauge("gap", "The champion's race log loss less the market's; below 0 it is better."),
            "gap_low": gauge("gap_low", "Lower end of its 95 % confidence sequence."),
            "gap_high": gauge("gap_high", "Upper end of it."),
            "slope": gauge("calibration_slope", "1 is calibrated, below 1 too bold."),
            "ece": gauge("calibration_error", "Expected calibration error of the champion's answers."),
            "coverage": gauge("coverage_ratio", "Share of logged races that are judged."),
            "learnt": gauge(
                "learnt_until_timestamp_seconds", "The last race day that the champion learnt from."
            ),
        }
        for one in self._of.values():
            one.set(math.nan)
        self._show_alarms(())

    def show(self, monitor: Mapping[str, Any]) -> None:
        """Set them to what :func:`racing.monitor.shown.monitor_now` returned."""
        quality, champion = monitor.get("quality") or {}, monitor.get("champion") or {}
        calibration = quality.get("calibration") or {}
        values = {
            "races": quality.get("n_races"),
            "gap": quality.get("gap"),
            "gap_low": quality.get("gap_low"),
            "gap_high": quality.get("gap_high"),
            "slope": calibration.get("slope"),
            "ece": calibration.get("ece"),
            "coverage": (monitor.get("coverage") or {}).get("share"),
            "learnt": _timestamp(champion.get("learnt_until")),
        }
        for name, value in values.items():
            self._of[name].set(math.nan if value is None else value)
        self.made.set(_timestamp(monitor.get("made_at")) or 0.0)
        self._show_alarms(monitor["alarms"])

    def _show_alarms(self, alarms: Any) -> None:
        for kind in KINDS:
            for severity in SEVERITIES:
                n = sum(one["kind"] == kind and one["severity"] == severity for one in alarms)
                self.alarms.labels(kind, severity).set(n)


def _timestamp(at: str | None) -> float | None:
    """Return the seconds of a time, or of the start of a day, UTC."""
    if at is None:
        return None
    moment = dt.datetime.fromisoformat(at)
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
