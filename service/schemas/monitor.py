"""The answer of ``GET /monitor``: what serves, is it well, and what somebody should look at.

Figures are of the newest report (:mod:`racing.monitor.report`); alarms and decisions are those of now. One
long module, as it is one document: a model for each of its parts, and :class:`MonitorOut` last.
"""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

Status = Literal["well", "look", "alarm"]
AtMost400 = Field(max_length=400)


class MonitoredChampionOut(BaseModel):
    """The version that served when the report was made."""

    version: int = Field(description="Its number.", examples=[7])
    learnt_until: dt.date | None = Field(
        default=None, description="Last race day that it has learnt from.", examples=["2026-03-31"]
    )
    since: dt.datetime | None = Field(
        default=None, description="When it was promoted, UTC.", examples=["2026-03-14T08:00:00Z"]
    )
    weeks_since_learning: float | None = Field(
        default=None, description="Weeks from that day to the report.", examples=[5.3]
    )
    training_gap: float | None = Field(
        default=None,
        description="Its race log loss less the market's on the races that judged it in training.",
        examples=[0.014],
    )
    training_gap_low: float | None = Field(
        default=None, description="Lower end of the 95 % interval.", examples=[0.004]
    )
    training_gap_high: float | None = Field(
        default=None, description="Upper end of the 95 % interval.", examples=[0.024]
    )


class CalibrationOut(BaseModel):
    """How well win probabilities fit the outcomes."""

    n_races: int = Field(description="Races that it was found on.", examples=[640])
    slope: float | None = Field(
        default=None,
        description="Of the log probabilities within the race: 1 is calibrated, below 1 too bold.",
        examples=[0.98],
    )
    slope_low: float | None = Field(
        default=None,
        description="Lower end of its 95 % confidence sequence, valid at every look; null while the races "
        "say too little.",
        examples=[0.91],
    )
    slope_high: float | None = Field(default=None, description="Upper end.", examples=[1.06])
    intercept: float | None = Field(
        default=None, description="Of a logistic recalibration a runner; 0 is calibrated.", examples=[0.01]
    )
    ece: float | None = Field(
        default=None, description="Expected calibration error, ten bins of equal count.", examples=[0.008]
    )
    ece_by_chance: float | None = Field(
        default=None,
        description="95 of 100 perfectly calibrated models show a smaller one on these runners.",
        examples=[0.0102],
    )


class QualityOut(BaseModel):
    """How good the answers of some races were; null where there is nothing to judge by."""

    group: str = Field(
        description="Day, Monday of the week, version, key of the track, state, number of starters, `all` or "
        "`champion`.",
        examples=["2026-03-09"],
    )
    name: str = Field(default="", description="The same for people.", examples=["2026-03-09"])
    n_races: int = Field(description="Races judged.", examples=[412])
    log_loss: float | None = Field(default=None, description="Race log loss.", examples=[1.573])
    uniform_log_loss: float | None = Field(
        default=None, description="Of knowing but the field size.", examples=[1.987]
    )
    n_with_market: int = Field(
        default=0, description="Races whose starters all have a price.", examples=[398]
    )
    market_log_loss: float | None = Field(
        default=None, description="The market's race log loss on those.", examples=[1.541]
    )
    gap: float | None = Field(
        default=None,
        description="The answers' race log loss less the market's on those, by outcomes: above 0 the market "
        "is better.",
        examples=[0.029],
    )
    gap_low: float | None = Field(
        default=None,
        description="Lower end of its 95 % confidence sequence, valid at every look; null while the races "
        "say too little.",
        examples=[0.011],
    )
    gap_high: float | None = Field(default=None, description="Upper end.", examples=[0.047])
    expected_gap: float | None = Field(
        default=None,
        description="The gap as the closing prices expect it: assumes that they are calibrated, and has a "
        "fraction of the noise.",
        examples=[0.027],
    )
    calibration: CalibrationOut | None = Field(default=None, description="Null below 50 races.")


