"""`greyhound experiments`: compare challengers with the champion while it serves."""

from dataclasses import asdict
from typing import Any

import click
from sqlalchemy import Engine

from greyhound.options import database_option, json_option, progress_option, registry_option
from greyhound.output.console import console
from greyhound.output.printing import print_json
from greyhound.output.progress import progress
from racing.database.engine import open_database
from racing.domain.errors import NoSuchExperiment
from racing.experiments.policy import Policy
from racing.experiments.records import Experiment, Mode

_POLICY = Policy()
SPLIT_SHARE = 0.2
MAX_DECISIONS = 50


@click.group()
def experiments() -> None:
    """Compare challengers with the champion while it serves.

    In shadow (the default) the champion answers every card, and challengers score the same cards beside it.
    In a split they answer a share of the races. Whether one is better is judged race by race, and may be
    looked at as often as you like. One experiment runs at a time; services follow within seconds.

    \b
    Examples:
      greyhound experiments start 8 --reason "learnt from June too"
      greyhound experiments show
      greyhound experiments start 8 9 --mode split --share 0.2 --reason "a live try"
      greyhound experiments share 0.4
      greyhound experiments stop --reason "learnt from wrong files"
      greyhound experiments list
    """


@experiments.command()
@click.argument("versions", metavar="VERSION...", nargs=-1, required=True, type=click.IntRange(1))
@click.option(
    "--mode",
    type=click.Choice(["shadow", "split"]),
    default="shadow",
    show_default=True,
    help="Whether challengers only score beside the champion, or answer a share of the races.",
)
@click.option(
    "--share",
    type=float,
    help=f"Of the races, answered by challengers, together, in a split: up to 0.9.  [default: {SPLIT_SHARE}]",
)
@click.option(
    "--policy",
    "action",
    type=click.Choice(["manual", "promote"]),
    default="manual",
    show_default=True,
    help="Whether the service only recommends, or promotes a challenger that is surely better.",
)
@click.option(
    "--alpha",
    type=float,
    default=_POLICY.alpha,
    show_default=True,
    help="Chance of a wrong verdict, over all looks together.",
)
@click.option(
    "--margin",
    type=float,
    default=_POLICY.margin,
    show_default=True,
    help="How much better it must be to be promoted, in nats per race.",
)
@click.option(
    "--min-races",
    type=int,
    default=_POLICY.min_races,
    show_default=True,
    help="Races before anything is decided.",
)
@click.option("--min-days", type=int, default=_POLICY.min_days, show_default=True, help="Days before that.")
@click.option(
    "--probation-races",
    type=int,
    default=_POLICY.probation_races,
    show_default=True,
    help="After a promotion by policy, races for which the version before goes on in shadow.",
)
@click.option(
    "--cool-down-hours",
    type=float,
    default=_POLICY.cool_down_hours,
    show_default=True,
    help="Hours in which nothing more is changed after a change by policy.",
)
@click.option("--reason", metavar="TEXT", required=True, help="Why, for the record.")
@database_option
@registry_option
@json_option
def start(
    versions: tuple[int, ...],
    mode: Mode,
    share: float | None,
    action: Any,
    alpha: float,
    margin: float,
    min_races: int,
    min_days: int,
    probation_races: int,
    cool_down_hours: float,
    reason: str,
    database: str,
    registry: str,
    as_json: bool,
) -> None:
    """Start an experiment with each VERSION as a challenger of the champion.

    The registry's aliases challenger, challenger-2 ... name them from then on.

    Example: greyhound experiments start 8 --policy promote --margin 0.001 --reason "learnt from June too"
    """
    from model_registry import get_model_registry  # --help must not wait for MLflow
    from model_registry.registry import user_name
    from racing.experiments.start_stop import start_challenge

    policy = Policy(
        action=action,
        alpha=alpha,
        margin=margin,
        min_races=min_races,
        min_days=min_days,
        probation_races=probation_races,
        cool_down_hours=cool_down_hours,
    )
    started = start_challenge(
        _open(database),
        get_model_registry(registry),
        challengers=versions,
        mode=mode,
        share=share if share is not None else SPLIT_SHARE if mode == "split" else 0.0,
        policy=policy,
        by=user_name(),
        reason=reason,
    )
    _say(started, f"Experiment {started.id} has started; services follow within seconds.", as_json)


