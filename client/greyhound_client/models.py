"""What goes over the wire, typed; made from openapi/openapi.json by ``make openapi``."""

from __future__ import annotations

from datetime import date as date_aliased
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel


class AbsenceOut(BaseModel):
    """Why no version serves."""

    reason: Literal["loading", "no-champion", "champion-refused", "registry-unavailable"]
    """For programs."""
    detail: str
    """In a sentence, with what to do."""
    cause: str | None
    """The error itself, where there is one."""


class AgeingWeekOut(BaseModel):
    """The gap to the market in one week after the last day of learning."""

    week: int
    """0 is the first week."""
    n_races: int
    """Races with a market."""
    gap: float | None
    """Mean gap a race."""
    gap_low: float | None = None
    """Lower end of the 95 % interval."""
    gap_high: float | None = None
    """Upper end."""


class AlarmOut(BaseModel):
    """Something that somebody should look at."""

    id: int
    """Number on record."""
    kind: str
    """`quality`, `calibration`, `inputs`, `coverage`, `ageing` or `operation`."""
    subject: str
    """What it is about."""
    severity: Literal["warning", "critical"]
    """How bad."""
    text: str
    """What was found."""
    todo: str
    """What to do."""
    numbers: dict[str, Any] | None = None
    """The figures that it rests on."""
    raised_at: AwareDatetime
    """Since when, UTC."""


class AutomationIn(BaseModel):
    """How the switch shall stand, and why."""

    model_config = ConfigDict(
        extra="forbid",
    )
    on: bool
    """Whether the champion may be changed without a person."""
    reason: Annotated[str, Field(max_length=2000, min_length=1)]
    """Why, for the record."""


class BetCombinationOut(BaseModel):
    """One combination of a bet."""

    rugs: list[int]
    """The runners' numbers on the card, in the order of finish; of a quinella in the order of the card."""
    names: list[str]
    """The same runners' names."""
    probability: Annotated[float, Field(ge=0.0, le=1.0)]
    """Chance that it comes in."""
    fair_price: float
    """1 / probability, decimal odds; of a stake on this combination alone."""


class BetOut(BaseModel):
    """The likeliest combinations of one bet."""

    bet: str
    """`exacta`: the first two in order; `quinella`: the first two in any order; `trifecta`: the first three in order; `first_four`: the first four in order."""
    n_combinations: Annotated[int, Field(ge=1)]
    """How many there are of so many starters; their probabilities sum to 1."""
    combinations: list[BetCombinationOut]
    """The likeliest first, at most `top` of them."""


class BinOut(BaseModel):
    """Runners of about the same probability."""

    n_runners: int
    """How many."""
    predicted: float
    """Mean probability."""
    observed: float
    """Share of winners."""


class BrokenRule(BaseModel):
    """One rule that the request breaks."""

    pointer: str
    """JSON Pointer to the field in the request's body; `#` is the whole body. For a parameter of the address its name after a question mark, `?explain`; of a CSV the line, `line 14`."""
    rule: str
    """The rule."""


class BudgetOut(BaseModel):
    """What the search was allowed to spend."""

    trials_per_family: int | None = None
    """Trials."""
    folds: int | None = None
    """Folds in time of each trial."""
    time_budget_s: float | None = None
    """Seconds for the whole search; null is no limit."""
    search_rows: int | None = None
    """Latest runners that the search looked at."""


class CardEventOut(BaseModel):
    """`card`: a race to come is new, changed, or gone."""

    race_id: int
    """The race, for `GET /races/{race_id}`."""
    at: AwareDatetime
    """When it was stored, UTC."""
    date: date_aliased
    """Race day."""
    track: str
    """Track."""
    race_number: int | None
    """Number of the race, if known."""
    off_at: AwareDatetime | None
    """When it is due to start, UTC; null unknown."""
    is_new: bool
    """Whether the race was not stored before."""
    is_gone: bool
    """Whether no source names it any more."""
    n_runners: int
    """Runners, without the scratched."""
    changes: list[str]
    """What changed, a sentence each."""


class ChallengerOut(BaseModel):
    """A version that is to run beside the champion."""

    role: str
    """`challenger`, `challenger-2` ...: the registry's alias, or the place in the experiment."""
    version: int
    """Its version."""
    state: Literal["loading", "running", "refused", "off"]
    """`running` scores cards; `refused` was not let in; `off` was let in and then failed."""
    why: str | None
    """Why it does not run, if it does not."""
    loaded_at: AwareDatetime | None
    """Since when it runs here, UTC."""
    n_scored: int
    """Cards that it scored in shadow since then, in this process."""
    n_dropped: int
    """Cards that it did not come to score: too many at once, or too late for the log."""
    n_failed: int
    """Cards that it could not score."""


class CombinationOut(BaseModel):
    """How model and market combine: p ~ model^a * market^b, shared out within the race."""

    a: Annotated[float, Field(ge=0.0)]
    """Weight of the model."""
    b: Annotated[float, Field(ge=0.0)]
    """Weight of the market."""
    is_market_alone: bool
    """Whether the model adds nothing to closing prices: on later races the combination did not beat the market."""


class ContributionOut(BaseModel):
    """What one topic adds to a runner's strength."""

    topic: str
    """What it is about. `market rating`: what the prices of its past races, and of dogs named alike, say of its ability; `rated price`: what Betfair's model says of the race itself, for models that may know it; `market before the off`: the market's prices of the race itself ten minutes before, for models that may; `results`: places, wins and margins; `times`: times and speeds over the whole distance; `early pace`: first splits, positions at the first call, early speed; `box`: where it starts, and who starts beside it; `class and course`: grade, track and distance, how they suit it, and the rivals; `fitness`: days since and between its runs, their number, and weight."""
    contribution: float
    """Its Shapley value, in log odds: above 0 it speaks for the runner. A runner's contributions sum to its `strength` less the race's `base_strength`."""
    multiplies_odds_by: Annotated[float, Field(gt=0.0)]
    """exp(contribution): what the topic makes of the runner's odds of winning, p / (1 - p), while the strengths of its rivals stay as they are."""


class CoverageDayOut(BaseModel):
    """One race day's logged races."""

    date: date_aliased
    """The day."""
    n_races: int
    """Logged ahead."""
    n_judged: int
    """Of these, judged."""


class DateOrder(RootModel[Literal["default", "day-first", "month-first", "auto"]]):
    root: Literal["default", "day-first", "month-first", "auto"]
    """
    In which order a file's dates such as ``03/04/2026`` are written.

    ``DEFAULT`` is day first, and the file is refused where one of its dates says otherwise; ``AUTO`` is what
    the dates of the file say; the other two are for those who know it.
    """


class DecisionOut(BaseModel):
    """What the guard, or a person, decided about the champion."""

    id: int
    """Its number."""
    experiment_id: int | None
    """The experiment that it was about."""
    action: str
    """`promote`, `roll-back`, `keep` (a probation passed) or `recommend`."""
    from_version: int
    """The champion before."""
    to_version: int
    """The champion from then on; of a recommendation the one recommended."""
    reason: str
    """Why."""
    numbers: dict[str, Any]
    """The figures that it rests on."""
    decided_by: str
    """Who or what decided."""
    decided_at: AwareDatetime
    """When, UTC."""
    carried_out_at: AwareDatetime | None
    """When it was carried out, UTC; null if it was not."""
    n_attempts: int
    """How often that was tried."""
    error: str | None
    """Why it could not be carried out."""
    void_at: AwareDatetime | None
    """When it was given up, UTC; null if it was not."""


class DecisionsOut(BaseModel):
    """A page of the record of decisions."""

    decisions: list[DecisionOut]
    """Newest first."""
    next_before: int | None
    """Send it as `before` for the next page; null at the end."""


class DisagreementOut(BaseModel):
    """The runner of which model and market say the most different things."""

    name: str
    """The dog's name."""
    box: int
    """Its box."""
    win_probability: Annotated[float, Field(ge=0.0, le=1.0)]
    """Probability to win, by the model."""
    price: float
    """The market's decimal odds."""
    market_probability: Annotated[float, Field(ge=0.0, le=1.0)]
    """The market's."""
    edge: float
    """win_probability x price - 1: what a stake would bring if the model were right. Past edges against closing prices were none."""


class EntryOut(BaseModel):
    """A runner as it was entered."""

    name: str
    """As on the card."""
    box: int | None
    """Box; of a reserve the number that it has on the card. Null unknown."""
    trainer: str | None
    """Trainer, if known."""
    is_scratched: bool
    """Whether it was withdrawn."""


class EstimateOut(BaseModel):
    """A mean per race, in nats, with a confidence sequence: its interval holds at every look."""

    n_races: int
    """Races that it rests on."""
    mean: float | None
    """Above 0 the contestant is better; null without races."""
    low: float | None
    """Lower end; null while too few races say anything."""
    high: float | None
    """Upper end; null while too few races say anything."""
    direction: Literal["better", "worse", "undecided"]
    """`better` where the whole interval is above 0, `worse` where it is below."""


class Challenger(RootModel[int]):
    root: Annotated[int, Field(ge=1, le=2147483647)]


class ExperimentPartOut(BaseModel):
    """What an answer is to the experiment that runs."""

    id: int
    """Number of the experiment."""
    arm: Annotated[int, Field(ge=0)]
    """Which contestant answered: 0 is the champion, 1 the first challenger, and so on. A race has the same arm at each repetition, and in each replica."""


class ExplanationOut(BaseModel):
    """Why a runner has its probability: its strength, and what each topic contributes to it."""

    strength: float
    """Log odds, calibrated and ready to be shared: the win probabilities are the softmax of the runners' strengths."""
    contributions: list[ContributionOut]
    """One entry a topic that the model knows, the largest first, for or against."""


class FamilyOut(BaseModel):
    """What the search of one family came to; the ensemble has no trials of its own."""

    name: str
    """Family, or `ensemble`."""
    is_chosen: bool | None = None
    """Whether it became the model."""
    loss: float | None = None
    """On the calibration races; see `judged_by`."""
    trials: int | None = None
    """Trials made."""
    pruned: int | None = None
    """Those given up early."""
    best_trial_loss: float | None = None
    """Loss of the best, mean over its folds."""
    weight: float | None = None
    """What its log odds count in the chosen model; null if it is not in it."""
    imbalance: list[str] | None = None
    """What the best trial did about the few winners: `smote_nc`, `class_weight`, `focal`."""
    seconds: float | None = None
    """Seconds it took."""


class FinishOut(BaseModel):
    """How a runner ran; null is unknown."""

    name: str
    """As on the card."""
    box: int | None
    """As on the card."""
    finish_position: int | None
    """Place at the finish; null did not finish, or unknown."""
    won: bool | None
    """Whether it won; two may, in a dead heat."""
    placed: bool | None
    """Whether it was paid a place."""
    time_s: float | None
    """Its own time in seconds."""
    margin_lengths: float | None
    """Lengths behind the winner; for the winner, over the second."""
    starting_price: float | None
    """Starting price, decimal odds."""
    bsp: float | None
    """Betfair starting price, decimal odds."""
    place_bsp: float | None
    """Betfair starting price to be placed, decimal odds."""
    market_probability: float | None
    """The market's at the off: 1 / BSP, else 1 / starting price, shared out within the race; null unless every starter has one."""