class GapPointOut(BaseModel):
    """The champion's gap to the market after all races up to a day, as a look on that day showed it."""

    date: dt.date = Field(description="The day.", examples=["2026-03-14"])
    n_races: int = Field(description="Races with a market so far.", examples=[398])
    gap: float | None = Field(description="Mean gap a race so far.", examples=[0.029])
    gap_low: float | None = Field(
        default=None, description="Lower end of the confidence sequence.", examples=[0.011]
    )
    gap_high: float | None = Field(default=None, description="Upper end.", examples=[0.047])


class MonitorBinOut(BaseModel):
    """Runners of about the same probability, of the champion's answers."""

    n_runners: int = Field(description="How many.", examples=[310])
    predicted: float = Field(description="Mean probability.", examples=[0.112])
    observed: float = Field(description="Share of winners.", examples=[0.106])


class NotJudgedOut(BaseModel):
    """Why logged races are not judged."""

    reason: Literal["no-results", "no-such-race", "not-whole"] = Field(
        description="`no-results`: none of that track and day are stored; `no-such-race`: none of the stored "
        "ones has the card's dogs; `not-whole`: a starter was not on the card, or not exactly one won.",
        examples=["no-results"],
    )
    n_races: int = Field(description="How many.", examples=[12])
    text: str = Field(
        description="In a sentence, with what to do.",
        examples=["12 races have no results of their track and day: import them."],
    )
    examples: Annotated[list[str], Field(max_length=5)] = Field(
        default_factory=list,
        description="Days and tracks, the latest first.",
        examples=[["2026-03-14 SANDOWNPARK"]],
    )


class CoverageDayOut(BaseModel):
    """One race day's logged races."""

    date: dt.date = Field(description="The day.", examples=["2026-03-14"])
    n_races: int = Field(description="Logged ahead.", examples=[96])
    n_judged: int = Field(description="Of these, judged.", examples=[94])


class CoverageOut(BaseModel):
    """How many logged races have their results, of those long enough ago."""

    since: dt.date | None = Field(default=None, description="First race day.", examples=["2026-03-01"])
    until: dt.date | None = Field(default=None, description="Last race day.", examples=["2026-03-14"])
    n_races: int = Field(default=0, description="Logged ahead of the race.", examples=[1240])
    n_judged: int = Field(default=0, description="Of these, judged by their results.", examples=[1220])
    n_with_market: int = Field(
        default=0, description="Of these, with a price for every starter.", examples=[1180]
    )
    share: float | None = Field(default=None, description="Judged, of those logged.", examples=[0.984])
    not_judged: Annotated[list[NotJudgedOut], Field(max_length=3)] = Field(
        default_factory=list, description="Why the others are not."
    )
    days: Annotated[list[CoverageDayOut], Field(max_length=60)] = Field(
        default_factory=list, description="Day by day, the latest last."
    )


class AgeingWeekOut(BaseModel):
    """The gap to the market in one week after the last day of learning."""

    week: int = Field(description="0 is the first week.", examples=[3])
    n_races: int = Field(description="Races with a market.", examples=[240])
    gap: float | None = Field(description="Mean gap a race.", examples=[0.018])
    gap_low: float | None = Field(
        default=None, description="Lower end of the 95 % interval.", examples=[-0.021]
    )
    gap_high: float | None = Field(default=None, description="Upper end.", examples=[0.057])


class AgeingOut(BaseModel):
    """How the champion ages, and when it should learn again."""

    weeks: Annotated[list[AgeingWeekOut], Field(max_length=120)] = Field(
        default_factory=list, description="Of its answers, by weeks since it learnt."
    )
    training_weeks: Annotated[list[AgeingWeekOut], Field(max_length=120)] = Field(
        default_factory=list,
        description="The same on the test races of its training, where its documents have it.",
    )
    weeks_since_learning: float | None = Field(default=None, description="By now.", examples=[5.3])
    retrain_after_weeks: float | None = Field(
        default=None, description="Weeks after which retraining is due in any case.", examples=[13]
    )
    is_due: bool = Field(default=False, description="Whether retraining is due.", examples=[False])
    due_on: dt.date | None = Field(
        default=None, description="When it is due by age.", examples=["2026-06-30"]
    )
    why: str = Field(
        default="",
        description="In a sentence.",
        examples=["It learnt 5 weeks ago; retraining is due after 13."],
    )


