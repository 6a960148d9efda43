"""``/experiments`` and ``/decisions``: challengers beside the champion, verdicts, and what was decided."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Path, Query
from sqlalchemy import Engine

from racing.database.one_state import reading_one_state
from racing.domain.errors import NoSuchExperiment
from racing.experiments import start_stop
from racing.experiments.decisions import list_decisions
from racing.experiments.records import active_experiment, list_experiments, the_experiment
from racing.experiments.verdicts import gains_path, pair_with_path
from service.dependencies import JsonBody, LogReads, State, Verdicts
from service.errors import NoAnswerInTime, OutcomeUnknown
from service.openapi.responses import json_content, problems
from service.schemas.experiments import (
    DecisionOut,
    DecisionsOut,
    ExperimentDetailsOut,
    ExperimentIn,
    ExperimentOut,
    ExperimentsOut,
    PairOut,
    PathOut,
    ShareIn,
    StopIn,
    contestant_out,
    contestants_at_end,
    experiment_out,
    pair_out,
    path_out,
    policy_of,
)
from service.schemas.fields import PlainText
from service.schemas.validation import validated
from service.security.api_key_auth import KEY_PROBLEMS, require_scope
from service.security.api_keys import Key
from service.state import AppState

router = APIRouter(tags=["experiments"])
T = TypeVar("T")
MAX_ID = 2**31 - 1
MAX_DECISIONS = 50
Promoter = Annotated[Key, require_scope("promote")]
Limit = Annotated[int, Query(ge=1, le=200, description="How many a page.")]
Before = Annotated[int | None, Query(ge=1, le=MAX_ID, description="Older than this one; see `next_before`.")]
Number = Annotated[str, Path(description="Number of the experiment.", examples=["3"])]
Contestant = Annotated[
    PlainText,
    Query(
        max_length=80,
        pattern="^([1-9][0-9]{0,8}|prices:.+)$",
        description="A contestant's key: a version, or `prices:` and the name of a list.",
        examples=["8"],
    ),
]


class ExperimentChange:
    """Changes the record of experiments and the registry's aliases, one change at a time."""

    def __init__(self, state: AppState) -> None:
        self._state = state

    async def make(self, change: Callable[[Engine], T]) -> T:
        """Return what a change returns, made in a thread that may hang.

        Raises
        ------
        service.errors.OutcomeUnknown
            If registry or database do not answer in time: the change goes on by itself, and may yet be made.
        """

        def blocking() -> T:
            with self._state.write_database.engine() as engine:
                return change(engine)

        try:
            changed = await self._state.threads.experiments.call(blocking)
        except NoAnswerInTime as error:
            if not error.is_begun:
                raise
            todo = "the change may yet be made; look at GET /experiments first"
            raise OutcomeUnknown(f"{error}: {todo}") from None
        self._state.experiment.wake()
        return changed


async def experiment_change(state: State) -> ExperimentChange:
    """Return what changes experiments; a plain class would cost a thread."""
    return ExperimentChange(state)


Change = Annotated[ExperimentChange, Depends(experiment_change)]


@router.get("/experiments", summary="The record of experiments", responses=problems(422, 503))
async def get_experiments(reads: LogReads, limit: Limit = 50, before: Before = None) -> ExperimentsOut:
    """List experiments, the newest first, page by page; one runs at a time."""

    def page(engine: Engine) -> ExperimentsOut:
        with reading_one_state(engine) as connection:
            found = list_experiments(connection, limit=limit, before=before)
            running = active_experiment(connection)
        return ExperimentsOut(
            experiments=[experiment_out(one) for one in found],
            active=running.id if running else None,
            next_before=found[-1].id if len(found) == limit else None,
        )

    return await reads.run(page)


@router.get(
    "/experiments/{experiment_id}",
    summary="An experiment and its verdicts",
    responses=problems(404, 422, 503),
)
async def get_experiment(reads: LogReads, cache: Verdicts, experiment_id: Number) -> ExperimentDetailsOut:
    """Show an experiment, each contestant with the verdict on it, and what was decided.

    Verdicts are by confidence sequences: they hold at every look, so look as often as you like. Imported
    price lists stand among the contestants; they never serve.
    """
    number = _number(experiment_id)

    def details(engine: Engine) -> ExperimentDetailsOut:
        with reading_one_state(engine) as connection:
            found = the_experiment(connection, number)
            verdicts = cache.of_experiment(connection, found)
            decisions = list_decisions(connection, experiment=number, limit=MAX_DECISIONS)
        return ExperimentDetailsOut(
            **experiment_out(found).model_dump(),
            contestants=[contestant_out(one) for one in verdicts],
            contestants_at_end=contestants_at_end(found),
            decisions=[DecisionOut.model_validate(one) for one in decisions],
        )

    return await reads.run(details)