class FormLineOut(BaseModel):
    """One run of a dog; null is unknown."""

    race_id: int
    """The race, for `GET /races/{race_id}`."""
    date: date_aliased
    """Race day."""
    track: str
    """Track."""
    distance_m: int
    """Distance in metres."""
    race_number: int | None
    """Number of the race."""
    grade: str | None
    """Grade."""
    box: int | None
    """Box, else the number that it wore."""
    weight_kg: float | None
    """Weight in kilograms."""
    is_scratched: bool
    """Whether it was scratched."""
    has_result: bool
    """Whether it ran and how is known; false for a scratching and a race to come."""
    finish_position: int | None
    """Place at the finish."""
    won: bool | None
    """Whether it won; two may, in a dead heat."""
    placed: bool | None
    """Whether it was paid a place."""
    n_starters: int | None
    """Starters, where every one is known and the run is rated."""
    winner: str | None
    """Who won; of a dead heat one."""
    time_s: float | None
    """Its own time in seconds."""
    winner_time_s: float | None
    """The winner's time in seconds."""
    first_split_s: float | None
    """Seconds to the first sectional mark."""
    margin_lengths: float | None
    """Lengths behind the winner; for the winner, over the second."""
    position_in_running: str | None
    """Position at each call, one digit a call."""
    starting_price: float | None
    """Starting price, decimal odds."""
    bsp: float | None
    """Betfair starting price, decimal odds."""
    market_probability: float | None
    """The market's at the off: shared within the race where every starter has a price, else by its own price alone. Known once the run is rated."""
    trainer: str | None
    """Trainer that day."""
    remarks: str | None
    """The source's comment on the run."""


class FoundDogOut(BaseModel):
    """A stored dog, in short."""

    id: int
    """Its number here, for `GET /dogs/{dog_id}`."""
    name: str
    """Name."""
    sex: str | None
    """`D` dog, `B` bitch; null is unknown."""
    n_runs: int
    """Stored runs, without scratchings."""
    last_run: date_aliased | None
    """Day of the newest, run or to come; null without any."""
    tracks: list[str]
    """Where it ran, the track of most runs first."""


class FoundDogsOut(BaseModel):
    """The dogs that a query matches."""

    dogs: list[FoundDogOut]
    """The dog of just that name first, then those whose names begin with it, then the others."""
    has_more: bool
    """Whether more match than `limit` lets through."""
    did_you_mean: list[str]
    """Where none matches: names of stored dogs that are spelt nearly so, the nearest first."""


class GapPointOut(BaseModel):
    """The champion's gap to the market after all races up to a day, as a look on that day showed it."""

    date: date_aliased
    """The day."""
    n_races: int
    """Races with a market so far."""
    gap: float | None
    """Mean gap a race so far."""
    gap_low: float | None = None
    """Lower end of the confidence sequence."""
    gap_high: float | None = None
    """Upper end."""


class GateOut(BaseModel):
    """One condition of promotion."""

    name: str
    """Its name."""
    passed: bool
    """Whether it is met."""
    reason: str
    """Why, in a sentence with the figures."""
    value: float | None = None
    """What was measured; of a difference that end of its 95 % interval which decides. Null where there was nothing to measure, and in artifacts that have the sentence alone."""
    rule: Literal["below", "at most", "at least"] | None = None
    """How the value must lie to the limit."""
    limit: float | None = None
    """The limit."""
    what: str | None = None
    """What the value is, where the gate's name does not say."""


class InputDayOut(BaseModel):
    """What came in on one day, UTC, as the service counted it."""

    date: date_aliased
    """The day."""
    n_cards: int
    """Cards answered."""
    n_runners: int
    """Their starters."""
    n_unknown_dogs: int
    """Runners that the database does not know."""
    n_unknown_tracks: int
    """Cards of a track that the version has not seen."""
    n_without_form: int
    """Cards on which no runner has a run."""
    n_priced: int
    """Cards on which every starter has a price."""
    unknown_tracks: dict[str, int] | None = None
    """Cards by track of those."""


class InputFeatureOut(BaseModel):
    """How one feature moved against its distribution in training, day by day as in `days`."""

    name: str
    """The feature."""
    psi: Annotated[list[float | None], Field(max_length=60)]
    """Population stability index; null on a day of fewer than 50 runners."""
    missing: Annotated[list[float | None], Field(max_length=60)]
    """Share of runners for which it is unknown."""
    missing_in_training: float | None = None
    """The same in training."""
    usual_psi: float | None = None
    """That of a quiet day."""
    p_value: float | None = None
    """How likely so large an index is on a quiet day, the smaller of the last two days."""


class IntervalOut(BaseModel):
    """A mean difference with the ends of its 95 % interval (bootstrap by race)."""

    difference: float | None
    """The mean difference."""
    low: float | None
    """Lower end of the interval."""
    high: float | None
    """Upper end of the interval."""


class KeptOut(BaseModel):
    """What lies on this machine's disk for a start while the registry is away."""

    version: int | None
    """Version that is stored; null if none is."""
    kept_at: AwareDatetime | None
    """Since when, UTC."""
    error: str | None
    """Why the version that serves could not be stored, or a stored one not be used."""


class LastPriceOut(BaseModel):
    """The last known price of a runner before the off."""

    name: str
    """As on the card."""
    box: int | None
    """As on the card."""
    price: float
    """Decimal odds."""


class ListedRaceOut(BaseModel):
    """A stored race, in short."""

    id: int
    """Its number here, for `GET /races/{race_id}`."""
    date: date_aliased
    """Race day."""
    track: str
    """Track."""
    race_number: int | None
    """Number of the race, if known."""
    distance_m: int
    """Distance in metres."""
    grade: str | None
    """Grade, if known."""
    n_runners: int
    """Runners known, without the scratched."""
    is_whole: bool
    """Whether every starter is known."""
    is_outcome_known: bool
    """Whether the outcome is known."""
    is_simulated: bool
    """Whether the race is simulated."""
    has_learnt: bool | None = None
    """Whether the version that serves has learnt from races of that day: what it says of them is no forecast. Null where unknown."""


class Live(BaseModel):
    """The process answers."""

    status: Literal["live"] = "live"
    """Always `live`."""


class LogOut(BaseModel):
    """How the prediction log does."""

    is_on: bool
    """Whether answers are logged: not without a database, nor where it is set off."""
    n_waiting: int
    """Answers in memory, not saved yet."""
    n_written: int
    """Answers written to the database since the start."""
    n_spooled: int
    """Answers that went to disk first, as the database was away or slow."""
    n_dropped: int
    """Answers that are not logged: neither database nor disk took them in time."""
    spool_bytes: int
    """Bytes on disk that the database has not taken yet."""
    last_kept: AwareDatetime | None
    """When answers were last written or spooled, UTC."""
    database_error: str | None
    """Why the database takes no answers, if it does not."""
    spool_error: str | None
    """Why the disk takes no answers, if it was tried and does not."""
    n_refused: int | None = 0
    """Of those dropped, answers that the database refuses or that lie damaged on disk (of these at least so many); they are set aside in `refused.jsonl` of the spool."""
    n_unreadable: int | None = 0
    """Cards of the whole log that cannot be read, and are set aside: `greyhound predictions unreadable` lists them."""
    reader_error: str | None = None
    """Why logged cards are not read now, if they are not."""


class LoggedRunnerOut(BaseModel):
    """The answer for a runner, and how it ran."""

    name: str
    """As on the card."""
    box: int
    """As on the card."""
    win_probability: float
    """As answered."""
    place_probability: float
    """As answered."""
    finish_position: int | None
    """Place at the finish, once known."""
    won: bool | None
    """Whether it won, once known; null if scratched."""
    share: float | None
    """Its win probability shared again among the starters."""
    market_probability: float | None
    """The market's at the off: BSP's, else SP's."""


class MemberOut(BaseModel):
    """One graph of the blend."""

    name: str
    """Its family."""
    weight: float
    """What its log odds count."""


class MissedEventOut(BaseModel):
    """`missed`: events were no longer stored when the follower came again, so read the races anew."""

    after: int
    """The last event that the follower had."""
    until: int
    """The last one that is missing."""
    text: str
    """The same in a sentence."""


class MonitorBinOut(BaseModel):
    """Runners of about the same probability, of the champion's answers."""

    n_runners: int
    """How many."""
    predicted: float
    """Mean probability."""
    observed: float
    """Share of winners."""


class MonitorDecisionOut(BaseModel):
    """What the guard, or a person, decided about the champion."""

    id: int
    """Number on record."""
    action: str
    """`promote`, `roll-back`, `stop-challenger` or `recommend`."""
    from_version: int | None = None
    """Version before."""
    to_version: int | None = None
    """Version after."""
    reason: str
    """In a sentence."""
    decided_by: str
    """By whom."""
    decided_at: AwareDatetime
    """When, UTC."""
    carried_out_at: AwareDatetime | None = None
    """When it was carried out, UTC."""
    error: str | None = None
    """Why it could not be carried out."""


class MonitoredChampionOut(BaseModel):
    """The version that served when the report was made."""

    version: int
    """Its number."""
    learnt_until: date_aliased | None = None
    """Last race day that it has learnt from."""
    since: AwareDatetime | None = None
    """When it was promoted, UTC."""
    weeks_since_learning: float | None = None
    """Weeks from that day to the report."""
    training_gap: float | None = None
    """Its race log loss less the market's on the races that judged it in training."""
    training_gap_low: float | None = None
    """Lower end of the 95 % interval."""
    training_gap_high: float | None = None
    """Upper end of the 95 % interval."""


class NotBelievedOut(BaseModel):
    """A row, or a fact of a row, that was left out."""

    line: int
    """Line of the file, the header's is 1."""
    what: str
    """`row`: the run is left out; `fact`: the run counts without it."""
    reason: str
    """The rule and the value."""


class NotJudgedOut(BaseModel):
    """Why logged races are not judged."""

    reason: Literal["no-results", "no-such-race", "not-whole"]
    """`no-results`: none of that track and day are stored; `no-such-race`: none of the stored ones has the card's dogs; `not-whole`: a starter was not on the card, or not exactly one won."""
    n_races: int
    """How many."""
    text: str
    """In a sentence, with what to do."""
    examples: Annotated[list[str] | None, Field(max_length=5)] = None
    """Days and tracks, the latest first."""


class OutcomeOut(BaseModel):
    """How a race came out: what nobody knew when the card was made."""

    winners: list[str]
    """One name, or more in a dead heat."""
    prices_at_the_off: Literal["bsp", "starting_price"] | None
    """Which price every starter has; null if neither."""
    runners: list[FinishOut]
    """Those that started, by box."""
    scratched: list[str]
    """Those that did not."""