class InputDayOut(BaseModel):
    """What came in on one day, UTC, as the service counted it."""

    date: dt.date = Field(description="The day.", examples=["2026-03-14"])
    n_cards: int = Field(description="Cards answered.", examples=[96])
    n_runners: int = Field(description="Their starters.", examples=[720])
    n_unknown_dogs: int = Field(description="Runners that the database does not know.", examples=[12])
    n_unknown_tracks: int = Field(description="Cards of a track that the version has not seen.", examples=[0])
    n_without_form: int = Field(description="Cards on which no runner has a run.", examples=[1])
    n_priced: int = Field(description="Cards on which every starter has a price.", examples=[90])
    unknown_tracks: dict[str, int] = Field(
        default_factory=dict, description="Cards by track of those.", examples=[{"New Park": 12}]
    )


class InputFeatureOut(BaseModel):
    """How one feature moved against its distribution in training, day by day as in `days`."""

    name: str = Field(description="The feature.", examples=["days_since_last_run"])
    psi: Annotated[list[float | None], Field(max_length=60)] = Field(
        description="Population stability index; null on a day of fewer than 50 runners.",
        examples=[[0.01, 0.012, 0.31]],
    )
    missing: Annotated[list[float | None], Field(max_length=60)] = Field(
        description="Share of runners for which it is unknown.", examples=[[0.02, 0.03, 0.61]]
    )
    missing_in_training: float | None = Field(
        default=None, description="The same in training.", examples=[0.02]
    )
    usual_psi: float | None = Field(default=None, description="That of a quiet day.", examples=[0.011])
    p_value: float | None = Field(
        default=None,
        description="How likely so large an index is on a quiet day, the smaller of the last two days.",
        examples=[0.0004],
    )


class UsualInputsOut(BaseModel):
    """Where the usual spread of the index between days comes from."""

    source: str = Field(
        validation_alias="from", description="Days of training, or of serving.", examples=["serving"]
    )
    n_days: float | None = Field(default=None, description="How many.", examples=[28])
    n_runners: float | None = Field(default=None, description="Runners a day.", examples=[700])


class InputsOut(BaseModel):
    """How what goes into the model moved against its training's distributions (`reference.json`)."""

    version: int = Field(description="The version that answered.", examples=[7])
    days: Annotated[list[InputDayOut], Field(max_length=60)] = Field(description="The latest last.")
    features: Annotated[list[InputFeatureOut], Field(max_length=200)] = Field(
        description="Those that moved most, first the one that did so most."
    )
    n_features: int = Field(description="Features that are counted.", examples=[145])
    usual: UsualInputsOut | None = Field(default=None, description="Null until enough days are known.")


class AlarmOut(BaseModel):
    """Something that somebody should look at."""

    id: int = Field(description="Number on record.", examples=[12])
    kind: str = Field(
        description="`quality`, `calibration`, `inputs`, `coverage`, `ageing` or `operation`.",
        examples=["quality"],
    )
    subject: str = Field(description="What it is about.", examples=["version 7"])
    severity: Literal["warning", "critical"] = Field(description="How bad.", examples=["warning"])
    text: str = Field(
        description="What was found.", examples=["Version 7 has become worse against the market."]
    )
    todo: str = Field(description="What to do.", examples=["Look at the inputs that moved, and retrain."])
    numbers: dict[str, Any] = Field(
        default_factory=dict, description="The figures that it rests on.", examples=[{"gap": 0.051}]
    )
    raised_at: dt.datetime = Field(description="Since when, UTC.", examples=["2026-03-14T08:00:02Z"])


