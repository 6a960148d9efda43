"""What of a version's inputs somebody should look at: features that moved, and what is missing at once.

A feature has moved when its PSI of today, or of the last day that is over, is larger than quiet days explain:
at a p-value that is shared out over all features and all looks of a week, so that a quiet week has
``ALARMS_A_WEEK`` false alarms in the mean (:mod:`racing.monitor.drift`). A topic's features make one alarm.
What is certain waits for no day's end: an hour of cards without form, a feature that no runner has.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import Engine

from racing.features.topics import topic_of
from racing.monitor.alarms import Finding, alarm_key, clear_alarms, raise_alarms
from racing.monitor.drift import MATERIAL_PSI, Floats, UsualDays, level, p_values, share_p_values
from racing.monitor.input_counts import FACTS, N_HOURS, WIN_PROBABILITY
from racing.monitor.input_days import DayOfInputs, days_of_inputs, versions_with_inputs
from racing.monitor.inputs import N_DAYS, n_runners_of, psi_by_day, usual_of
from racing.predictions.latest import begin_writing

SETTLED_P = 1e-3
"""An alarm is cleared once the p-value is larger than this."""
HOUR_OF_CARDS = 20
"""Cards of an hour, all without form, that make an alarm."""
CERTAIN_RUNNERS = 200
"""Runners that all lack a feature which most had in the training."""
UNKNOWN_TRACK_CARDS = 5
UNKNOWN_TRACK_SHARE = 0.02
MAX_VERSIONS = 3
_N_NAMED = 5
_WIN_TOPIC = "win probabilities"
_SHARES = {
    # fact: (out of, what it is called)
    "n_unknown_dogs": ("n_runners", "runners whose dog the database does not know"),
    "n_without_form": ("n_cards", "cards without form"),
    "n_priced": ("n_cards", "cards on which every starter has a price"),
}


@dataclass(slots=True)
class Judged:
    """What was found of the inputs at one look."""

    findings: list[Finding] = field(default_factory=list)
    unsettled: set[str] = field(default_factory=set)
    """Keys of alarms that are neither raised nor cleared by this look."""


def check_inputs(engine: Engine, *, now: dt.datetime | None = None) -> Judged:
    """Raise and clear the alarms about inputs, of the versions that answered lately, and return them."""
    now = now or dt.datetime.now(dt.UTC)
    today = now.date()
    since = today - dt.timedelta(days=N_DAYS)
    found = Judged()
    for version in versions_with_inputs(engine, since=today - dt.timedelta(days=1))[:MAX_VERSIONS]:
        judged = judge(days_of_inputs(engine, version, since=since), today=today)
        found.findings += judged.findings
        found.unsettled |= judged.unsettled
    standing = {finding.key for finding in found.findings} | found.unsettled
    with engine.begin() as connection:
        begin_writing(connection)
        raise_alarms(connection, found.findings)
        clear_alarms(connection, {"inputs"}, standing=standing)
    return found


def judge(days: Sequence[DayOfInputs], *, today: dt.date) -> Judged:
    """Return what is found of one version's days, the newest two judged, the others as what is usual."""
    judged = Judged()
    if not days or days[-1].date < today - dt.timedelta(days=1):
        return judged
    usual, _ = usual_of(days, today)
    newest = [day for day in days[-2:] if day.date >= today - dt.timedelta(days=1)]
    if usual is not None:
        _judge_features(newest, usual, judged)
    _judge_shares(days, newest, judged)
    judged.findings += _certain(days)
    judged.findings = list({finding.key: finding for finding in judged.findings}.values())
    return judged


def _judge_features(newest: Sequence[DayOfInputs], usual: UsualDays, judged: Judged) -> None:
    """Find the features that moved, a finding a topic."""
    version, bins, by_day = newest[-1].version, newest[-1].counted.bins, psi_by_day(newest)
    alarm_p = level(len(bins.names) + len(_SHARES))
    p_value = np.array(
        [p_values(row, int(n), usual) for row, n in zip(by_day, n_runners_of(newest), strict=True)]
    )
    is_moved = (p_value <= alarm_p) & (np.nan_to_num(by_day) >= MATERIAL_PSI)
    moved: defaultdict[str, list[int]] = defaultdict(list)
    for column, name in enumerate(bins.names):
        topic = _topic_of(name)
        if is_moved[:, column].any():
            moved[topic].append(column)
        elif (p_value[:, column] <= SETTLED_P).any():
            judged.unsettled.add(alarm_key("inputs", _subject(version, topic)))
    for topic, columns in moved.items():
        columns.sort(key=lambda column: (p_value[:, column].min(), -np.nan_to_num(by_day[:, column]).max()))
        day_of = {column: int(np.argmin(p_value[:, column])) for column in columns}
        shown = [
            f"{bins.names[column]} ({_figures(newest[day], column, by_day[day, column], usual)})"
            for column in columns[:_N_NAMED]
            for day in (day_of[column],)
        ]
        more = f", and {len(columns) - _N_NAMED} more" if len(columns) > _N_NAMED else ""
        numbers = {
            "day": str(newest[day_of[columns[0]]].date),
            "alarm_p_value": alarm_p,
            "features": {
                bins.names[column]: {
                    "psi": by_day[day_of[column], column],
                    "usual_psi": usual.mean[column] ** 3,
                    "p_value": p_value[:, column].min(),
                }
                for column in columns[:20]
            },
        }
        many = f"{len(columns)} inputs" if len(columns) > 1 else "One input"
        judged.findings.append(
            Finding(
                kind="inputs",
                subject=_subject(version, topic),
                severity="warning",
                text=f"{many} of the topic {topic} moved away from the training: {', '.join(shown)}{more}.",
                todo="Look at what the sources of cards, form and results deliver; if races themselves have "
                "changed, train again.",
                numbers=numbers,
            )
        )