class PairedDifferenceOut(BaseModel):
    """A mean difference with the ends of its 95 % interval, paired by race; null where too few races are."""

    difference: float | None
    """The mean difference."""
    low: float | None
    """Lower end of the interval."""
    high: float | None
    """Upper end of the interval."""


class PastRunIn(BaseModel):
    """One past race of a runner. Only date, track and distance are needed; leave out what is unknown."""

    model_config = ConfigDict(
        extra="forbid",
    )
    date: date_aliased
    """Day of the race. Runs on or after the card's date are left out, with a warning."""
    track: Annotated[str, Field(max_length=60, min_length=1)]
    """Track where it was run."""
    distance_m: Annotated[int, Field(ge=150, le=1200)]
    """Distance in metres."""
    box: Annotated[int | None, Field(ge=1, le=10)] = None
    """Box that it started from."""
    grade: Annotated[str | None, Field(max_length=60)] = None
    """Grade as the source writes it."""
    weight_kg: Annotated[float | None, Field(ge=15.0, le=50.0)] = None
    """Weight in kilograms."""
    finish_position: Annotated[int | None, Field(ge=1, le=10)] = None
    """Place at the finish, 1 for the winner."""
    time_s: Annotated[float | None, Field(ge=5.0, le=120.0)] = None
    """The runner's own time in seconds."""
    winner_time_s: Annotated[float | None, Field(ge=5.0, le=120.0)] = None
    """The winner's time in seconds."""
    first_split_s: Annotated[float | None, Field(ge=0.5, le=60.0)] = None
    """Seconds to the first sectional mark."""
    margin_lengths: Annotated[float | None, Field(ge=0.0, le=200.0)] = None
    """Lengths behind the winner; for the winner, lengths over the second."""
    position_in_running: Annotated[str | None, Field(pattern="^[0-9]{1,10}$")] = None
    """Position at each call, one digit a call."""
    starting_price: Annotated[float | None, Field(ge=1.001, le=1000.0)] = None
    """Starting price, decimal odds."""
    bsp: Annotated[float | None, Field(ge=1.001, le=1000.0)] = None
    """Betfair starting price, decimal odds."""
    place_bsp: Annotated[float | None, Field(ge=1.001, le=1000.0)] = None
    """Betfair starting price to be placed, decimal odds."""
    rated_price: Annotated[float | None, Field(ge=1.001, le=1000.0)] = None
    """An outside model's decimal odds for that race."""
    early_speed: Annotated[float | None, Field(ge=0.0, le=1.0)] = None
    """Betfair's early-speed rating for that race, 0 slow to 1 fast from the boxes."""


class PathPointsOut(BaseModel):
    """A mean and its confidence sequence as races came in: arrays of equal length."""

    n: list[int]
    """Races so far."""
    mean: list[float | None]
    """Mean gain in nats per race."""
    low: list[float | None]
    """Lower end; null while too few races say anything."""
    high: list[float | None]
    """Upper end."""


class PlaceFiguresOut(BaseModel):
    """One way to make place probabilities, judged runner by runner."""

    name: str
    """What they were made from."""
    log_loss: float | None = None
    """Log loss."""
    brier: float | None = None
    """Mean squared error."""
    ece: float | None = None
    """Expected calibration error."""
    model_minus_this: IntervalOut | None = None
    """The model's log loss less this one's; below 0 the model is better."""


class PlacesOut(BaseModel):
    """Place probabilities on the races that paid as many places as their size implies."""

    n_races: int
    """Races."""
    n_runners: int
    """Their runners."""
    discounts: list[float] | None = None
    """Discounts of Harville's method, fitted."""
    ece_by_chance: float | None = None
    """What a perfect model stays below with 95 %."""
    rows: list[PlaceFiguresOut]
    """One entry a way; the model comes first."""


class PolicyIn(BaseModel):
    """What the guard may do by itself; what is left out is as in its defaults."""

    model_config = ConfigDict(
        extra="forbid",
    )
    action: Literal["manual", "promote", "roll-back"] | None = "manual"
    """`manual` recommends only; `promote` makes a challenger champion once it is surely better by the margin; `roll-back` takes a promotion back if the version before is better."""
    alpha: float | None = 0.05
    """Chance of a wrong verdict, over all looks together."""
    margin: float | None = 0.0
    """How much better a challenger must be, in nats per race."""
    min_races: int | None = 200
    """Races before anything is decided."""
    min_days: int | None = 7
    """Days before anything is decided."""
    probation_races: int | None = 1000
    """Races for which the version before goes on in shadow after a promotion."""
    cool_down_hours: float | None = 24.0
    """Hours in which nothing more is changed after the guard changed the champion."""


class PolicyOut(BaseModel):
    """What the guard may do by itself, and on which evidence."""

    action: Literal["manual", "promote", "roll-back"]
    """What it may do."""
    alpha: float
    """Chance of a wrong verdict, over all looks together."""
    margin: float
    """How much better a challenger must be, in nats per race."""
    min_races: int
    """Races before anything is decided."""
    min_days: int
    """Days before anything is decided."""
    probation_races: int
    """Races that a probation lasts."""
    cool_down_hours: float
    """Hours in which nothing more is changed after the guard changed the champion."""


class PricesOut(BaseModel):
    """What became of the prices; all of them are stored."""

    n_races: int
    """Races that they are of."""
    n_prices: int
    """Runners' prices that were new."""
    n_known: int
    """Those that were stored already, or are older than what their minute has."""


class Problem(BaseModel):
    """What went wrong, after RFC 9457. It never repeats the request."""

    type: str
    """Stable name of the kind of problem, for programs."""
    title: str
    """The kind of problem, for people."""
    status: int
    """The HTTP status, again."""
    detail: str
    """What is wrong this time."""
    request_id: str | None = None
    """As in the header `X-Request-ID`."""
    errors: list[BrokenRule] | None = None
    """Each broken rule, where the request breaks some; the first 50 where it breaks more."""
    reason: str | None = None
    """Of `not-ready`, why no version serves: `no-champion` (promote one), `champion-refused` (promote another, or roll back), `registry-unavailable` or `loading`."""


class PromotionEventOut(BaseModel):
    """`promotion`: another version is champion."""

    at: AwareDatetime
    """When, UTC."""
    version: int
    """The version that is champion now."""
    previous: int | None
    """The one before, if there was one."""
    action: str
    """promote or rollback."""
    by: str
    """Who did it."""
    reason: str
    """Why."""
    key: str
    """Names this change."""


class PromotionIn(BaseModel):
    """Why a version becomes the champion."""

    model_config = ConfigDict(
        extra="forbid",
    )
    reason: Annotated[str, Field(max_length=2000, min_length=1)]
    """Why, for the record."""
    force: bool | None = False
    """Promote it although it failed its gates; this goes on record."""
    probation: bool | None = None
    """Whether it is on probation: the champion before goes on in shadow, and comes back by itself if it is better. Left out, `GREYHOUND_PROBATION` decides."""


class PromotionOut(BaseModel):
    """One change of the champion, and what it came to here."""

    number: int
    """Number of the change, from 1."""
    action: Literal["promote", "rollback"]
    """What was done."""
    version: int
    """The champion from then on."""
    previous: int | None
    """The champion before, if there was one."""
    reason: str
    """Why."""
    by: str
    """Name of the API key, or of the user who ran the command."""
    forced: bool
    """Whether gates were overruled."""
    at: AwareDatetime
    """When, UTC."""
    is_carried_out: bool | None = True
    """Whether it took effect. False while it is under way, and for ever if the process that wrote it died before the champion changed: a rollback passes it over."""
    is_on_probation: bool | None = False
    """Whether the champion before goes on in shadow, and comes back if it is better."""
    serving_version: int | None
    """What this process serves as it answers: the champion, or the version before if the champion was refused or takes long to load; see `/model_status`."""


class QuotedRunnerIn(BaseModel):
    """A runner, by its name or its box, and its prices; leave out what is unknown."""

    model_config = ConfigDict(
        extra="forbid",
    )
    name: Annotated[str | None, Field(max_length=60, min_length=1)] = None
    """The dog's name."""
    box: Annotated[int | None, Field(ge=1, le=10)] = None
    """Its box, where no name is given."""
    back: Annotated[float | None, Field(ge=1.001, le=1000.0)] = None
    """Best decimal odds to back."""
    lay: Annotated[float | None, Field(ge=1.001, le=1000.0)] = None
    """Best decimal odds to lay."""
    last: Annotated[float | None, Field(ge=1.001, le=1000.0)] = None
    """Last odds that were matched."""
    volume: Annotated[float | None, Field(ge=0.0, le=1000000000.0)] = None
    """Matched until then."""


class RaceDayOut(BaseModel):
    """A day of stored races."""

    date: date_aliased
    """The day."""
    n_races: int
    """Stored races."""
    n_whole_races: int
    """Races of which every starter is known."""
    n_meetings: int
    """Tracks that raced."""
    is_simulated: bool
    """Whether races of the day are simulated."""
    has_learnt: bool | None = None
    """Whether the version that serves has learnt from races of that day: what it says of them is no forecast. Null where unknown."""


class RaceDaysOut(BaseModel):
    """A page of race days."""

    race_days: list[RaceDayOut]
    """Newest first."""
    next_before: date_aliased | None
    """Send it as `before` for the next page; null at the end."""


class RaceTakenOut(BaseModel):
    """What became of one race."""

    status: Literal["imported", "already imported", "refused"]
    """`already imported`: the same was sent before."""
    n_added: int
    """Runs that were new."""
    n_updated: int
    """Known runs to which it added facts."""
    n_known: int
    """Runners to which it added nothing."""
    problems: list[str]
    """What was not believed, and why; also why a race is not whole."""


class RacesOut(BaseModel):
    """The races of a day."""

    races: list[ListedRaceOut]
    """By track and number; empty if there are none."""


class RatedDayOut(BaseModel):
    """What a dog's runs until the evening of a day say of its ability by one rating; higher is better."""

    date: date_aliased
    """A day on which it ran."""
    rating: str
    """`market` (ln of the market's share), `result` (a score of won, placed or neither), `time` and `split` (per cent), `early` (places at the first call) or `margin` (lengths)."""
    mean: float
    """The estimate, in the rating's unit."""
    sd: float
    """Its standard deviation."""


class Ready(BaseModel):
    """A champion is loaded."""

    status: Literal["ready"] = "ready"
    """Always `ready`."""
    version: int
    """Version that serves."""
    warnings: list[Literal["log-not-kept", "champion-not-kept"]] | None = None
    """What a person should attend to though it predicts; absent if there is nothing. `log-not-kept`: neither database nor disk takes the prediction log, so answers wait in memory. `champion-not-kept`: the disk does not take the champion for a start without the registry. `/model_status` has the errors."""


class RecordOut(BaseModel):
    """One change of the champion, as it is on record."""

    number: int
    """Number of the change, from 1."""
    action: Literal["promote", "rollback"]
    """What was done."""
    version: int
    """The champion from then on."""
    previous: int | None
    """The champion before, if there was one."""
    reason: str
    """Why."""
    by: str
    """Name of the API key, or of the user who ran the command."""
    forced: bool
    """Whether gates were overruled."""
    at: AwareDatetime
    """When, UTC."""
    is_carried_out: bool | None = True
    """Whether it took effect. False while it is under way, and for ever if the process that wrote it died before the champion changed: a rollback passes it over."""
    is_on_probation: bool | None = False
    """Whether the champion before goes on in shadow, and comes back if it is better."""


