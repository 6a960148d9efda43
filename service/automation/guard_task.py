"""The guard's tasks: look at the verdicts, carry decisions out in the registry, begin probations."""

import datetime as dt
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from model_registry.errors import (
    ArtifactBroken,
    NoChampion,
    NoSuchVersion,
    PromotionRefused,
    RegistryError,
)
from model_registry.history import MAX_REASON, PromotionRecord
from racing.experiments.decisions import (
    Decision,
    claim_attempt,
    keys_on_record,
    last_change_at,
    mark_carried_out,
    mark_failed,
    mark_void,
    pending_decisions,
    put_on_record,
)
from racing.experiments.guard import decide
from racing.experiments.policy import Policy
from racing.experiments.records import (
    active_experiment,
    end_experiment,
    experiment_by_id,
    list_experiments,
    start_experiment,
)
from racing.experiments.switch import automation_switch
from service.experiments.verdict_cache import VerdictCache
from service.observability.metrics import Metrics

if TYPE_CHECKING:  # it brings MLflow along, which takes a second
    from model_registry.registry import ModelRegistry

log = logging.getLogger("greyhound.service")
FIRST_WAIT_S, LONGEST_WAIT_S = 10.0, 300.0
MAX_ATTEMPTS = 30  # some two hours


class Guard:
    """Decides by the verdicts and carries decisions out; blocking, for threads of automation.

    Parameters
    ----------
    registry
        Opens the registry when it is first needed.
    is_allowed
        Whether the settings let this process change the champion.
    first_wait_s
        Before a second attempt: longer than the registry takes to change a champion.
    """

    def __init__(
        self,
        registry: "Callable[[], ModelRegistry]",
        metrics: Metrics,
        *,
        verdicts: VerdictCache | None = None,
        is_allowed: bool = True,
        first_wait_s: float = FIRST_WAIT_S,
    ) -> None:
        self._first_wait_s = first_wait_s
        self._registry = registry
        self._metrics = metrics
        self._verdicts = verdicts or VerdictCache()
        self._is_allowed = is_allowed
        self._next_attempt: dict[int, tuple[int, float]] = {}
        """Of a decision that was tried: how often, and when it is to be tried again (monotonic)."""

    def is_on(self, engine: Engine) -> bool:
        """Return whether the champion may be changed now, by the settings and the switch."""
        with engine.connect() as connection:
            return self._is_allowed and automation_switch(connection).is_on

    def look(self, engine: Engine) -> None:
        """Decide what the verdicts on the running experiment ask for, and carry it out."""
        with engine.connect() as connection:
            experiment = active_experiment(connection)
            if experiment is None or pending_decisions(connection):
                return
            proposal = decide(
                experiment,
                self._verdicts.of_experiment(connection, experiment),
                now=dt.datetime.now(dt.UTC),
                last_change_at=last_change_at(connection),
                automation_is_on=self.is_on(engine),
                on_record=keys_on_record(connection, experiment.id),
            )
        if proposal is None:
            return
        with engine.begin() as connection:
            is_new = put_on_record(connection, proposal)
        if is_new:
            log.warning("the guard decided: %s, %s", proposal.action, proposal.reason)
            self.carry_out(engine)

    def carry_out(self, engine: Engine) -> None:
        """Carry out what is on record and was not yet."""
        with engine.connect() as connection:
            pending = pending_decisions(connection)
        self._metrics.decisions_pending.set(len(pending))
        for decision in pending if self._is_allowed else ():
            if self._is_due(decision):
                self._carry_out(engine, decision)
        self._next_attempt = {
            number: known
            for number, known in self._next_attempt.items()
            if number in {decision.id for decision in pending}
        }

    def follow(self, engine: Engine) -> None:
        """Carry out what is pending, and begin the probation of a promotion that asks for one."""
        self.carry_out(engine)
        begin_probation(engine, self._registry().history())

    def _is_due(self, decision: Decision) -> bool:
        """Whether an attempt may be made: at once the first time, then with growing pauses.

        Another process may be at it, or may have been killed: then it takes one pause until somebody is.
        """
        if decision.n_attempts == 0:
            return True
        known = self._next_attempt.get(decision.id)
        if known is None or known[0] != decision.n_attempts:
            wait_s = min(self._first_wait_s * 2 ** (decision.n_attempts - 1), LONGEST_WAIT_S)
            self._next_attempt[decision.id] = (decision.n_attempts, time.monotonic() + wait_s)
            return False
        return time.monotonic() >= known[1]

    def _carry_out(self, engine: Engine, decision: Decision) -> None:
        if not self.is_on(engine):
            self._give_up(engine, decision, "automation was turned off before it was carried out")
            return
        with engine.begin() as connection:
            if not claim_attempt(connection, decision):
                return
        try:
            self._change_champion(engine, decision)
        except (ArtifactBroken, NoChampion, NoSuchVersion, PromotionRefused) as error:
            self._give_up(engine, decision, str(error))
        except Exception as error:  # the registry may be away in any way
            self._fail(engine, decision, error)
        else:
            with engine.begin() as connection:
                mark_carried_out(connection, decision)
            log.warning("the guard made version %s champion: %s", decision.to_version, decision.reason)

    def _change_champion(self, engine: Engine, decision: Decision) -> None:
        """Change the champion as decided, unless the registry has it already.

        Raises
        ------
        model_registry.errors.PromotionRefused
            If another version is champion by now.
        """
        registry = self._registry()
        champion = registry.champion_version_number()
        if champion == decision.to_version:
            return  # who was killed came so far
        if champion != decision.from_version:
            was = f"it was decided while version {decision.from_version} was champion"
            raise PromotionRefused(f"version {champion} is champion by now, {was}")
        reason = f"{decision.reason[: MAX_REASON - 100]} ({decision.key})"
        if decision.action == "promote":
            registry.promote(
                decision.to_version,
                reason=reason,
                by=decision.decided_by,
                probation=self._probation(engine, decision),
                instead_of=decision.from_version,
            )
        else:
            registry.rollback(
                reason=reason,
                by=decision.decided_by,
                to=decision.to_version,
                instead_of=decision.from_version,
            )

    def _probation(self, engine: Engine, decision: Decision) -> Policy:
        """Return the policy of a promotion that nobody ordered: it can be taken back by the same rules."""
        with engine.connect() as connection:
            experiment = decision.experiment_id and experiment_by_id(connection, decision.experiment_id)
        numbers = {} if not experiment else {
            name: getattr(experiment.policy, name)
            for name in ("alpha", "probation_races", "cool_down_hours")
        }  # fmt: skip
        return Policy(action="roll-back", **numbers)

    def _fail(self, engine: Engine, decision: Decision, error: Exception) -> None:
        kind = "" if isinstance(error, RegistryError) else f"{type(error).__name__}: "
        text = " ".join(f"{kind}{error}".split())[:500]
        if decision.n_attempts + 1 >= MAX_ATTEMPTS:
            self._give_up(engine, decision, f"after {MAX_ATTEMPTS} attempts: {text}")
            return
        with engine.begin() as connection:
            mark_failed(connection, decision, text)
        if text != decision.error:
            log.error("decision %s cannot be carried out yet: %s", decision.key, text)

    def _give_up(self, engine: Engine, decision: Decision, why: str) -> None:
        with engine.begin() as connection:
            mark_void(connection, decision, why)
        log.error("decision %s is not carried out: %s", decision.key, why)


def begin_probation(engine: Engine, history: list[PromotionRecord]) -> None:
    """Start the shadow of the champion before, if the newest promotion is on probation and has none yet.

    Another experiment ends with the champion that it had, so that the probation can begin.
    """
    if not history or (newest := history[-1]).probation is None or newest.previous is None:
        return
    if not newest.is_carried_out or newest.action != "promote":
        return
    reason = f"probation after promotion {newest.number} of {newest.at:%Y-%m-%d %H:%M:%S}: {newest.reason}"
    with engine.connect() as connection:
        if any(known.reason == reason for known in list_experiments(connection, limit=50)):
            return
        running = active_experiment(connection)
    with engine.begin() as connection:
        if running is not None:
            why = f"version {newest.version} was promoted on probation"
            end_experiment(connection, running.id, by=newest.by, reason=why)
        started = start_experiment(
            connection,
            champion=newest.version,
            challengers=[newest.previous],
            kind="probation",
            policy=newest.probation,
            by=newest.by,
            reason=reason,
            follows=None if running is None else running.id,
        )
    log.info("experiment %s: version %s is on probation", started.id, newest.version)
