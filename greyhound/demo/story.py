"""The story of the demo: a challenger earns its place, a spoiled version is taken back, an input drifts."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from greyhound.demo.coming_days import ComingDays
from greyhound.demo.counted import n_counted, n_logged
from greyhound.demo.spoil import register_spoiled
from greyhound.demo.stage import Stage, wait_until
from greyhound.demo.training import Trainings
from greyhound_client import GreyhoundClient
from greyhound_client.models import DecisionOut, ExperimentDetailsOut, PolicyIn
from model_registry import get_model_registry
from racing.database.engine import open_database
from racing.domain.cards import Card
from racing.experiments.policy import Policy
from racing.simulation.simulator import simulate_season

FEWEST_RACES = 60
TEMPERATURE = 2.0
DAY_S = 120.0
"""Seconds that the service has to follow a day, on a machine that has other work too."""

Show = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How long the season is, and how much of it is still to come."""

    n_races: int = 2500
    n_days: int = 25
    n_history_days: int = 150
    seed: int = 7
    trials: int = 1


@dataclass(frozen=True, slots=True)
class Act:
    """What an experiment came to."""

    experiment: int
    verdict: str
    decision: str
    champion: int
    """The version that serves from then on."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it all."""

    champions: tuple[int, ...]
    """One after the other."""
    acts: tuple[Act, ...]
    alarms: tuple[str, ...]
    n_days: int
    n_cards: int
    """Cards that were answered."""
    n_logged: int
    """Of these, the ones in the prediction log."""


def prepare(stage: Stage, plan: Plan, show: Show) -> ComingDays:
    """Return the days to come of a season, once a champion and a better challenger learnt from the past."""
    today = dt.datetime.now(dt.UTC).date()
    engine = open_database(stage.database, create=True)
    show(f"A season of {plan.n_races:,} SIMULATED races; its last {plan.n_days} days are still to come.")
    simulate_season(
        engine,
        n_races=plan.n_races,
        seed=plan.seed,
        start=today - dt.timedelta(days=plan.n_history_days - 1),
        until=today + dt.timedelta(days=plan.n_days),
    )
    days = ComingDays(engine, today + dt.timedelta(days=1))
    registry = get_model_registry(stage.registry, create=True)
    trainings = Trainings(engine, registry, stage.folder / "training.log", plan.trials)
    trainings.rate_runs()
    show("Version 1 learns from results alone, and serves.")
    show(f"   {trainings.learn('results', promote=True)}")
    show("Version 2 learns from past prices too, and is a challenger.")
    show(f"   {trainings.learn('form', promote=False)}")
    return days