class RecordsOut(BaseModel):
    """The record of promotions."""

    promotions: list[RecordOut]
    """Newest first."""
    n_promotions: int
    """How many are on record in all."""
    rollback_to: int | None
    """Version that a rollback would make champion now; null if there is none before."""


class RefusalOut(BaseModel):
    """A version that was promoted but is not let in."""

    version: int
    """Version that was refused."""
    why: str
    """In a word: `corrupt`, `digest` (altered), `features` (unknown here), `foreign` (not a model of this product), `format` (of another release), `golden` (off on its golden card), `incomplete`, `source` (it lies where it may not), `slow`, `registry` (it could not be fetched) or `other`."""
    reason: str
    """In full."""
    at: AwareDatetime
    """When, UTC."""
    is_final: bool
    """Whether it is left alone until the alias moves; otherwise it is tried again."""


class RegistryOut(BaseModel):
    """What the service sees of the registry."""

    champion_version: int | None
    """Version that the champion alias names, as last seen; it differs from `version` while a new one is loaded, and when it was refused."""
    last_look: AwareDatetime | None
    """Last time it was polled, UTC."""
    last_contact: AwareDatetime | None
    """Last time it answered, UTC."""
    error: str | None
    """Why it did not answer, if it did not."""


class ReliabilityBinOut(BaseModel):
    """Runners of similar probability."""

    predicted: float
    """Mean probability that was given, 0..1."""
    observed: float
    """Share of them that won, 0..1."""
    n_runners: int
    """How many they are."""


class ResultEventOut(BaseModel):
    """`result`: a race has its result, or another one than before."""

    race_id: int
    """The race, for `GET /races/{race_id}`."""
    at: AwareDatetime
    """When it was stored, UTC."""
    date: date_aliased
    """Race day."""
    track: str
    """Track."""
    race_number: int | None
    """Number of the race, if known."""
    off_at: AwareDatetime | None
    """When it is due to start, UTC; null unknown."""
    winners: list[str]
    """More than one in a dead heat."""
    is_correction: bool
    """Whether it had one before."""


class ResultsOut(BaseModel):
    """What became of results; those that were taken are stored."""

    races: list[RaceTakenOut]
    """In the order of the request."""
    ratings: Literal["follow", "current"]
    """`follow`: the ratings learn from these races within seconds; until then answers warn of `ratings_behind`. `current`: nothing changed."""


class RollbackIn(BaseModel):
    """Why the champion is taken back."""

    model_config = ConfigDict(
        extra="forbid",
    )
    reason: Annotated[str, Field(max_length=2000, min_length=1)]
    """Why, for the record."""


class RunnerFiguresOut(BaseModel):
    """Scores of single runners at the natural share of winners."""

    n_runners: int
    """Runners judged."""
    share_of_winners: float | None = None
    """0..1."""
    auc: float | None = None
    """Area under the ROC curve."""
    brier: float | None = None
    """Mean squared error."""
    ece: float | None = None
    """Expected calibration error."""
    ece_by_chance: float | None = None
    """95 of 100 perfectly calibrated models show a smaller ECE on these runners."""
    log_loss: float | None = None
    """Log loss."""
    base_rate_log_loss: float | None = None
    """Log loss of giving everyone the base rate."""
    accuracy: float | None = None
    """Share on the right side of 0.5."""
    nobody_wins_accuracy: float | None = None
    """The same of saying that nobody wins."""
    f1: float | None = None
    """F1 at `f1_threshold`."""
    f1_threshold: float | None = None
    """Score that was best on the calibration races."""
    balanced_f1: float | None = None
    """F1 with winners and losers weighted even; `everyone wins` has 0.667."""


class RunnerFormOut(BaseModel):
    """A runner of a race and its last runs."""

    dog_id: int
    """The dog, for `GET /dogs/{dog_id}`."""
    name: str
    """Name."""
    box: int | None
    """Box, else the number that it wears."""
    is_scratched: bool
    """Whether it is scratched."""
    n_runs: int
    """Runs with a result on all days before the race's."""
    runs: list[FormLineOut]
    """The last six of days before the race's, the newest first; none of its own day."""


class RunnerIn(BaseModel):
    """One dog in the race. Give its form, or just its name when the database knows it."""

    model_config = ConfigDict(
        extra="forbid",
    )
    name: Annotated[str, Field(max_length=60, min_length=1)]
    """The dog's name; case, punctuation and a leading card number do not matter."""
    box: Annotated[int, Field(ge=1, le=10)]
    """Box that it starts from. A reserve without one stands in that of its number, 9 or 10; one that runs takes the box of the runner it replaces, with its own number as `rug`."""
    rug: Annotated[int | None, Field(ge=1, le=10)] = None
    """Its number on the card if not its box: 9 of a reserve that starts from box 6."""
    is_reserve: bool | None = None
    """Whether it is a reserve without a box to start from; such a one gets no share. Left out or null, it is where it stands in box 9 or 10. `false` for a race that was run with it in that box."""
    is_scratched: bool | None = False
    """Whether it was withdrawn: it gets no share, and its box is free for a reserve."""
    weight_kg: Annotated[float | None, Field(ge=15.0, le=50.0)] = None
    """Weight today in kilograms."""
    price: Annotated[float | None, Field(ge=1.001, le=1000.0)] = None
    """The market's decimal odds for this race. Where every starter has one, the market's and the combined probabilities are answered too; the model itself never sees it."""
    price_10m: Annotated[float | None, Field(ge=1.001, le=1000.0)] = None
    """The market's decimal odds ten minutes before the off that is due, none later. Only a model that was trained with `--knows prices-10m` sees them, and only where every starter has some."""
    rated_price: Annotated[float | None, Field(ge=1.001, le=1000.0)] = None
    """An outside model's decimal odds for this race."""
    early_speed: Annotated[float | None, Field(ge=0.0, le=1.0)] = None
    """Betfair's early-speed rating for this race, 0 slow to 1 fast from the boxes."""
    form: Annotated[list[PastRunIn] | None, Field(max_length=300)] = None
    """Past runs, in any order. They fill in what the database lacks."""


class RunnerOut(BaseModel):
    """The answer for one runner."""

    name: str
    """As in the request."""
    box: int
    """As in the request."""
    rug: int
    """Its number on the card."""
    status: Literal["starter", "reserve", "scratched"]
    """`starter`; or `reserve` or `scratched`, which have no share: their probabilities are 0, and they stand behind all starters in `rank`."""
    win_probability: Annotated[float, Field(ge=0.0, le=1.0)]
    """Chance of winning; the starters' sum to 1."""
    place_probability: Annotated[float, Field(ge=0.0, le=1.0)]
    """Chance of one of the places paid (`n_places`); the starters' sum to `n_places`. With up to four starters only the win pays, and it is the chance of winning."""
    fair_price: float
    """1 / win_probability, decimal odds. Of a runner that does not start 1e12: no price is worth taking."""
    rank: Annotated[int, Field(ge=1)]
    """1 for the likeliest winner; those that do not start come last."""
    is_known: bool
    """Whether the database knows the dog."""
    n_prior_runs: Annotated[int, Field(ge=0)]
    """Runs before race day that the answer draws on."""
    market_probability: Annotated[float | None, Field(ge=0.0, le=1.0)]
    """1 / price shared out among the starters; null unless each of them has a price."""
    combined_probability: Annotated[float | None, Field(ge=0.0, le=1.0)]
    """Model and market combined; null unless every starter has a price and the model has learnt how to combine them."""
    explanation: ExplanationOut | None
    """Why; null unless the request asks with `explain=true`."""


class RunnerPriceOut(BaseModel):
    """A runner's newest prices, decimal odds; null is unknown."""

    name: str
    """The dog's name."""
    box: int | None
    """Its box, or its number."""
    back: float | None
    """Best odds to back."""
    lay: float | None
    """Best odds to lay."""
    last: float | None
    """Last odds that were matched."""
    volume: float | None
    """Matched until then."""


class RunnerResultIn(BaseModel):
    """One starter and how it ran. Leave out what is unknown."""

    model_config = ConfigDict(
        extra="forbid",
    )
    name: Annotated[str, Field(max_length=60, min_length=1)]
    """The dog's name."""
    box: Annotated[int | None, Field(ge=1, le=10)] = None
    """Box that it started from."""
    finish_position: int | str | None = None
    """Place at the finish, 1 to 10; null did not finish, unless `won` is given. Or a code as results have it: `=2` in a dead heat, `F`, `DNF`, `DSQ` and their like ran and was not placed, `SCR`, `NR`, `RES` did not run."""
    won: bool | None = None
    """Whether it won, where its place is not known: exchanges tell no more."""
    time_s: Annotated[float | None, Field(ge=5.0, le=120.0)] = None
    """The runner's own time in seconds."""
    first_split_s: Annotated[float | None, Field(ge=0.5, le=60.0)] = None
    """Seconds to the first sectional mark."""
    margin_lengths: Annotated[float | None, Field(ge=0.0, le=50.0)] = None
    """Lengths behind the winner; for the winner, lengths over the second."""
    weight_kg: Annotated[float | None, Field(ge=15.0, le=50.0)] = None
    """Weight in kilograms."""
    position_in_running: Annotated[str | None, Field(pattern="^[0-9]{1,10}$")] = None
    """Position at each call, one digit a call."""
    starting_price: Annotated[float | None, Field(ge=1.001, le=1000.0)] = None
    """Starting price, decimal odds."""
    bsp: Annotated[float | None, Field(ge=1.001, le=1000.0)] = None
    """Betfair starting price, decimal odds."""
    place_bsp: Annotated[float | None, Field(ge=1.001, le=1000.0)] = None
    """Betfair starting price to be placed, decimal odds."""


class RunningExperimentOut(BaseModel):
    """The experiment that runs, as this process sees it."""

    id: int
    """Its number."""
    mode: Literal["shadow", "split"]
    """`shadow`: challengers answer nothing; `split`: they answer a share of races."""
    share: float
    """Share of races that challengers answer, together."""
    error: str | None
    """Why the record could not be read at the last poll, if it could not: this is the last one read."""


class ScoreOut(BaseModel):
    """How good the predictions of some races were; null where there is nothing to judge by."""

    group: str
    """Monday of the week, key of the track, version, or `all`."""
    name: str | None = ""
    """The same for people: of a track its name."""
    n_races: int
    """Races judged."""
    log_loss: float | None
    """Race log loss."""
    uniform_log_loss: float | None
    """Of knowing but the field size."""
    top_pick_rate: float | None
    """How often the likeliest won."""
    n_with_market: int
    """Races whose starters all have a price."""
    log_loss_with_market: float | None
    """Race log loss on those."""
    market_log_loss: float | None
    """The market's on those."""
    behind_market: float | None = None
    """The model's race log loss less the market's on those: above 0 the market is better."""
    behind_market_low: float | None = None
    """Lower end of its 95 % interval, paired by race; null below 10 races."""
    behind_market_high: float | None = None
    """Upper end of its 95 % interval."""


