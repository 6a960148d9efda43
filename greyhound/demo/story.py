"""The story of the demo: a challenger earns its place, a spoiled version is taken back, an input drifts."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from greyhound.demo.coming_days import ComingDays
from greyhound.demo.spoil import register_spoiled
from greyhound.demo.stage import Stage, wait_until
from greyhound_client import GreyhoundClient
from greyhound_client.models import ExperimentDetailsOut, PolicyIn
from model_registry import get_model_registry
from racing.database.engine import open_database
from racing.domain.cards import Card
from racing.experiments.policy import Policy
from racing.simulation.simulator import simulate_season

HISTORY_DAYS = 150
FEWEST_RACES = 60
TEMPERATURE = 1.8
DAY_S = 120.0
"""Seconds that the service has to follow a day, on a machine that has other work too."""

Show = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How long the demo lasts, and on how many races."""

    n_races: int = 6000
    n_days: int = 40
    seed: int = 7
    trials: int = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: the champion of each act, and what was decided and alarmed."""

    champions: tuple[int, ...]
    decisions: tuple[str, ...]
    alarms: tuple[str, ...]
    n_cards: int


def prepare(stage: Stage, plan: Plan, show: Show) -> ComingDays:
    """Return the days to come of a season, once a champion and a better challenger learnt from the past."""
    today = dt.datetime.now(dt.UTC).date()
    engine = open_database(stage.database, create=True)
    show(
        f"A season of {plan.n_races:,} simulated races; the last {plan.n_days} days of it are still to come."
    )
    simulate_season(
        engine,
        n_races=plan.n_races,
        seed=plan.seed,
        start=today - dt.timedelta(days=HISTORY_DAYS - 1),
        until=today + dt.timedelta(days=plan.n_days),
    )
    days = ComingDays(engine, today + dt.timedelta(days=1))
    learn = ("train", "--families", "logistic_regression", "--trials", str(plan.trials))
    show("Version 1 learns from results alone, and serves. Version 2 learns from past prices too.")
    stage.run(*learn, "--feature-scope", "results", "--force")
    stage.run(*learn, "--no-promote")
    return days


def play(stage: Stage, days: ComingDays, show: Show, *, port: int = 0) -> Outcome:
    """Let the days pass beside a service that watches itself; return what came of it."""
    with stage.service(port) as service:
        show(f"The service runs at {service.url}.\n")
        return _Play(stage, service, days, show).all_acts()


class _Play:
    def __init__(self, stage: Stage, service: GreyhoundClient, days: ComingDays, show: Show) -> None:
        self._stage = stage
        self._service = service
        self._days = days
        self._show = show
        self._n_cards = 0
        self._n_judged = 0

    def all_acts(self) -> Outcome:
        """Play one act after the other."""
        champions = [1]
        self._show("1. A challenger in shadow")
        policy = PolicyIn(action="promote", min_races=FEWEST_RACES, min_days=3, cool_down_hours=0)
        self._service.start_experiment([2], policy=policy, reason="learnt from past prices too")
        self._show("   Version 2 scores every card beside version 1; the guard may promote it.")
        champions.append(self._pass_days_until_champion(2))

        self._show("\n2. A spoiled version")
        spoiled = register_spoiled(
            self._stage.registry, 2, self._stage.folder / "spoiled", temperature=TEMPERATURE
        )
        probation = Policy(action="roll-back", min_races=FEWEST_RACES, min_days=0, cool_down_hours=0)
        get_model_registry(self._stage.registry).promote(
            spoiled, reason="looked well on Friday evening", by="demo", forced=True, probation=probation
        )
        self._wait_for_champion(spoiled)
        self._show(f"   Version {spoiled} is promoted by force: version 2, less sure than it should be.")
        self._wait(lambda: self._experiment() is not None, "the probation runs")
        champions += [spoiled, self._pass_days_until_champion(2)]

        self._show("\n3. An input drifts")
        self._show("   From now on the cards come without weights.")
        alarms = self._pass_days_until_alarm()
        decisions = self._service.decisions(limit=20).decisions
        return Outcome(
            champions=tuple(champions),
            decisions=tuple(f"{one.action} {one.to_version}: {one.reason}" for one in reversed(decisions)),
            alarms=tuple(alarms),
            n_cards=self._n_cards,
        )

    def _pass_days_until_champion(self, version: int) -> int:
        while self._service.model_status().version != version:
            self._pass_day()
            if experiment := self._experiment():
                for contestant in experiment.contestants[:1]:
                    self._show(f"   {contestant.sentences[0]}")
            self._let_guard_look(version)
        decision = self._service.decisions(limit=1).decisions[0]
        self._show(f"   The guard decided: {decision.reason}")
        self._show(f"   Version {version} serves.")
        return version

    def _pass_days_until_alarm(self) -> list[str]:
        while True:
            self._pass_day(change=_without_weights)
            alarms = [one for one in self._service.monitor().alarms or () if one.kind == "inputs"]
            if alarms:
                for one in alarms[:3]:
                    self._show(f"   Alarm: {one.text} {one.todo}")
                return [one.text for one in alarms]

    def _pass_day(self, change: Callable[[dict[str, Any]], None] = lambda card: None) -> None:
        """Answer a day's cards, bring its results, and wait until they are judged."""
        if not self._days.days:
            raise RuntimeError("the season is over before the story is; try more days (--days)")
        day = self._days.days[0]
        cards = [_as_json(card) for card in self._days.cards(day)]
        for card in cards:
            change(card)
            self._service.predict(card)
        self._n_cards += len(cards)
        self._days.pass_day(day)
        self._wait(lambda: self._judged() >= self._n_judged + len(cards), f"the races of {day} are judged")
        self._n_judged = self._judged()
        self._show(f"   {day:%a %-d %b}  {len(cards)} races")

    def _let_guard_look(self, version: int) -> None:
        """Give the guard the time of two looks."""
        before = self._looked_at()
        self._wait(
            lambda: self._service.model_status().version == version or self._looked_at() != before,
            "the guard looks",
        )

    def _looked_at(self) -> object:
        tasks = self._service.model_status().automation.tasks
        return next((task.last_run for task in tasks if task.name == "guard"), None)

    def _judged(self) -> int:
        return self._service.scores(by="version").total.n_races

    def _experiment(self) -> ExperimentDetailsOut | None:
        active = self._service.experiments(limit=1).active
        return None if active is None else self._service.experiment(active)

    def _wait_for_champion(self, version: int) -> None:
        self._wait(lambda: self._service.model_status().version == version, f"version {version} serves")

    def _wait(self, is_so: Callable[[], object], what: str) -> None:
        wait_until(is_so, DAY_S, what)


def _as_json(card: Card) -> dict[str, Any]:
    """Return a card as a client sends it, without what is unknown."""
    found = asdict(card)
    found["date"] = card.date.isoformat()
    found["runners"] = [_known(runner) for runner in found["runners"]]
    return _known(found)


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and value != ()}


def _without_weights(card: dict[str, Any]) -> None:
    runners: Iterable[dict[str, Any]] = card["runners"]
    for runner in runners:
        runner.pop("weight_kg", None)