class Play:
    """Lets the days pass beside a service that watches itself."""

    def __init__(self, stage: Stage, service: GreyhoundClient, days: ComingDays, show: Show) -> None:
        self._stage = stage
        self._service = service
        self._days = days
        self._show = show
        self._engine = open_database(stage.database)
        self._n_cards = self._n_days = 0

    def all_acts(self) -> Outcome:
        """Play one act after the other; return what came of it."""
        first = self._challenger_in_shadow()
        spoiled, second = self._spoiled_version()
        alarms = self._input_drifts()
        self._wait(lambda: n_logged(self._engine) >= self._n_cards, "every card is in the log")
        self._let_pass_a_report()
        outcome = Outcome(
            champions=(1, first.champion, spoiled, second.champion),
            acts=(first, second),
            alarms=tuple(alarms),
            n_days=self._n_days,
            n_cards=self._n_cards,
            n_logged=n_logged(self._engine),
        )
        self._engine.dispose()
        return outcome

    def _challenger_in_shadow(self) -> Act:
        self._show("\n1. A challenger in shadow")
        policy = PolicyIn(action="promote", min_races=FEWEST_RACES, min_days=3, cool_down_hours=0)
        experiment = self._service.start_experiment([2], policy=policy, reason="learnt from past prices too")
        self._wait_until_in_shadow(2)
        self._show("   Version 2 answers every card beside version 1, unseen; the guard may promote it.")
        return self._pass_days_until_decided(experiment.id, "promote")

    def _spoiled_version(self) -> tuple[int, Act]:
        self._show("\n2. A spoiled version")
        spoiled = register_spoiled(
            self._stage.registry, 2, self._stage.folder / "spoiled", temperature=TEMPERATURE
        )
        probation = Policy(action="roll-back", min_races=FEWEST_RACES, min_days=0, cool_down_hours=0)
        get_model_registry(self._stage.registry).promote(
            spoiled, reason="looked well on Friday evening", by="demo", forced=True, probation=probation
        )
        self._wait_until_serves(spoiled)
        self._show(
            f"   Version {spoiled} is version 2, less sure than it should be; it is promoted by force."
        )
        self._wait(lambda: self._probation_of(spoiled) is not None, "its probation runs")
        probation_of = self._probation_of(spoiled)
        assert probation_of is not None
        self._wait_until_in_shadow(2)
        self._show(f"   It is on probation: version 2 goes on in shadow beside version {spoiled}.")
        return spoiled, self._pass_days_until_decided(probation_of.id, "roll-back")

    def _input_drifts(self) -> list[str]:
        self._show("\n3. An input drifts")
        self._show("   From now on the cards come without weights.")
        while True:
            self._pass_day(change=_without_weights)
            self._let_look("input-alarms")
            alarms = [one for one in self._service.monitor().alarms or () if one.kind == "inputs"]
            if any("weight_kg" in one.text for one in alarms):
                for one in alarms:
                    self._show(f"   Alarm: {one.text}")
                    self._show(f"     {one.todo}")
                return [one.text for one in alarms]

    def _pass_days_until_decided(self, experiment: int, action: str) -> Act:
        """Let days pass until the guard has decided an experiment so, and what it decided serves."""
        while True:
            self._pass_day()
            self._let_look("guard", is_over=lambda: self._decision(experiment, action) is not None)
            verdict = self._service.experiment(experiment).contestants[0].sentences[0]
            decision = self._decision(experiment, action)
            if decision is None:
                self._show(f"      {verdict}")
                continue
            self._show(f"   The guard: {decision.reason}")
            version = decision.to_version
            self._wait_until_serves(version)
            self._show(f"   Version {version} serves.")
            return Act(experiment, verdict, f"{decision.action} {version}: {decision.reason}", version)

    def _pass_day(self, change: Callable[[dict[str, Any]], None] = lambda card: None) -> None:
        """Answer a day's cards, bring its results, and wait until they are judged and counted."""
        if not self._days.days:
            raise RuntimeError("the season is over before the story is; try more days (--days)")
        day = self._days.days[0]
        cards = [_as_json(card) for card in self._days.cards(day)]
        for card in cards:
            change(card)
            self._service.predict(card)
        self._n_cards += len(cards)
        self._n_days += 1
        self._days.pass_day(day)
        n_cards = self._n_cards
        self._wait(lambda: self._judged() >= n_cards, f"the races of {day} are judged")
        self._wait(lambda: n_counted(self._engine) >= n_cards, f"the inputs of {day} are counted")
        self._show(f"   {day:%a %-d %b}  {len(cards)} races")

    def _let_look(self, task: str, is_over: Callable[[], bool] = lambda: False) -> None:
        """Wait for two looks of a task: the first may have begun before there was anything to see."""
        for _ in range(2):
            before = self._looked_at(task)
            self._wait(
                lambda before=before: is_over() or self._looked_at(task) != before,  # type: ignore[misc]
                f"{task} looks",
            )

    def _let_pass_a_report(self) -> None:
        """Wait for a report that has seen all, so that the Monitor page shows it."""
        now = dt.datetime.now(dt.UTC)

        def is_made() -> bool:
            made_at = self._service.monitor().made_at
            return made_at is not None and made_at > now

        self._wait(is_made, "the monitor has reported")

    def _looked_at(self, name: str) -> object:
        tasks = self._service.model_status().automation.tasks
        return next((task.last_run for task in tasks if task.name == name), None)

    def _judged(self) -> int:
        return self._service.scores(by="version").total.n_races

    def _decision(self, experiment: int, action: str) -> DecisionOut | None:
        decisions = self._service.decisions(limit=20).decisions
        ours = (one for one in decisions if (one.experiment_id, one.action) == (experiment, action))
        return next(ours, None)

    def _probation_of(self, version: int) -> ExperimentDetailsOut | None:
        active = self._service.experiments(limit=1).active
        found = None if active is None else self._service.experiment(active)
        return found if found is not None and found.champion == version else None

    def _wait_until_serves(self, version: int) -> None:
        self._wait(lambda: self._service.model_status().version == version, f"version {version} serves")

    def _wait_until_in_shadow(self, version: int) -> None:
        def is_running() -> bool:
            challengers = self._service.model_status().challengers or ()
            return any((one.version, one.state) == (version, "running") for one in challengers)

        self._wait(is_running, f"version {version} runs in shadow")

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