class MonitorDecisionOut(BaseModel):
    """What the guard, or a person, decided about the champion."""

    id: int = Field(description="Number on record.", examples=[3])
    action: str = Field(
        description="`promote`, `roll-back`, `stop-challenger` or `recommend`.", examples=["promote"]
    )
    from_version: int | None = Field(default=None, description="Version before.", examples=[6])
    to_version: int | None = Field(default=None, description="Version after.", examples=[7])
    reason: str = Field(description="In a sentence.", examples=["Version 7 is better by .0031."])
    decided_by: str = Field(description="By whom.", examples=["guard"])
    decided_at: dt.datetime = Field(description="When, UTC.", examples=["2026-03-14T08:00:02Z"])
    carried_out_at: dt.datetime | None = Field(
        default=None, description="When it was carried out, UTC.", examples=["2026-03-14T08:00:03Z"]
    )
    error: str | None = Field(default=None, description="Why it could not be carried out.", examples=[None])


class MonitorOut(BaseModel):
    """What serves, is it well, and what somebody should look at."""

    status: Status = Field(
        description="`alarm`: a critical alarm is active; `look`: a warning is, or there is too little to "
        "judge by; else `well`.",
        examples=["well"],
    )
    line: str = Field(
        description="The same in a sentence.",
        examples=["Version 7 is well: 640 races judged, .012 behind the market [.004, .020], calibrated."],
    )
    made_at: dt.datetime | None = Field(
        default=None,
        description="When the report was made, UTC; null before the first.",
        examples=["2026-03-14T08:00:02Z"],
    )
    age_s: float | None = Field(default=None, description="Seconds since then.", examples=[312.0])
    took_s: float | None = Field(default=None, description="Seconds that it took.", examples=[2.7])
    serving_version: int | None = Field(
        default=None, description="The version that serves now, here.", examples=[7]
    )
    champion: MonitoredChampionOut | None = Field(
        default=None, description="The version that the report is about; null if none served."
    )
    since: dt.date | None = Field(
        default=None, description="First race day that the report looked at.", examples=["2025-02-07"]
    )
    until: dt.date | None = Field(default=None, description="Last.", examples=["2026-03-14"])
    quality: QualityOut | None = Field(default=None, description="The champion's answers, all together.")
    total: QualityOut | None = Field(
        default=None, description="Each race by the last card answered ahead, by whichever version."
    )
    days: Annotated[list[QualityOut], AtMost400] = Field(
        default_factory=list, description="The same by day, the last 60, the latest last."
    )
    weeks: Annotated[list[QualityOut], AtMost400] = Field(
        default_factory=list, description="By week (Mondays), the last 53."
    )
    versions: Annotated[list[QualityOut], AtMost400] = Field(
        default_factory=list, description="By version, each by its own last card of a race."
    )
    tracks: Annotated[list[QualityOut], AtMost400] = Field(
        default_factory=list, description="By track, those with most races."
    )
    states: Annotated[list[QualityOut], AtMost400] = Field(default_factory=list, description="By state.")
    field_sizes: Annotated[list[QualityOut], AtMost400] = Field(
        default_factory=list, description="By number of starters."
    )
    gap_path: Annotated[list[GapPointOut], AtMost400] = Field(
        default_factory=list, description="The champion's gap over time, with its band."
    )
    calibration_bins: Annotated[list[MonitorBinOut], Field(max_length=20)] = Field(
        default_factory=list, description="The champion's, about ten of equally many runners."
    )
    coverage: CoverageOut = Field(
        default_factory=CoverageOut, description="How many logged races have their results."
    )
    ageing: AgeingOut = Field(
        default_factory=AgeingOut, description="How the champion ages, and when it should learn again."
    )
    inputs: InputsOut | None = Field(
        default=None, description="How what goes into the model moved; null if no version served."
    )
    alarms: Annotated[list[AlarmOut], Field(max_length=200)] = Field(
        default_factory=list, description="Those active now, the critical ones first."
    )
    decisions: Annotated[list[MonitorDecisionOut], Field(max_length=20)] = Field(
        default_factory=list, description="The last ones, the newest first."
    )