@experiments.command()
@click.argument("number", metavar="[ID]", required=False, type=click.IntRange(1))
@click.option("--reason", metavar="TEXT", default="stopped by command", help="Why, for the record.")
@database_option
@registry_option
@json_option
def stop(number: int | None, reason: str, database: str, registry: str, as_json: bool) -> None:
    """Stop the experiment that runs; its verdicts so far go on record.

    Its challengers lose their aliases. With ID only if it is the one that runs.

    Example: greyhound experiments stop --reason "learnt from wrong files"
    """
    from model_registry import get_model_registry  # --help must not wait for MLflow
    from model_registry.registry import user_name
    from racing.experiments.start_stop import stop_experiment

    engine = _open(database)
    number = number or _running(engine).id
    ended = stop_experiment(engine, get_model_registry(registry), number, by=user_name(), reason=reason)
    _say(ended, f"Experiment {ended.id} is stopped.", as_json)


@experiments.command()
@click.argument("value", metavar="SHARE", type=float)
@database_option
@json_option
def share(value: float, database: str, as_json: bool) -> None:
    """Change the SHARE of the races that challengers answer in the split that runs.

    Example: greyhound experiments share 0.4
    """
    from racing.experiments.start_stop import change_share_of

    engine = _open(database)
    changed = change_share_of(engine, _running(engine).id, value)
    _say(changed, f"Challengers answer {changed.share:.0%} of the races now.", as_json)


@experiments.command("list")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="At most so many."
)
@database_option
@json_option
def list_(limit: int, database: str, as_json: bool) -> None:
    """List experiments, the newest first.

    Example: greyhound experiments list --json
    """
    from greyhound.tables.experiments import print_experiments
    from racing.experiments.records import list_experiments

    with _open(database).connect() as connection:
        found = list_experiments(connection, limit=limit)
    if as_json:
        print_json({"experiments": [_as_json(one) for one in found]})
    elif not found:
        console.print("There is no experiment yet; greyhound experiments start VERSION begins one.")
    else:
        print_experiments(found)


@experiments.command()
@click.argument("number", metavar="[ID]", required=False, type=click.IntRange(1))
@database_option
@json_option
@progress_option
def show(number: int | None, database: str, as_json: bool) -> None:
    """Show an experiment: contestants, both verdicts in numbers and in sentences, and what was decided.

    Without ID the one that runs, else the last one. Gains are in nats per race, above 0 a contestant is
    better than the champion; intervals hold at every look. Imported prices stand beside the challengers.

    Example: greyhound experiments show
    """
    from greyhound.tables.experiments import print_experiment
    from racing.experiments.decisions import list_decisions
    from racing.experiments.records import list_experiments, the_experiment
    from racing.experiments.verdict_json import verdict_as_json
    from racing.experiments.verdicts import experiment_verdicts
    from racing.predictions.update import update_outcomes

    engine = _open(database)
    with progress("reading the log") as report:
        update_outcomes(engine, on_progress=report)
    with engine.connect() as connection:
        if number is None:  # one that runs is the newest: one runs at a time
            newest = list_experiments(connection, limit=1)
            if not newest:
                raise NoSuchExperiment("there is no experiment yet; `greyhound experiments start` begins one")
            found = newest[0]
        else:
            found = the_experiment(connection, number)
        contestants = [verdict_as_json(one) for one in experiment_verdicts(connection, found)]
        decisions = list_decisions(connection, experiment=found.id, limit=MAX_DECISIONS)
    if as_json:
        at_end = found.verdict if isinstance(found.verdict, list) else None
        print_json(
            _as_json(found)
            | {"contestants": contestants, "contestants_at_end": at_end, "decisions": decisions}
        )
    else:
        print_experiment(found, contestants, decisions)


def _open(database: str) -> Engine:
    engine = open_database(database)
    click.get_current_context().call_on_close(engine.dispose)
    return engine


def _running(engine: Engine) -> Experiment:
    from racing.experiments.records import current_experiment

    running = current_experiment(engine)
    if running is None:
        raise NoSuchExperiment("no experiment runs; `greyhound experiments list` shows those that did")
    return running


def _as_json(experiment: Experiment) -> dict[str, Any]:
    values = asdict(experiment) | {"is_active": experiment.is_active}
    del values["verdict"]
    return values


def _say(experiment: Experiment, text: str, as_json: bool) -> None:
    if as_json:
        print_json(_as_json(experiment))
    else:
        console.print(text)