def _figures(day: DayOfInputs, column: int, of_day: float, usual: UsualDays) -> str:
    counts, bins = day.counted.counts[column], day.counted.bins
    text = f"PSI {of_day:.2f}, on a quiet day {usual.mean[column] ** 3:.2f}"
    missing, in_training = counts[0] / max(counts.sum(), 1), bins.shares[column, 0]
    if abs(missing - in_training) > 0.02:
        text += f"; missing {missing:.0%}, in training {in_training:.0%}"
    return text


def _judge_shares(days: Sequence[DayOfInputs], newest: Sequence[DayOfInputs], judged: Judged) -> None:
    """Find shares of runners or cards that are not what they are on other days."""
    earlier = [day for day in days if day.date < newest[0].date]
    version, alarm_p = newest[-1].version, level(len(days[-1].counted.bins.names) + len(_SHARES))
    usual = np.array([_shares_of(day) for day in earlier]).reshape(len(earlier), len(_SHARES))
    n_usual = np.array([day.counted.facts["n_cards"] for day in earlier], np.int64)
    for day in newest:
        shares, n_cards = _shares_of(day), day.counted.facts["n_cards"]
        p_value = share_p_values(shares, n_cards, usual, n_usual)
        for i, (_, what) in enumerate(_SHARES.values()):
            subject = _subject(version, what)
            if p_value[i] <= alarm_p:
                mean = float(usual[:, i].mean())
                judged.findings.append(
                    Finding(
                        kind="inputs",
                        subject=subject,
                        severity="warning",
                        text=f"{shares[i]:.0%} of {day.date} are {what}; on the days before {mean:.0%}.",
                        todo="Look at what the sources of cards, form and prices deliver.",
                        numbers={"share": shares[i], "usual": mean, "p_value": p_value[i], "cards": n_cards},
                    )
                )
            elif p_value[i] <= SETTLED_P:
                judged.unsettled.add(alarm_key("inputs", subject))


def _certain(days: Sequence[DayOfInputs]) -> Iterator[Finding]:
    """Yield what needs no comparison of days."""
    day = days[-1]
    yield from _hour_without_form(days)
    counts, bins, facts = day.counted.counts, day.counted.bins, day.counted.facts
    n = counts.sum(axis=1)
    is_gone = (counts[:, 0] == n) & (n >= CERTAIN_RUNNERS) & (bins.shares[:, 0] < 0.5)
    if is_gone.any():
        names = [bins.names[column] for column in np.flatnonzero(is_gone)]
        shown = ", ".join(names[:_N_NAMED]) + (", ..." if len(names) > _N_NAMED else "")
        yield Finding(
            kind="inputs",
            subject=_subject(day.version, "inputs that no runner has"),
            severity="critical",
            text=f"No runner of {int(n.max())} has {shown} ({len(names)} inputs) on {day.date}, though "
            "most had in the training.",
            todo="Look at what the sources of cards and form deliver: a column is gone or renamed.",
            numbers={"features": names[:50], "runners": int(n.max())},
        )
    n_unknown = facts["n_unknown_tracks"]
    if n_unknown >= UNKNOWN_TRACK_CARDS and n_unknown >= UNKNOWN_TRACK_SHARE * facts["n_cards"]:
        largest_first = sorted(day.counted.unknown_tracks.items(), key=lambda track: -track[1])
        named = ", ".join(f"{name or 'others'} ({n})" for name, n in largest_first[:_N_NAMED])
        yield Finding(
            kind="inputs",
            subject=_subject(day.version, "unknown tracks"),
            severity="warning",
            text=f"{n_unknown} of {facts['n_cards']} cards of {day.date} are of tracks that the version has "
            f"not seen: {named}.",
            todo="A renamed track needs an alias (racing/domain/tracks.py); a new one needs results and a "
            "training.",
            numbers={"cards": n_unknown, "tracks": dict(largest_first[:20])},
        )


def _hour_without_form(days: Sequence[DayOfInputs]) -> Iterator[Finding]:
    """Yield a finding if the last full hours of cards had none with form, and others have."""
    day = days[-1]
    cards, without = (day.counted.hours[:, FACTS.index(name)] for name in ("n_cards", "n_without_form"))
    busy = np.flatnonzero(cards >= HOUR_OF_CARDS)
    if not len(busy) or without[busy[-1]] < cards[busy[-1]]:
        return
    facts = [earlier.counted.facts for earlier in days[:-1]]
    n_cards, n_without = (sum(fact[name] for fact in facts) for name in ("n_cards", "n_without_form"))
    if n_cards and n_without > n_cards / 2:
        return
    hour = int(busy[-1])
    yield Finding(
        kind="inputs",
        subject=_subject(day.version, "cards without form"),
        severity="critical",
        text=f"None of {int(cards[hour])} cards answered on {day.date} from {hour:02d}:00 to "
        f"{(hour + 1) % N_HOURS:02d}:00 UTC had a runner with form.",
        todo="Look whether the race database is reachable, and whether cards still carry form.",
        numbers={"cards": int(cards[hour]), "hour": hour},
    )


def _shares_of(day: DayOfInputs) -> Floats:
    facts = day.counted.facts
    return np.array([facts[fact] / max(facts[of], 1) for fact, (of, _) in _SHARES.items()])


def _subject(version: int, what: str) -> str:
    return f"version {version}: {what}"


def _topic_of(name: str) -> str:
    if name == WIN_PROBABILITY:
        return _WIN_TOPIC
    try:
        return topic_of(name)
    except ValueError:  # a feature of another release
        return "other features"
