"""`greyhound train`: search, calibrate, judge, register, and promote what passes the gates."""

import datetime as dt
import re
from typing import Any

import click
from rich.text import Text

from greyhound.countries import COUNTRIES
from greyhound.errors import GATES_NOT_PASSED
from greyhound.knows import AS_BY_DEFAULT, knows_option
from greyhound.options import (
    Day,
    Names,
    database_option,
    engine_scheduler,
    json_option,
    progress_option,
    registry_option,
    search_options,
)
from greyhound.output.console import console
from greyhound.output.printing import print_json
from greyhound.output.progress import progress
from greyhound.rating import rate_what_is_due
from model_registry import get_model_registry
from model_registry.artifact import ADDS_NOTHING
from racing.database.engine import open_database
from training.families import ALL_FAMILY_NAMES, DEFAULT_FAMILY_NAMES, FIELD_FAMILIES
from training.pipeline import Training, TrainSettings
from training.pipeline import train as run_training
from training.report.sentences import few_days_text, larger_text
from training.report.text import races_text
from training.search.settings import SearchSettings

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


class Duration(click.ParamType[float]):
    """A time, written ``90s``, ``15m`` or ``2h``; plain numbers are seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds, or fail with the rule and the value."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", value.strip())
        if not found or not float(found[1]):
            self.fail(f"a time is written 90s, 15m or 2h, got {value!r}", param, ctx)
        return float(found[1]) * _UNITS[found[2] or "s"]


@click.command()
@click.option("--from", "start", type=Day(), help="First day to learn from; by default the first there is.")
@click.option("--until", type=Day(), help="Last day of all, tests too; by default the last there is.")
@click.option("--test-from", type=Day(), help="First day of the test races; by default the last fifth.")
@click.option(
    "--trials",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    help="Trials of each family that is not left behind.",
)
@click.option(
    "--families",
    type=Names("family", ALL_FAMILY_NAMES),
    default=DEFAULT_FAMILY_NAMES,
    metavar="A,B",
    help=f"Families of models to search, by default all that are installed: {', '.join(ALL_FAMILY_NAMES)}.",
)
@knows_option(default=AS_BY_DEFAULT)
@click.option(
    "--countries",
    type=COUNTRIES,
    default=(),
    metavar="GB,IE",
    help="Learn from races of these countries alone, and be judged on them; by default of all.",
)
@click.option("--time-budget", type=Duration(), metavar="15m", help="Start no trial after so long.")
@click.option("--resume", is_flag=True, help="Go on with the search that was interrupted.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the search.")
@click.option(
    "--calibration",
    type=click.Choice(["platt", "isotonic"]),
    default="platt",
    show_default=True,
    help="How scores become probabilities.",
)
@click.option(
    "--refit/--no-refit",
    default=True,
    show_default=True,
    help="After judging, fit the same recipe again on all races, and register that.",
)
@click.option("--force", is_flag=True, help="Promote even if a gate is not passed; this goes on record.")
@click.option("--no-promote", is_flag=True, help="Register as challenger, leave the champion.")
@search_options
@database_option
@registry_option
@json_option
@progress_option
def train(
    start: dt.date | None,
    until: dt.date | None,
    test_from: dt.date | None,
    trials: int,
    families: tuple[str, ...],
    feature_scope: str,
    countries: tuple[str, ...],
    time_budget: float | None,
    resume: bool,
    seed: int,
    calibration: str,
    refit: bool,
    best: bool,
    force: bool,
    no_promote: bool,
    storage: str | None,
    trials_at_once: int,
    engine_name: str,
    scheduler: str | None,
    database: str,
    registry: str,
    as_json: bool,
) -> int:
    """Train on the stored races; register the best model; promote it if it passes every gate.

    \b
    Examples:
      greyhound train
      greyhound train --until 2026-03-31 --test-from 2026-01-01 --trials 50 --time-budget 15m
      greyhound train --countries GB,IE --trials 10
      greyhound train --engine dask --scheduler tcp://10.0.0.5:8786
      greyhound train --resume        after Ctrl-C: nothing of the search is lost

    Races are split by time: learn, calibrate, judge. Every figure is of the test races, which neither the
    judged model nor its search saw; what serves is then fitted by the same recipe on all races. A model that
    fails a gate is registered, not promoted (exit code 5).
    """
    if force and no_promote:
        raise click.UsageError("--force promotes and --no-promote does not: give one of them")
    days = [day for day in (start, test_from, until) if day is not None]
    if days != sorted(days):
        raise click.UsageError(
            f"--from, --test-from and --until stand in this order, got {', '.join(map(str, days))}"
        )
    engine = open_database(database)
    model_registry = get_model_registry(registry, create=True)
    settings = TrainSettings(
        start=start,
        until=until,
        test_from=test_from,
        countries=countries,
        feature_scope=feature_scope,
        search=SearchSettings(
            families=families,
            n_trials=trials,
            seed=seed,
            resume=resume,
            time_budget_s=time_budget,
            calibration=calibration,
            best=best,
            storage=storage,
            scheduler=engine_scheduler(engine_name, scheduler),
            trials_at_once=trials_at_once,
        ),
        refit=refit,
        promote=not no_promote,
        force=force,
    )
    rate_what_is_due(engine)
    for family in FIELD_FAMILIES:
        if families == DEFAULT_FAMILY_NAMES and not family.is_available and not as_json:
            how = "docs/explanation/field-net.md has how to add it"
            console.print(f"Without {family.name}, for torch is not installed: {how}.", soft_wrap=True)
    training = run_training(engine, model_registry, settings, stage=progress)
    if as_json:
        print_json(_as_json(training))
    else:
        _print(training)
    return 0 if training.summary["gates_passed"] or training.is_promoted else GATES_NOT_PASSED


def _as_json(training: Training) -> dict[str, Any]:
    return {
        "version": training.version,
        "is_promoted": training.is_promoted,
        "run_id": training.run_id,
        "digest": training.digest,
        "seconds": training.seconds,
        "report": training.report,
        "summary": training.summary,
    }


def _print(training: Training) -> None:
    summary = training.summary
    if summary["is_simulated"]:
        console.print("Trained on simulated races.", style="yellow")
    console.print(f"Version {training.version}: {summary['model_type']}, {training.seconds:.0f} s")
    console.print(
        f"{summary['samples']} runners to learn from, {summary['features']} features; judged on "
        f"{races_text(summary['data']['test'])}, {summary['test_runners']} runners",
        soft_wrap=True,
    )
    console.print(summary["judgement"] + few_days_text(summary["learnt"]), soft_wrap=True)
    if summary["larger"]:
        console.print(larger_text(summary["larger"], "the loss that chooses"), soft_wrap=True)
    for name, loss in {**summary["baselines"], **summary["beside_market"]}.items():
        console.print(f"  {name:<18} race log loss {loss:.4f}")
    if summary["is_market_alone"]:
        console.print(f"Combined with the market, {ADDS_NOTHING}.", soft_wrap=True)
    for gate in training.gates:
        mark = Text("passed", "green") if gate.passed else Text("failed", "red")
        console.print(Text.assemble("  ", mark, f"  {gate.name}: {gate.reason}"), soft_wrap=True)
    role = "the champion now" if training.is_promoted else "registered, not promoted"
    console.print(f"Version {training.version} is {role}.")
    console.print(f"Report: {training.report}", soft_wrap=True)