class ScoresOut(BaseModel):
    """How good the logged predictions were."""

    total: ScoreOut
    """All together."""
    groups: list[ScoreOut]
    """Group by group."""
    calibration: list[BinOut]
    """About ten bins of equally many runners."""


class ScratchingEventOut(BaseModel):
    """`scratching`: a runner is withdrawn, or was not after all."""

    race_id: int
    """The race, for `GET /races/{race_id}`."""
    at: AwareDatetime
    """When it was stored, UTC."""
    date: date_aliased
    """Race day."""
    track: str
    """Track."""
    race_number: int | None
    """Number of the race, if known."""
    off_at: AwareDatetime | None
    """When it is due to start, UTC; null unknown."""
    name: str
    """The dog's name."""
    box: int | None
    """Its box, or its number."""
    is_scratched: bool
    """False takes it back."""


class ScratchingIn(BaseModel):
    """A runner is withdrawn, or was not after all."""

    model_config = ConfigDict(
        extra="forbid",
    )
    name: Annotated[str, Field(max_length=60, min_length=1)]
    """The dog's name, as `POST /predict` takes it."""
    is_scratched: bool | None = True
    """`false` takes it back."""


class SealOut(BaseModel):
    """The seal of one day of predictions."""

    date: date_aliased
    """Day on which they were answered, UTC."""
    n_predictions: int
    """Answers of that day that came before the off, as far as is known."""
    n_before_off: int
    """Of these, known to have come before the off: by the card's `off_at`, or before race day began at the track. The others came on race day, and nobody gave the time of the off."""
    digest: str
    """sha256 over the day's predictions."""
    seal: str
    """sha256 over date, count, digest and the seal of the day before."""
    sealed_at: AwareDatetime
    """When it was sealed, UTC."""
    pruned_at: AwareDatetime | None
    """When the day's predictions were deleted from the log on purpose, UTC; null while they are there."""


class SealsOut(BaseModel):
    """A page of seals."""

    seals: list[SealOut]
    """The newest first."""
    next_before: date_aliased | None
    """`before` of the next page; null on the last."""


class ServiceOut(BaseModel):
    """How the service does. Counts are of the process that answers; ``/metrics`` adds all workers up."""

    uptime_s: float
    """Seconds since it started."""
    pid: int
    """The process that answers."""
    n_workers: int
    """Processes that serve together."""
    requests: dict[str, int]
    """Requests answered since it started, by class of their status."""
    n_in_flight: int
    """Requests that are being answered now."""
    queue_length: int
    """Requests that wait for their turn."""
    n_refused_for_overload: int
    """Requests turned away because too many waited."""
    predict_p50_ms: float | None
    """Milliseconds. Half of the predictions of the last five minutes took less; null if there were none."""
    predict_p99_ms: float | None
    """Milliseconds. 99 of 100 predictions of the last five minutes took less."""
    longest_gc_pause_ms: float
    """Longest stop by the garbage collector, in milliseconds, since the version that serves came in."""
    is_traced: bool
    """Whether traces go to a collector."""


class ShareIn(BaseModel):
    """Another share for the split that runs."""

    model_config = ConfigDict(
        extra="forbid",
    )
    share: Annotated[float, Field(ge=0.0, gt=0.0, le=0.9)]
    """Of the races, answered by challengers, together; above 0, up to 0.9."""


class StartsOut(BaseModel):
    """How a dog fared in some of its races, those with a result."""

    group: str
    """The box's number, or the track's name."""
    n_starts: int
    """Starts."""
    n_wins: int
    """Wins."""
    n_places: int
    """Paid places, the wins among them."""
    n_priced: int
    """Starts of which the market's probability is known."""
    priced_wins: int
    """Wins among those."""
    market_expected_wins: float | None
    """Wins that the market at the off expected of those: the sum of its probabilities; null without any."""


class StopIn(BaseModel):
    """Why an experiment is stopped."""

    model_config = ConfigDict(
        extra="forbid",
    )
    reason: str
    """Why, for the record."""


class StoredCardOut(BaseModel):
    """What became of one card."""

    id: int
    """The race's number here."""
    date: date_aliased
    """Race day."""
    track: str
    """Track."""
    race_number: int | None
    """Number of the race, if known."""
    is_new: bool
    """Whether the race was not stored before."""
    changes: list[str]
    """What changed, a sentence each."""


class StoredCardsOut(BaseModel):
    """What became of the cards; all of them are stored."""

    races: list[StoredCardOut]
    """In the order of the request."""


class SwapOut(BaseModel):
    """The latest change of the serving version."""

    version: int
    """Version that came in."""
    previous: int | None
    """Version that it replaced, if one served."""
    at: AwareDatetime
    """When, UTC."""
    seconds: float
    """From seeing the alias move to serving."""
    golden_difference: float | None
    """Largest difference between the two versions' probabilities on the new one's golden card; null where they cannot be compared."""


class SwitchOut(BaseModel):
    """The switch, which all replicas follow."""

    is_on: bool
    """How it stands; on until somebody turns it off."""
    changed_at: AwareDatetime | None
    """When it was last turned, UTC; null if never."""
    changed_by: str | None
    """Name of the API key, or of the user of the command."""
    reason: str | None
    """Why."""


class Taken(BaseModel):
    """The delivery is the registry's."""

    is_taken: bool | None = True
    """Always true."""


class TaskOut(BaseModel):
    """How a task of automation does in the process that answers."""

    name: str
    """What it does."""
    everywhere: bool
    """Whether each process does it, not one of all."""
    last_run: AwareDatetime | None
    """When it last ended without an error here, UTC; null if never."""
    took_ms: float | None
    """Milliseconds that it took then."""
    error: str | None
    """Why its last run failed, if it did."""
    n_failures: int
    """Runs that failed since the process started."""
    hangs: bool
    """Whether it has not come back for long."""


class TopPickOut(BaseModel):
    """The likeliest winner."""

    name: str
    """The dog's name."""
    box: int
    """Its box."""
    win_probability: Annotated[float, Field(ge=0.0, le=1.0)]
    """Probability to win, by the model."""
    fair_price: float
    """Price that would be fair: 1 / win_probability."""


class TrackOut(BaseModel):
    """A track; null is unknown."""

    id: int | None
    """Its number here; null of a track that is known and has no stored race."""
    name: str
    """Our name for it."""
    country: str | None
    """`AU`, `NZ`, `GB` or `IE`."""
    state: str | None
    """State, of Australian tracks."""
    zone: str | None
    """Time zone."""
    aliases: list[str]
    """Other names and codes under which sources know it."""
    n_races: int
    """Stored races."""
    first_day: date_aliased | None
    """Day of the first of them."""
    last_day: date_aliased | None
    """Day of the last of them."""
    distances_m: list[int]
    """Distances over which they went, in metres."""


class TracksOut(BaseModel):
    """Tracks by name."""

    tracks: list[TrackOut]
    """Those that are stored, and those that are known beside them."""
    did_you_mean: list[str]
    """Where none matches: names of tracks that are spelt nearly so, the nearest first."""


class UsualInputsOut(BaseModel):
    """Where the usual spread of the index between days comes from."""

    source: str
    """Days of training, or of serving."""
    n_days: float | None = None
    """How many."""
    n_runners: float | None = None
    """Runners a day."""


class VerdictOut(BaseModel):
    """What the races so far say of a contestant against the champion."""

    alpha: float
    """Chance of a wrong verdict, over all looks together."""
    by_outcome: EstimateOut
    """By who won; assumes nothing."""
    by_market: EstimateOut
    """By the closing prices' expectation: needs some 20 times fewer races, and assumes that closing prices are calibrated."""
    agreement: EstimateOut
    """By outcomes less by market, over races that have both: must contain 0."""
    is_market_trusted: bool
    """Whether it does; else the verdict by market is withheld."""
    decision: Literal["better", "worse", "undecided"]
    """The verdict."""
    decided_by: Literal["market", "outcomes"] | None
    """What decided it; null while undecided."""
    races_to_go_by_outcome: int | None
    """Forecast: races until outcomes decide at this rate. Null where they did, where it is too early to say, or where it would take more than 100,000."""
    races_to_go_by_market: int | None
    """The same of the closing prices' expectation."""


class VersionOut(BaseModel):
    """One registered version."""

    version: int
    """Its number."""
    aliases: list[str]
    """`champion` serves, `challenger` would."""
    kind: str
    """Model family, or `ensemble`."""
    created_at: AwareDatetime
    """When it was registered, UTC."""
    feature_version: str
    """Its set of features."""
    digest: str
    """sha256 over its artifact."""
    data_hash: str
    """Hash of the data that it was trained on."""
    git_commit: str
    """Code that trained it."""
    gates: str | None
    """`passed`, `failed`, or null where nobody judged."""
    gate_failures: str
    """Why it failed its gates."""
    description: str
    """In a sentence."""
    metrics: dict[str, float]
    """Figures on races later than anything that it saw."""


class VersionsOut(BaseModel):
    """Every registered version."""

    models: list[VersionOut]
    """Newest first."""


class WarningOut(BaseModel):
    """Something about the card that the reader of the answer should know."""

    code: str
    """Stable, for programs: `reserve` reserves have no share; `scratched` runners were withdrawn; `price_missing` some starters have no price, so there is no market; `early_price_missing` some starters have no price ten minutes before the off, which the version knows; `unknown_dog` no run of a dog is on file; `unknown_track` no race at the track is known; `unseen_track` the version has learnt from no race at the track; `late_run` runs on or after race day were left out; `ratings_behind` stored runs are not rated yet; `database_away` only what the card brings is known; `field_too_small` the starters are too few for a bet of `bets`; `learnt_day` the version has learnt from races of that day, so its answer is no forecast."""
    text: str
    """A sentence, for people."""


class WindowOut(BaseModel):
    """The days and the size of a part of the data."""

    since: date_aliased
    """First race day."""
    until: date_aliased
    """Last race day."""
    races: int
    """Whole races with exactly one winner; in artifacts without `other_races`, all races."""
    other_races: int | None = None
    """Races known in part, or without a single winner."""
    runners: int
    """Number of runners."""
    winners: int | None = None
    """Number of winners."""


class ServiceSchemasEvidenceCalibrationOut(BaseModel):
    """How log odds became calibrated scores; scores are then shared out within the race."""

    method: Literal["platt", "isotonic", "none"] | None
    """score = sigmoid(slope * log odds + intercept), a rising table, or none."""
    slope: float | None = None
    """Of Platt's method."""
    intercept: float | None = None
    """Of Platt's method."""
    sharing_exponent: float | None = None
    """A runner's share of its race is its odds to this power: above 1 favourites gain."""
    ece_before: float | None = None
    """ECE of single runners' scores before it."""
    ece_after: float | None = None
    """The same after it."""
    spread_before: float | None = None
    """Root of the Brier score before it."""
    spread_after: float | None = None
    """The same after it."""