@router.get(
    "/experiments/{experiment_id}/path",
    summary="A contestant's gain as races came in",
    responses=problems(404, 422, 503),
)
async def get_experiment_path(
    reads: LogReads, cache: Verdicts, experiment_id: Number, contestant: Contestant
) -> PathOut:
    """Give at most 200 points of the mean gain and its confidence sequence over races, to be drawn."""
    number = _number(experiment_id)

    def path(engine: Engine) -> PathOut:
        with reading_one_state(engine) as connection:
            found, key = the_experiment(connection, number), ("path", number, contestant)
            points = cache.get(connection, key, lambda: gains_path(connection, found, contestant))
        return path_out(number, contestant, points)

    return await reads.run(path)


@router.post(
    "/experiments",
    summary="Start an experiment",
    responses=problems(400, 404, 409, 413, 415, 422, *KEY_PROBLEMS),
    openapi_extra=json_content(ExperimentIn, {"challengers": [1], "reason": "learnt from June too"}),
)
async def start_experiment(change: Change, state: State, by: Promoter, body: JsonBody) -> ExperimentOut:
    """Put challengers beside the champion: in shadow, or as a split in which they answer a share of races.

    The registry's aliases `challenger`, `challenger-2` ... name them from then on; every replica follows
    within its poll. Refused while another experiment runs. Of a 503 of the type `outcome-unknown` look at
    `GET /experiments` before you ask again. Takes a key with the scope `promote`.
    """
    wanted = validated(ExperimentIn, body)
    policy = policy_of(wanted.policy)
    return experiment_out(
        await change.make(
            lambda engine: start_stop.start_challenge(
                engine,
                state.watcher.registry(),
                challengers=wanted.challengers,
                mode=wanted.mode,
                share=wanted.share,
                policy=policy,
                by=by.name,
                reason=wanted.reason,
            )
        )
    )


@router.post(
    "/experiments/{experiment_id}/stop",
    summary="Stop an experiment",
    responses=problems(400, 404, 409, 413, 415, 422, *KEY_PROBLEMS),
    openapi_extra=json_content(StopIn, {"reason": "learnt from wrong files"}),
)
async def stop_experiment(
    change: Change, state: State, by: Promoter, body: JsonBody, experiment_id: Number
) -> ExperimentOut:
    """End the experiment that runs; its challengers lose their aliases, the verdicts so far go on record.

    Takes a key with the scope `promote`.
    """
    number, why = _number(experiment_id), validated(StopIn, body)
    return experiment_out(
        await change.make(
            lambda engine: start_stop.stop_experiment(
                engine, state.watcher.registry(), number, by=by.name, reason=why.reason
            )
        )
    )


@router.post(
    "/experiments/{experiment_id}/share",
    summary="Change the share of a split",
    responses=problems(400, 404, 409, 413, 415, 422, *KEY_PROBLEMS),
    openapi_extra=json_content(ShareIn, {"share": 0.4}),
)
async def change_share(change: Change, by: Promoter, body: JsonBody, experiment_id: Number) -> ExperimentOut:
    """Change how many of the races challengers answer; every replica follows within its poll.

    A race stays with its arm where the share allows it: one that grows moves races to a challenger only.
    Takes a key with the scope `promote`.
    """
    number, wanted = _number(experiment_id), validated(ShareIn, body)
    return experiment_out(
        await change.make(lambda engine: start_stop.change_share_of(engine, number, wanted.share))
    )


@router.get("/decisions", summary="The record of decisions", responses=problems(422, 503))
async def get_decisions(reads: LogReads, limit: Limit = 50, before: Before = None) -> DecisionsOut:
    """List what the guard, or a person, decided about the champion, the newest first, page by page."""

    def page(engine: Engine) -> DecisionsOut:
        with reading_one_state(engine) as connection:
            found = list_decisions(connection, limit=limit, before=before)
        return DecisionsOut(
            decisions=[DecisionOut.model_validate(one) for one in found],
            next_before=found[-1].id if len(found) == limit else None,
        )

    return await reads.run(page)


@router.get("/comparisons", summary="Any two contestants on the same races", responses=problems(422, 503))
async def get_comparison(
    reads: LogReads, cache: Verdicts, champion: Contestant, contestant: Contestant
) -> PairOut:
    """Compare a contestant with another one, over all logged races that both rated, as they came in.

    Whichever of them answered, in whichever experiment; also two price lists that stood beside the same
    version. Above 0 the contestant is better than the one named as `champion`. Two that have no race in
    common, or that nobody has heard of, have a verdict on no races.
    """

    def comparison(engine: Engine) -> PairOut:
        with reading_one_state(engine) as connection:
            key = ("pair", champion, contestant)
            verdict, path = cache.get(
                connection, key, lambda: pair_with_path(connection, champion, contestant)
            )
        return pair_out(champion, verdict, path)

    return await reads.run(comparison)


def _number(text: str) -> int:
    """Return the experiment that an address names."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise NoSuchExperiment("an experiment is a whole number, such as 3")
    return int(text)
