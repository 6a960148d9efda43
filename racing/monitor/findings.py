"""The rules by which the monitor raises alarms on quality, calibration, coverage and ageing.

**Many looks**: each rule on races is sequential: its chance of ever alarming while nothing is wrong is
its alpha, however often it looks. It looks at all that a version answered, and at spans of four weeks by
themselves, so that a change shows after years of good figures too: with 13 spans a year and both rules some
0.15 false alarms in a year. **Hysteresis**: what was raised stays until a looser test finds nothing either.
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from racing.comparison.confidence import asymptotic
from racing.comparison.monitoring import CalibrationTest, Change, change_since
from racing.monitor.ageing import START_DAYS, Ageing, least_noisy_gap, worse_than_at_start
from racing.monitor.alarms import Finding, Kind, Severity, alarm_key
from racing.monitor.champion import ChampionFacts
from racing.monitor.coverage import Coverage
from racing.monitor.judged import JudgedRaces
from racing.monitor.quality import calibration_of
from racing.monitor.status import signed

ALPHA_LIFE = 0.01
ALPHA_SPAN = 0.005
ALPHA_CLEAR = 0.2
"""An alarm stays while a test this loose would raise it."""
SPAN_DAYS = 28
CRITICAL_GAP = 0.05
"""Nats a race beyond the reference: what a feature that froze or a wrong unit costs, not age."""
CRITICAL_SLOPE = (0.8, 1.25)
COVERAGE_RAISES, COVERAGE_CLEARS = 0.8, 0.9
MIN_FOR_COVERAGE = 20  # races
KINDS: tuple[Kind, ...] = ("quality", "calibration", "coverage", "ageing")
OF_CHAMPION: tuple[Kind, ...] = ("quality", "calibration", "ageing")


@dataclass(slots=True)
class Look:
    """What one look found, and the keys of alarms that it does not clear yet."""

    findings: list[Finding] = field(default_factory=list)
    unsettled: set[str] = field(default_factory=set)

    @property
    def standing(self) -> set[str]:
        """Return the keys of the alarms that stay."""
        return self.unsettled | {finding.key for finding in self.findings}


@dataclass(frozen=True, slots=True)
class _Span:
    name: str
    races: JudgedRaces
    alpha: float


@dataclass(frozen=True, slots=True)
class _Reference:
    mean: float
    standard_error: float
    text: str


def look_at_champion(
    races: JudgedRaces, champion: ChampionFacts, ageing: Ageing, today: dt.date, *, active: Collection[str]
) -> Look:
    """Judge the champion by its own answers; ``active`` are the keys of alarms that are raised already."""
    look, subject = Look(), f"version {champion.version}"
    spans = _spans(races, today)
    _look_at_gap(look, spans, champion, subject, active)
    _look_at_calibration(look, spans, subject, active)
    _look_at_age(look, races, ageing, subject, active)
    return look


def look_at_coverage(coverage: Coverage, *, active: Collection[str]) -> Look:
    """Judge how many logged races have their results."""
    look, subject = Look(), "results"
    if coverage.n_races < MIN_FOR_COVERAGE:
        return look
    if coverage.share < COVERAGE_RAISES:
        why = coverage.not_judged[0] if coverage.not_judged else None
        look.findings.append(
            Finding(
                kind="coverage",
                subject=subject,
                severity="warning",
                text=f"{coverage.n_judged:,} of {coverage.n_races:,} races logged from {coverage.since} to "
                f"{coverage.until} are judged. {why.text if why else ''}".strip(),
                todo="Import the missing results (`greyhound import`, `POST /results`), or see why the log's "
                "races are not found among them: `greyhound monitor` lists days and tracks.",
                numbers={"share": coverage.share, "n_races": coverage.n_races, "n_judged": coverage.n_judged},
            )
        )
    elif coverage.share < COVERAGE_CLEARS and (key := alarm_key("coverage", subject)) in active:
        look.unsettled.add(key)
    return look


def _spans(races: JudgedRaces, today: dt.date) -> list[_Span]:
    """Return all races, this span of four weeks, and the one before, whose results may come late."""
    number = races.date.astype("datetime64[D]").astype(np.int64) // SPAN_DAYS
    now = (today - dt.date(1970, 1, 1)).days // SPAN_DAYS
    spans = [_Span("since it serves", races, ALPHA_LIFE)]
    for which in (now - 1, now):
        start = dt.date(1970, 1, 1) + dt.timedelta(days=which * SPAN_DAYS)
        spans.append(_Span(f"in the four weeks from {start}", races.of(number == which), ALPHA_SPAN))
    return spans


def _look_at_gap(
    look: Look, spans: list[_Span], champion: ChampionFacts, subject: str, active: Collection[str]
) -> None:
    key = alarm_key("quality", subject)
    everything = spans[0].races
    against_uniform = asymptotic(everything.loss - everything.uniform_loss, alpha=ALPHA_LIFE)
    if against_uniform.low > 0:
        look.findings.append(
            Finding(
                kind="quality",
                subject=subject,
                severity="critical",
                text=f"Its answers are worse than giving all runners the same chance, by "
                f"{signed(against_uniform.mean)} a race over {against_uniform.n_races:,} races.",
                todo="Roll back (`greyhound models rollback`), then find out what its answers were made "
                "from: inputs that moved, prices or form that are missing.",
                numbers={"above_uniform": against_uniform.mean, "low": against_uniform.low},
            )
        )
        return
    reference = _reference(everything, champion)
    if reference is None:
        return
    worst: tuple[_Span, Change] | None = None
    for span in spans:
        change = _change(span.races, reference, span.alpha)
        if change.is_worse and (worst is None or change.estimate.mean > worst[1].estimate.mean):
            worst = span, change
        elif key in active and _change(span.races, reference, ALPHA_CLEAR).is_worse:
            look.unsettled.add(key)
    if worst is not None:
        look.findings.append(_gap_finding(*worst, reference, subject))


def _gap_finding(span: _Span, change: Change, reference: _Reference, subject: str) -> Finding:
    found = change.estimate
    severity: Severity = "critical" if found.mean - reference.mean > CRITICAL_GAP else "warning"
    return Finding(
        kind="quality",
        subject=subject,
        severity=severity,
        text=f"Behind the market by {signed(found.mean)} a race [{signed(found.low)}, {signed(found.high)}] "
        f"{span.name} ({found.n_races:,} races), against {signed(reference.mean)} {reference.text}.",
        todo="See which inputs moved and whether one track, state or field size stands out in `greyhound "
        "monitor`; roll back if the version before was better, else retrain.",
        numbers={
            "gap": found.mean,
            "low": found.low,
            "high": found.high,
            "n_races": found.n_races,
            "reference": reference.mean,
            "span": span.name,
        },
    )


def _reference(races: JudgedRaces, champion: ChampionFacts) -> _Reference | None:
    """Return what the gap is held against: that of the training, else that of the first four weeks."""
    if champion.training_gap is not None:
        text = "on the races that judged it in training"
        return _Reference(champion.training_gap, champion.training_standard_error, text)
    gap = least_noisy_gap(races)
    if not len(gap):
        return None
    start = gap[races.date < races.date.min() + START_DAYS]
    start = start[~np.isnan(start)]
    if len(start) < MIN_FOR_COVERAGE:
        return None
    error = float(start.std(ddof=1)) / len(start) ** 0.5
    return _Reference(float(start.mean()), error, "in its first four weeks")


def _change(races: JudgedRaces, reference: _Reference, alpha: float) -> Change:
    return change_since(
        least_noisy_gap(races),
        reference.mean,
        alpha=alpha,
        reference_standard_error=reference.standard_error,
    )


def _look_at_calibration(look: Look, spans: list[_Span], subject: str, active: Collection[str]) -> None:
    key = alarm_key("calibration", subject)
    worst: tuple[_Span, CalibrationTest] | None = None
    for span in spans:
        found = calibration_of(span.races, alpha=span.alpha)
        if found is None:
            continue
        if found.is_alarming and (worst is None or _away(found) > _away(worst[1])):
            worst = span, found
        elif key in active and not found.is_alarming:
            looser = calibration_of(span.races, alpha=ALPHA_CLEAR)
            if looser is not None and looser.is_alarming:
                look.unsettled.add(key)
    if worst is not None:
        look.findings.append(_calibration_finding(*worst, subject))


def _away(found: CalibrationTest) -> float:
    """Return how far a slope certainly is from 1."""
    return max(found.slope_low - 1, 1 - found.slope_high)


def _calibration_finding(span: _Span, found: CalibrationTest, subject: str) -> Finding:
    is_bold = found.slope < 1
    is_critical = found.slope_high < CRITICAL_SLOPE[0] or found.slope_low > CRITICAL_SLOPE[1]
    which = "too bold: favourites win less often than it says" if is_bold else "too timid"
    return Finding(
        kind="calibration",
        subject=subject,
        severity="critical" if is_critical else "warning",
        text=f"Its probabilities are {which}; slope {found.slope:.2f} [{found.slope_low:.2f}, "
        f"{found.slope_high:.2f}] {span.name} ({found.n_races:,} races), where 1 is calibrated.",
        todo="Do not bet on differences to the price until it is calibrated again: see which inputs moved, "
        "and retrain, which calibrates anew.",
        numbers={
            "slope": found.slope,
            "low": found.slope_low,
            "high": found.slope_high,
            "ece": found.ece,
            "ece_by_chance": found.ece_by_chance,
            "n_races": found.n_races,
            "span": span.name,
        },
    )


def _look_at_age(
    look: Look, races: JudgedRaces, ageing: Ageing, subject: str, active: Collection[str]
) -> None:
    if ageing.is_due:
        look.findings.append(
            Finding(
                kind="ageing",
                subject=subject,
                severity="warning",
                text=f"Retraining is due. {ageing.why}",
                todo="Train a version on the races since: `greyhound retrain`, or `greyhound train`.",
                numbers={"weeks_since_learning": ageing.weeks_since_learning, "is_worse": ageing.is_worse},
            )
        )
    elif (key := alarm_key("ageing", subject)) in active and worse_than_at_start(races, alpha=ALPHA_CLEAR):
        look.unsettled.add(key)