class ServiceSchemasMonitorCalibrationOut(BaseModel):
    """How well win probabilities fit the outcomes."""

    n_races: int
    """Races that it was found on."""
    slope: float | None = None
    """Of the log probabilities within the race: 1 is calibrated, below 1 too bold."""
    slope_low: float | None = None
    """Lower end of its 95 % confidence sequence, valid at every look; null while the races say too little."""
    slope_high: float | None = None
    """Upper end."""
    intercept: float | None = None
    """Of a logistic recalibration a runner; 0 is calibrated."""
    ece: float | None = None
    """Expected calibration error, ten bins of equal count."""
    ece_by_chance: float | None = None
    """95 of 100 perfectly calibrated models show a smaller one on these runners."""


class AgeingOut(BaseModel):
    """How the champion ages, and when it should learn again."""

    weeks: Annotated[list[AgeingWeekOut] | None, Field(max_length=120)] = None
    """Of its answers, by weeks since it learnt."""
    training_weeks: Annotated[list[AgeingWeekOut] | None, Field(max_length=120)] = None
    """The same on the test races of its training, where its documents have it."""
    weeks_since_learning: float | None = None
    """By now."""
    retrain_after_weeks: float | None = None
    """Weeks after which retraining is due in any case."""
    is_due: bool | None = False
    """Whether retraining is due."""
    due_on: date_aliased | None = None
    """When it is due by age."""
    why: str | None = ""
    """In a sentence."""


class AutomationOut(BaseModel):
    """What the service does by itself, as the process that answers sees it."""

    is_on: bool
    """Whether the champion may be changed without a person: by the switch and by this process's `GREYHOUND_AUTOMATION`."""
    switch: SwitchOut
    """The switch, as last seen: some seconds ago at most."""
    place: Literal["here", "elsewhere", "unknown"]
    """Which process does the tasks: this one, another one, or, while the race database does not say, an unknown one."""
    error: str | None
    """Why the race database does not say who does them, if it does not."""
    tasks: list[TaskOut]
    """The tasks; where they are done elsewhere, ask there."""


class CardIn(BaseModel):
    """A race that has not been run: where, when, over what, and who runs."""

    model_config = ConfigDict(
        extra="forbid",
    )
    date: date_aliased
    """Race day. Only runs before it count, so a past day is answered as of that day; at most 60 days ahead."""
    track: Annotated[str, Field(max_length=60, min_length=1)]
    """Track, under any name that it goes by."""
    distance_m: Annotated[int, Field(ge=150, le=1200)]
    """Distance in metres."""
    grade: Annotated[str | None, Field(max_length=60)] = None
    """Grade as the source writes it."""
    race_number: Annotated[int | None, Field(ge=1, le=30)] = None
    """Number of the race at the meeting."""
    off_at: Annotated[
        str | None,
        Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})$"),
    ] = None
    """When the race is due to start, with its zone. No model sees it; with it the record (`GET /record/seals`) can say of an answer on race day that it came before the off."""
    runners: Annotated[list[RunnerIn], Field(max_length=10, min_length=2)]
    """Every starter, each in a box of its own, reserves and the scratched if you like; two must start. Leave out empty boxes (`VACANT`)."""


class CardsIn(BaseModel):
    """Races to come, with their fields as they are now."""

    model_config = ConfigDict(
        extra="forbid",
    )
    cards: Annotated[list[CardIn], Field(max_length=100, min_length=1)]
    """At most 100 at once."""
    stated_at: Annotated[
        str | None,
        Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})$"),
    ] = None
    """When the source stated this, with its zone: of what is stated of a runner the newest counts. Left out, now."""


class ContestantOut(BaseModel):
    """A contestant beside the champion, and the verdict on it."""

    contestant: str
    """Its key: a version (`8`), or a list of prices (`prices:tipster`)."""
    version: int | None
    """The version, if it is one."""
    price_list: str | None
    """Name of the imported prices, if it is those; they never serve."""
    first_day: date_aliased | None
    """Race day of its first race."""
    last_day: date_aliased | None
    """Race day of its last race."""
    verdict: VerdictOut
    """In numbers, by the races that both rated."""
    split: VerdictOut | None = None
    """By the races that each answered, in a split; null in shadow and for imported prices."""
    sentences: list[str]
    """In sentences."""


class CoverageOut(BaseModel):
    """How many logged races have their results, of those long enough ago."""

    since: date_aliased | None = None
    """First race day."""
    until: date_aliased | None = None
    """Last race day."""
    n_races: int | None = 0
    """Logged ahead of the race."""
    n_judged: int | None = 0
    """Of these, judged by their results."""
    n_with_market: int | None = 0
    """Of these, with a price for every starter."""
    share: float | None = None
    """Judged, of those logged."""
    not_judged: Annotated[list[NotJudgedOut] | None, Field(max_length=3)] = None
    """Why the others are not."""
    days: Annotated[list[CoverageDayOut] | None, Field(max_length=60)] = None
    """Day by day, the latest last."""


class DataOut(BaseModel):
    """The parts of the data, one after the other in time."""

    train: WindowOut | None = None
    """What members learnt from; the chosen ones then from calibration as well, and what serves from the test too if it was fitted again."""
    calibration: WindowOut | None = None
    """What weights, calibration and the choice were made on."""
    test: WindowOut | None = None
    """What all figures are of."""


class DayPredictionOut(BaseModel):
    """A prediction in short; `GET /races/{race_id}/prediction` has all of it."""

    version: int | None
    """The version that answered."""
    at: AwareDatetime
    """When, UTC."""
    top_pick: TopPickOut | None
    """Null where there is no prediction."""
    disagrees: DisagreementOut | None
    """Where win_probability and market_probability differ most; null unless every starter has a price."""
    problem: str | None
    """Why there is no prediction."""


class DogOut(BaseModel):
    """All that is stored of a dog; null is unknown."""

    id: int
    """Its number here."""
    name: str
    """Name."""
    sex: str | None
    """`D` dog, `B` bitch."""
    sire: str | None
    """Sire."""
    dam: str | None
    """Dam."""
    born: str | None
    """Day of birth, or the month where only that is known."""
    trainer: str | None
    """Of its newest run that has one."""
    career: StartsOut
    """All stored races with a result."""
    by_box: list[StartsOut]
    """By box."""
    by_track: list[StartsOut]
    """By track, that of most starts first."""
    runs: list[FormLineOut]
    """A page of its runs, the newest first; scratchings and races to come among them."""
    next_before: date_aliased | None
    """Send it as `before` for the next page; null at the end."""
    rated_track: str | None
    """The ratings are for a race at this track, that of the newest run with a result."""
    rated_distance_m: int | None
    """The ratings are for a race over so many metres."""
    ratings: list[RatedDayOut]
    """On the evening of each of the newest 100 days that it ran, the oldest first; what says nothing is left out. From its own runs alone."""


class ExperimentDetailsOut(BaseModel):
    """An experiment, its contestants with the verdicts on them, and what was decided."""

    id: int
    """Its number."""
    is_active: bool
    """Whether it runs."""
    kind: Literal["challenge", "probation"]
    """`probation`: after a promotion the version before goes on in shadow."""
    champion: int
    """The champion when it started."""
    challengers: list[int]
    """Versions, in the order of the aliases `challenger`, `challenger-2` ..."""
    mode: Literal["shadow", "split"]
    """How they are compared."""
    share: float
    """Of the races, answered by challengers, together; 0 in shadow."""
    policy: PolicyOut
    """What the guard may do."""
    started_at: AwareDatetime
    """When, UTC."""
    started_by: str
    """Name of the API key, of the user who ran the command, or `registry alias`."""
    reason: str
    """Why."""
    follows: int | None
    """The experiment that it restarts with other versions, or follows as a probation."""
    ended_at: AwareDatetime | None
    """When it ended, UTC."""
    ended_by: str | None
    """Who or what ended it."""
    end_reason: str | None
    """Why it ended."""
    contestants: list[ContestantOut]
    """Its challengers, then imported prices; by all results that are known now, late ones too."""
    contestants_at_end: list[ContestantOut] | None
    """The verdicts as they went on record when it ended; null while it runs."""
    decisions: list[DecisionOut]
    """What was decided in it, newest first; at most 50."""


class ExperimentIn(BaseModel):
    """An experiment to be started."""

    model_config = ConfigDict(
        extra="forbid",
    )
    challengers: Annotated[list[Challenger], Field(max_length=4, min_length=1)]
    """Versions to be compared with the champion."""
    mode: Literal["shadow", "split"] | None = "shadow"
    """`shadow`: the champion answers, challengers score beside it. `split`: challengers answer a share of the races."""
    share: Annotated[float | None, Field(ge=0.0, le=0.9)] = 0.0
    """Of the races, answered by challengers, together; 0 in shadow, up to 0.9 in a split."""
    policy: PolicyIn | None = None
    """What the guard may do, and on which evidence; left out, it recommends only."""
    reason: str
    """Why, for the record."""


class ExperimentOut(BaseModel):
    """An experiment as it is on record."""

    id: int
    """Its number."""
    is_active: bool
    """Whether it runs."""
    kind: Literal["challenge", "probation"]
    """`probation`: after a promotion the version before goes on in shadow."""
    champion: int
    """The champion when it started."""
    challengers: list[int]
    """Versions, in the order of the aliases `challenger`, `challenger-2` ..."""
    mode: Literal["shadow", "split"]
    """How they are compared."""
    share: float
    """Of the races, answered by challengers, together; 0 in shadow."""
    policy: PolicyOut
    """What the guard may do."""
    started_at: AwareDatetime
    """When, UTC."""
    started_by: str
    """Name of the API key, of the user who ran the command, or `registry alias`."""
    reason: str
    """Why."""
    follows: int | None
    """The experiment that it restarts with other versions, or follows as a probation."""
    ended_at: AwareDatetime | None
    """When it ended, UTC."""
    ended_by: str | None
    """Who or what ended it."""
    end_reason: str | None
    """Why it ended."""


class ExperimentsOut(BaseModel):
    """A page of the record of experiments."""

    experiments: list[ExperimentOut]
    """Newest first."""
    active: int | None
    """Number of the one that runs; one runs at a time."""
    next_before: int | None
    """Send it as `before` for the next page; null at the end."""


class FiguresOut(BaseModel):
    """One source of win probabilities, judged."""

    name: str
    """`model`, `uniform`, `box only`, `rated price`, `market before off`, `market (BSP/SP)`, `model with market`, or the simulator's `true probability`."""
    race_log_loss: float | None = None
    """Minus the mean log of the winner's probability."""
    model_minus_this: IntervalOut | None = None
    """The model's race log loss less this one's; below 0 the model is better."""
    auc: float | None = None
    """Area under the ROC curve."""
    brier: float | None = None
    """Mean squared error."""
    ece: float | None = None
    """Expected calibration error, ten bins of equal count."""
    log_loss: float | None = None
    """Log loss of single runners."""
    top_pick_rate: float | None = None
    """How often the highest probability of a race won, 0..1."""


class GuideCardOut(BaseModel):
    """A form guide as a card."""

    card: CardIn
    """As `POST /predict` takes it: each dog with its past runs as form."""
    n_rows: int
    """Rows of the file, each a past run."""
    not_believed: list[NotBelievedOut]
    """What of the rows was left out, and why; at most 200."""


class InputsOut(BaseModel):
    """How what goes into the model moved against its training's distributions (`reference.json`)."""

    version: int
    """The version that answered."""
    days: Annotated[list[InputDayOut], Field(max_length=60)]
    """The latest last."""
    features: Annotated[list[InputFeatureOut], Field(max_length=200)]
    """Those that moved most, first the one that did so most."""
    n_features: int
    """Features that are counted."""
    usual: UsualInputsOut | None = None
    """Null until enough days are known."""


class LoggedCardOut(BaseModel):
    """An answered card, and how it came out."""

    id: int
    """Number in the log."""
    request_id: str
    """Id of the request."""
    at: AwareDatetime
    """When it was answered, UTC."""
    model_version: int
    """Version that answered."""
    digest: str
    """sha256 over that version's artifact."""
    date: date_aliased
    """Race day."""
    track: str
    """Key of the track."""
    track_name: str | None = ""
    """Its name, or the key where none is known."""
    distance_m: int
    """Distance in metres."""
    race_number: int | None
    """Number of the race, if given."""
    race_id: int | None
    """The stored race that it was, once known."""
    is_ahead: bool | None = True
    """Whether it was answered before race day was over. A late one counts in a score only where requested: the model may have learnt from the race itself."""
    has_learnt: bool | None = None
    """Whether the version that answered had learnt from races of that very day; null where it is not the one that serves now, or is unknown."""
    loss: float | None
    """Race log loss: minus the log of the winner's share. Null until judged."""
    market_loss: float | None
    """The market's."""
    uniform_loss: float | None
    """Of knowing but the field size."""
    runners: list[LoggedRunnerOut]
    """By box."""


class LoggedCardsOut(BaseModel):
    """A page of the log."""

    predictions: list[LoggedCardOut]
    """Newest first."""
    next_before: int | None
    """Send it as `before` for the next page; null at the end."""
    n_unread: int
    """Cards just logged that are not shown yet, counted up to 10,000; they are within seconds."""
    n_unreadable: int | None = 0
    """Cards of the whole log that cannot be read: they are set aside, and count nowhere."""


class MinuteScoreOut(BaseModel):
    """Race log losses of one minute before the off, over the races whose starters all had a price then."""

    minutes: int
    """Minutes to the off that was due."""
    n_races: int
    """Races whose starters all had a price then."""
    model_loss: float | None
    """The model's race log loss on those."""
    market_loss: float | None
    """The market's of that minute."""
    combined_loss: float | None
    """Of model and market together, by weights fitted on other days; null where those are too few."""
    model_behind_market: PairedDifferenceOut
    """The model's loss less the market's: above 0 the market is better."""
    combined_behind_market: PairedDifferenceOut
    """That of both together less the market's: below 0 both together are better."""
    combined_behind_model: PairedDifferenceOut
    """That of both together less the model's: below 0 both together are better."""
    n_races_to_off: int
    """Those of the races with prices at minute 0 too."""
    market_behind_off: PairedDifferenceOut
    """The market of this minute less that of minute 0, on those: what later minutes add."""


class ModelStatus(BaseModel):
    """The champion, how good it is, and how it got here."""

    success: bool
    """Whether a champion is serving."""
    model_type: str | None = None
    """What kind of model."""
    accuracy: float | None = None
    """Share of right yes/no calls at probability 0.5 on untouched races. Saying `nobody wins` scores 0.875 in fields of eight, so judge by auc_score and metrics."""
    auc_score: float | None = None
    """Area under the ROC curve, untouched races."""
    f1_score: float | None = None
    """F1, untouched races."""
    last_trained: str | None = None
    """End of training, ISO 8601, UTC."""
    features: int | None = None
    """Number of features."""
    samples: int | None = None
    """Runs trained on."""
    class_balance: str | None = None
    """How winners and losers were balanced."""
    calibration: str | None = None
    """How scores were calibrated."""
    optimization: str | None = None
    """How parameters were searched."""
    version: int | None = None
    """Version that serves."""
    champion_since: AwareDatetime | None = None
    """When it was promoted, UTC; null where the registry has no record of it."""
    loaded_at: AwareDatetime | None = None
    """Since when it serves here, UTC."""
    served_from: Literal["registry", "kept artifact"] | None = None
    """Where it was loaded from. `kept artifact`: the registry could not give its champion when the service started, so the last good one stored on disk serves until it can."""
    served_from_kept_at: AwareDatetime | None = None
    """When that artifact was stored, UTC; null otherwise."""
    is_simulated: bool | None = None
    """Whether it was trained on simulated races."""
    learnt_since: date_aliased | None = None
    """First race day that it has learnt from."""
    learnt_until: date_aliased | None = None
    """Last race day that it has learnt from: of races up to it, it knows the outcome."""
    judgement: str | None = None
    """A sentence: on which races its figures were made, and what had been learnt then."""
    feature_version: str | None = None
    """Its set of features."""
    digest: str | None = None
    """sha256 over its artifact."""
    artifact_bytes: int | None = None
    """Size of its artifact."""
    why_none: AbsenceOut | None = None
    """Why no version serves; null while one does."""
    champion_refused: str | None = None
    """Why the version that the champion alias names does not serve, if it was refused."""
    n_swaps: int
    """Changes of version since the service started."""
    last_swap: SwapOut | None = None
    """The latest of them."""
    refusals: list[RefusalOut]
    """Versions not let in, newest first; at most 20."""
    registry: RegistryOut
    kept: KeptOut
    """The champion stored on disk."""
    database_error: str | None = None
    """Why the race database cannot be read, if it cannot."""
    prediction_log: LogOut
    """How the prediction log does, in this process."""
    automation: AutomationOut
    """What the service does by itself."""
    started_at: AwareDatetime
    """Start of the service, UTC."""
    service: ServiceOut
    """How the service itself does."""
    challengers: list[ChallengerOut] | None = None
    """Versions that are to run beside the champion, in their order."""
    experiment: RunningExperimentOut | None = None
    """The experiment that runs; null if none does."""


class PairPathOut(BaseModel):
    """How the gain of a contestant over another came about, race by race, to be drawn; at most 200 points."""

    by_outcome: PathPointsOut
    """By who won."""
    by_market: PathPointsOut
    """By the closing prices' expectation."""


class PathOut(BaseModel):
    """How the gain of a contestant over the champion came about, race by race, to be drawn."""

    experiment_id: int
    """The experiment."""
    contestant: str
    """The contestant's key."""
    by_outcome: PathPointsOut
    """By who won."""
    by_market: PathPointsOut
    """By the closing prices' expectation."""


class PredictionOut(BaseModel):
    """Probabilities of one race, from one version of the model."""

    model_version: int
    """Version of the model that answered."""
    request_id: str
    """As in the header `X-Request-ID`, sent along or made here."""
    is_simulated: bool
    """Whether the model was trained on simulated races only."""
    date: date_aliased
    """Race day, as in the request."""
    track: str
    """As in the request."""
    country: str | None = None
    """Where the track lies: AU, NZ, GB or IE, the last two with six traps and their own colours; null of a track that is not known."""
    distance_m: int
    """Distance in metres, as in the request."""
    grade: str | None
    """As in the request."""
    race_number: int | None
    """As in the request."""
    n_places: Annotated[int, Field(ge=1, le=3)]
    """Places paid for so many starters: 3 from eight on, 2 from five; with up to four only the win pays."""
    base_strength: float | None
    """What explanations start from: the strength of a runner whose every feature is the field's mean (of codes such as the box the most common one, among equals the middle one). Null unless the request asks with `explain=true`."""
    combination: Literal["model and market", "market"] | None
    """What `combined_probability` is made of: `market` where the model adds nothing to closing prices. Null where there is none."""
    runners: list[RunnerOut]
    """In the order of the request."""
    warnings: list[WarningOut]
    """Empty when there is nothing to say."""
    experiment: ExperimentPartOut | None = None
    """The experiment that this answer is part of; null if none runs, and for the cards of a batch while races are split."""
    bets: list[BetOut] | None = None
    """Those that the request names in `bets`, in its order, without any that has too few starters; not there unless it names some."""


class PriceEventOut(BaseModel):
    """`price`: runners of a race have new prices."""

    race_id: int
    """The race, for `GET /races/{race_id}`."""
    at: AwareDatetime
    """When it was stored, UTC."""
    date: date_aliased
    """Race day."""
    track: str
    """Track."""
    race_number: int | None
    """Number of the race, if known."""
    off_at: AwareDatetime | None
    """When it is due to start, UTC; null unknown."""
    minutes: int
    """Minutes to the off that is due; below 0 after it."""
    stated_at: AwareDatetime
    """When they were offered, UTC."""
    runners: list[RunnerPriceOut]
    """The runners whose prices are new."""


class PriceReportIn(BaseModel):
    """The prices of a race's runners at one time."""

    model_config = ConfigDict(
        extra="forbid",
    )
    race_id: Annotated[int, Field(ge=1, le=2147483647)]
    """Number of the race, as `GET /races/upcoming` has it."""
    at: Annotated[
        str,
        Field(
            pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})$"
        ),
    ]
    """When they were offered, with its zone: at most 7 days before the off that is due and 1 day after it."""
    runners: Annotated[list[QuotedRunnerIn], Field(max_length=10, min_length=1)]
    """Those whose prices are known."""


class PricesIn(BaseModel):
    """Prices of races to come."""

    model_config = ConfigDict(
        extra="forbid",
    )
    prices: Annotated[list[PriceReportIn], Field(max_length=200, min_length=1)]
    """At most 200 at once; a race may stand in several, of several times."""


class QualityOut(BaseModel):
    """How good the answers of some races were; null where there is nothing to judge by."""

    group: str
    """Day, Monday of the week, version, key of the track, state, number of starters, `all` or `champion`."""
    name: str | None = ""
    """The same for people."""
    n_races: int
    """Races judged."""
    log_loss: float | None = None
    """Race log loss."""
    uniform_log_loss: float | None = None
    """Of knowing but the field size."""
    n_with_market: int | None = 0
    """Races whose starters all have a price."""
    market_log_loss: float | None = None
    """The market's race log loss on those."""
    gap: float | None = None
    """The answers' race log loss less the market's on those, by outcomes: above 0 the market is better."""
    gap_low: float | None = None
    """Lower end of its 95 % confidence sequence, valid at every look; null while the races say too little."""
    gap_high: float | None = None
    """Upper end."""
    expected_gap: float | None = None
    """The gap as the closing prices expect it: assumes that they are calibrated, and has a fraction of the noise."""
    calibration: ServiceSchemasMonitorCalibrationOut | None = None
    """Null below 50 races."""


class RaceFormOut(BaseModel):
    """The form lines of a race's runners, as they stood on its morning."""

    race_id: int
    """The race."""
    date: date_aliased
    """Race day."""
    track: str
    """Track."""
    runners: list[RunnerFormOut]
    """By box; the scratched among them."""


class RaceResultIn(BaseModel):
    """One race that was run, with every starter. Sent again, it replaces what was sent before."""

    model_config = ConfigDict(
        extra="forbid",
    )
    date: date_aliased
    """Race day, not after today."""
    track: Annotated[str, Field(max_length=60, min_length=1)]
    """Track, under any name that it goes by."""
    distance_m: Annotated[int, Field(ge=150, le=1200)]
    """Distance in metres."""
    race_number: Annotated[int | None, Field(ge=1, le=20)] = None
    """Number of the race at the meeting; without one, the dogs say which race it is."""
    grade: Annotated[str | None, Field(max_length=60, min_length=1)] = None
    """Grade as the source writes it."""
    runners: Annotated[list[RunnerResultIn], Field(max_length=10, min_length=2)]
    """Every starter."""


class ResultsIn(BaseModel):
    """Races that were run."""

    model_config = ConfigDict(
        extra="forbid",
    )
    races: Annotated[list[RaceResultIn], Field(max_length=100, min_length=1)]
    """At most 100 at once."""


class StoredRaceOut(BaseModel):
    """A stored race: the card as it was before the race, and apart from it how it came out."""

    id: int
    """Its number here."""
    date: date_aliased
    """Race day."""
    track: str
    """Track."""
    race_number: int | None
    """Number of the race, if known."""
    distance_m: int
    """Distance in metres."""
    grade: str | None
    """Grade, if known."""
    is_whole: bool
    """Whether every starter is known."""
    is_simulated: bool
    """Whether the race is simulated."""
    card: CardIn | None
    """As `POST /predict` takes it, names without form: the database knows the dogs. No prices of the market, unless requested by `prices=at_the_off`. Null where the race makes no card."""
    why_no_card: str | None
    """The rule of cards that the race breaks."""
    outcome: OutcomeOut | None
    """Null until it is known."""
    country: str | None = None
    """AU, NZ, GB or IE; null unknown."""
    zone: str | None = None
    """The track's zone, if known."""
    off_at: AwareDatetime | None = None
    """When it was due to start, UTC, if known."""
    runners: Annotated[list[EntryOut] | None, Field(validate_default=True)] = []
    """Every runner, the scratched and the reserves too, by box."""
    prices: Annotated[list[LastPriceOut] | None, Field(validate_default=True)] = []
    """The last known prices before the off, of those runners that have one."""
    has_learnt: bool | None = None
    """Whether the version that serves has learnt from races of that day: what it says of them is no forecast. Null where unknown."""


class UpcomingRaceOut(BaseModel):
    """A race of the day, run or not."""

    id: int
    """Its number here, for `GET /races/{race_id}`."""
    date: date_aliased
    """Race day, at the track."""
    track: str
    """Track."""
    country: str | None
    """AU, NZ, GB or IE; null unknown."""
    zone: str | None
    """The track's zone."""
    race_number: int | None
    """Number of the race, if known."""
    distance_m: int
    """Distance in metres."""
    grade: str | None
    """Grade, if known."""
    off_at: AwareDatetime | None
    """When it is due to start, UTC; null unknown."""
    n_runners: int
    """Runners, without the scratched and the reserves."""
    scratched: list[str]
    """Those that were withdrawn."""
    is_outcome_known: bool
    """Whether the outcome is known."""
    winners: list[str]
    """Empty until it is known."""
    n_without_form: int
    """Runners of which no run is stored."""
    prediction: DayPredictionOut | None = None
    """Null unless requested by `predict=true`."""


class ByMinutesOut(BaseModel):
    """How model, market and both together did, by minutes to the off."""

    minutes: list[MinuteScoreOut]
    """The earliest first; minutes without a race whose starters all had a price are left out."""
    n_races: int
    """Judged races with any price, the newest."""
    is_cut: bool
    """There are older ones, which are not judged; see `limit`."""
    first_day: date_aliased | None
    """The first day of those races."""
    last_day: date_aliased | None
    """The last."""


class ComparisonOut(BaseModel):
    """Several sources on the same races; the model comes first."""

    n_races: int
    """Races with exactly one winner."""
    n_runners: int
    """Their runners."""
    rows: list[FiguresOut]
    """One entry a source."""


class EvidenceOut(BaseModel):
    """What a version was trained on, and how good it is on races that neither it nor its search saw."""

    version: int
    """Number of the version."""
    digest: str
    """sha256 over its artifact."""
    kind: str | None
    """Model family, or `ensemble`."""
    model_type: str | None
    """The same for people, with its first figure of merit."""
    is_simulated: bool | None
    """Whether races of the simulator were among those it was trained or judged on: then the figures say nothing of real dogs."""
    simulated_share: float | None
    """Share of such runners, 0..1."""
    trained_at: AwareDatetime | None
    """End of training, UTC."""
    training_s: float | None
    """Seconds that training took."""
    feature_version: str | None
    """Its set of features."""
    n_features: int | None
    """Number of features."""
    data_hash: str | None
    """sha256 of the data that it learnt from."""
    git_commit: str | None
    """Code that trained it."""
    libraries: dict[str, Any] | None
    """Versions of Python and of the libraries that trained it."""
    data: DataOut | None
    """Days and sizes of the parts of the data."""
    learnt: WindowOut | None
    """All that what serves has learnt from; null in artifacts without it."""
    learnt_until: date_aliased | None
    """Last race day that what serves has learnt from."""
    is_refit: bool
    """Whether what serves was fitted again on all races after the judgement: then all figures are of the judged model, which had learnt to `judged_learnt_until`."""
    judged_learnt_until: date_aliased | None
    """Last race day that the judged model had learnt from."""
    judged_digest: str | None
    """sha256 over the judged model's artifact, which lies in the folder `judged` of the training's run; null where the judged model serves."""
    judgement: str | None
    """The same in a sentence."""
    races: ComparisonOut | None
    """The model, uniform and box only on every whole race of the test with one winner."""
    beside_market: ComparisonOut | None
    """The same and what prices say, on those of the races where every price is known; null where no price is known for half of the races."""
    market_information: float | None
    """Share of the way from uniform to the closing market, in race log loss: 0 knows nothing but the field size, 1 is the market."""
    truth_covered: float | None
    """Share of the way to the simulator's true probabilities; null for real races."""
    runners: RunnerFiguresOut | None
    """Calibrated scores of single runners of the test, each judged alone."""
    reliability: list[ReliabilityBinOut] | None
    """Predicted and observed shares of winners, in bins of about equally many runners."""
    ece_by_chance: float | None
    """95 of 100 perfectly calibrated models show a smaller ECE on these races."""
    gates_passed: bool | None
    """Whether every gate was passed."""
    gates: list[GateOut] | None
    """Each condition of promotion, and how it came out."""
    class_balance: str | None
    """What the members did about the few winners."""
    base_rate: float | None
    """Share of winners in training, 0..1."""
    calibration: ServiceSchemasEvidenceCalibrationOut | None
    """How log odds became calibrated scores, and what that did."""
    combination: CombinationOut | None
    """How it combines with the market; null if it does not."""
    members: list[MemberOut] | None
    """Graphs of the blend."""
    budget: BudgetOut | None
    """What the search was allowed to spend."""
    n_trials: int | None
    """Trials of the search in all."""
    judged_by: str | None
    """Loss on the calibration races by which the candidate was chosen."""
    families: list[FamilyOut] | None
    """What each family's search came to; null in artifacts without it."""
    places: PlacesOut | None
    """Place probabilities beside other ways to make them."""


class MonitorOut(BaseModel):
    """What serves, is it well, and what somebody should look at."""

    status: Literal["well", "look", "alarm"]
    """`alarm`: a critical alarm is active; `look`: a warning is, or there is too little to judge by; else `well`."""
    line: str
    """The same in a sentence."""
    made_at: AwareDatetime | None = None
    """When the report was made, UTC; null before the first."""
    age_s: float | None = None
    """Seconds since then."""
    took_s: float | None = None
    """Seconds that it took."""
    serving_version: int | None = None
    """The version that serves now, here."""
    champion: MonitoredChampionOut | None = None
    """The version that the report is about; null if none served."""
    since: date_aliased | None = None
    """First race day that the report looked at."""
    until: date_aliased | None = None
    """Last."""
    quality: QualityOut | None = None
    """The champion's answers, all together."""
    total: QualityOut | None = None
    """Each race by the last card answered ahead, by whichever version."""
    days: Annotated[list[QualityOut] | None, Field(max_length=400)] = None
    """The same by day, the last 60, the latest last."""
    weeks: Annotated[list[QualityOut] | None, Field(max_length=400)] = None
    """By week (Mondays), the last 53."""
    versions: Annotated[list[QualityOut] | None, Field(max_length=400)] = None
    """By version, each by its own last card of a race."""
    tracks: Annotated[list[QualityOut] | None, Field(max_length=400)] = None
    """By track, those with most races."""
    states: Annotated[list[QualityOut] | None, Field(max_length=400)] = None
    """By state."""
    field_sizes: Annotated[list[QualityOut] | None, Field(max_length=400)] = None
    """By number of starters."""
    gap_path: Annotated[list[GapPointOut] | None, Field(max_length=400)] = None
    """The champion's gap over time, with its band."""
    calibration_bins: Annotated[list[MonitorBinOut] | None, Field(max_length=20)] = None
    """The champion's, about ten of equally many runners."""
    coverage: CoverageOut | None = None
    """How many logged races have their results."""
    ageing: AgeingOut | None = None
    inputs: InputsOut | None = None
    """How what goes into the model moved; null if no version served."""
    alarms: Annotated[list[AlarmOut] | None, Field(max_length=200)] = None
    """Those active now, the critical ones first."""
    decisions: Annotated[list[MonitorDecisionOut] | None, Field(max_length=20)] = None
    """The last ones, the newest first."""


class PairOut(BaseModel):
    """A contestant against any other, over the races that both rated."""

    contestant: str
    """Its key: a version (`8`), or a list of prices (`prices:tipster`)."""
    version: int | None
    """The version, if it is one."""
    price_list: str | None
    """Name of the imported prices, if it is those; they never serve."""
    first_day: date_aliased | None
    """Race day of its first race."""
    last_day: date_aliased | None
    """Race day of its last race."""
    verdict: VerdictOut
    """In numbers, by the races that both rated."""
    split: VerdictOut | None = None
    """By the races that each answered, in a split; null in shadow and for imported prices."""
    sentences: list[str]
    """In sentences."""
    champion: str
    """Key of the one that it is compared with."""
    path: PairPathOut
    """How the verdict came about."""


class UpcomingOut(BaseModel):
    """The races of a day, or those that are due."""

    now: AwareDatetime
    """The service's clock, UTC."""
    races: list[UpcomingRaceOut]
    """By the time that they are due, then by track and number; at most 500."""
