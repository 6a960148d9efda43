"""How good the probabilities are: ``python -m benchmarks.quality`` makes the whole table from the data.

Everything is trained and judged by the product's own commands with their default settings. Each finished step
is stored as JSON below ``--output``, so that a run that was interrupted goes on where it stopped.
"""

import datetime as dt
import json
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from benchmarks.quality.ablation import judge_groups
from benchmarks.quality.ageing import judge_ageing
from benchmarks.quality.autogluon import judge_autogluon
from benchmarks.quality.bench import Bench
from benchmarks.quality.bets import BETS_WINDOW, judge_bets
from benchmarks.quality.cost import judge_cost
from benchmarks.quality.goals import lines
from benchmarks.quality.guides import judge_guides
from benchmarks.quality.history import judge_history
from benchmarks.quality.levers import judge_levers
from benchmarks.quality.permutation import judge_permutation
from benchmarks.quality.plan import DEVELOPMENT_WINDOW, GUIDES_WINDOW, REFERENCE_WINDOW, Plan
from benchmarks.quality.report import markdown
from benchmarks.quality.retrain import judge_retraining
from benchmarks.quality.rows import judge_model
from benchmarks.quality.step_cache import Json, StepCache, StepFailed
from benchmarks.quality.truth import judge_truth
from greyhound.options import Day
from training.export.documents import git_commit

_ROOT = Path(__file__).parents[2]
PARTS: dict[str, tuple[str, Callable[[Bench], Json]]] = {
    # name: (the result that it gives, how); market is part of form's
    "form": ("form", lambda bench: judge_model(bench, "form")),
    "market": ("form", lambda bench: judge_model(bench, "form")),
    "results": ("results", lambda bench: judge_model(bench, "results")),
    "rated": ("rated", lambda bench: judge_model(bench, "rated")),
    "guides": ("guides", judge_guides),
    "bets": ("bets", judge_bets),
    "autogluon": ("autogluon", judge_autogluon),
    "ablation": ("ablation", judge_groups),
    "levers": ("levers", judge_levers),
    "history": ("history", judge_history),
    "cost": ("cost", judge_cost),
    "ageing": ("ageing", judge_ageing),
    "permutation": ("permutation", judge_permutation),
    "retrain": ("retrain", judge_retraining),
    "truth": ("truth", judge_truth),
}


DEVELOPMENT = frozenset({"ablation", "retrain", "levers", "history", "ageing", "permutation", "cost"})
"""Results on races that may be looked at as often as one likes."""


class Parts(click.ParamType[tuple[str, ...]]):
    """Parts of the benchmark, separated by commas."""

    name = "parts"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the names, or fail with those there are."""
        if isinstance(value, tuple):
            return value
        names = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
        unknown = [name for name in names if name not in PARTS]
        if unknown or not names:
            self.fail(f"a part is one of {', '.join(PARTS)}, got {value!r}", param, ctx)
        return names


class Lever(click.ParamType[tuple[str, str]]):
    """A lever's name and a pattern of the inputs that it brought."""

    name = "lever"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return the two, or fail with the rule and the value."""
        if isinstance(value, tuple):
            return value
        name, _, pattern = value.partition("=")
        try:
            re.compile(pattern)
        except re.error as error:
            self.fail(f"a lever is NAME=PATTERN, and {pattern!r} is none: {error}", param, ctx)
        if not re.fullmatch(r"[a-z][a-z0-9-]*", name) or not pattern:
            self.fail(
                f"a lever is NAME=PATTERN, its name of letters, digits and -, got {value!r}", param, ctx
            )
        return name, pattern


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=_ROOT.parent / "shared" / "data",
    show_default="../shared/data",
    help="Folder with betfair/ and form_guides/.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=_ROOT / "var" / "quality",
    show_default="var/quality",
    help="Where results, models and databases are stored.",
)
@click.option(
    "--only",
    type=Parts(),
    default=tuple(PARTS),
    metavar="A,B",
    show_default="all",
    help=", ".join(PARTS) + ".",
)
@click.option("--again", is_flag=True, help="Make the chosen parts anew, whatever is stored of them.")
@click.option("--test-from", type=Day(), default=REFERENCE_WINDOW[0], help="First test day.")
@click.option("--until", type=Day(), default=REFERENCE_WINDOW[1], help="Last test day.")
@click.option(
    "--develop-from", type=Day(), default=DEVELOPMENT_WINDOW[0], help="First day for ablation and retrain."
)
@click.option("--develop-until", type=Day(), default=DEVELOPMENT_WINDOW[1], help="Last day for them.")
@click.option("--database", metavar="URL", help="A database that is filled already, instead of importing.")
@click.option("--guides-database", metavar="URL", help="The same for the form guides alone.")
@click.option(
    "--train-options",
    default="",
    metavar="'--trials 2'",
    help="For every greyhound train; none is its default.",
)
@click.option(
    "--lever",
    "levers",
    type=Lever(),
    multiple=True,
    metavar="NAME=PATTERN",
    help="One more lever: the training without the inputs whose whole name fits.",
)
@click.option("--jobs", type=click.IntRange(1), default=2, help="Families fitted side by side.")
@click.option(
    "--autogluon-seconds", type=click.FloatRange(min=1), default=600.0, help="AutoGluon's time limit."
)
def main(
    data: Path,
    output: Path,
    only: tuple[str, ...],
    again: bool,
    test_from: dt.date,
    until: dt.date,
    develop_from: dt.date,
    develop_until: dt.date,
    database: str | None,
    guides_database: str | None,
    train_options: str,
    levers: tuple[tuple[str, str], ...],
    jobs: int,
    autogluon_seconds: float,
) -> None:
    """Reproduce the table of what the probabilities were to reach, with intervals and every baseline.

    \b
    Examples:
      python -m benchmarks.quality
      python -m benchmarks.quality --only form,market
      python -m benchmarks.quality --test-from 2025-10-01 --until 2025-12-31 --output var/quality-2025q4

    All of it takes some hours on two cores. The table is printed, and written to README.md in the output
    folder.
    """
    if not data.is_dir() and (database is None or guides_database is None):
        click.echo(f"skipped: the data are not there ({data}); --data names another folder", err=True)
        return
    plan = Plan(
        data=data,
        output=output.absolute(),
        database=database,
        guides_database=guides_database,
        test_from=test_from,
        until=until,
        develop_from=develop_from,
        develop_until=develop_until,
        train_options=tuple(shlex.split(train_options)),
        autogluon_s=autogluon_seconds,
        n_jobs=jobs,
        levers=levers,
    )
    steps = StepCache(plan.output / "steps", again=[PARTS[name][0] for name in only] if again else ())
    bench = Bench(plan, steps)
    failures: dict[str, str] = {}
    for name in only:
        try:
            result = PARTS[name][1](bench)
        except StepFailed as failure:
            failures[name] = str(failure)
            click.echo(f"{name}: {failure}", err=True)
            continue
        document = {"made_for": _made_for(plan, PARTS[name][0]), **result}
        _write(plan.output / f"{PARTS[name][0]}.json", json.dumps(document, indent=1, default=str))
    page = _report(plan, steps, failures)
    click.echo(page)
    sys.exit(1 if failures else 0)


def _report(plan: Plan, steps: StepCache, failures: dict[str, str]) -> str:
    """Write the page, and its JSON, of everything that is stored of the same days and training options."""
    found = {name: plan.output / f"{name}.json" for name, _ in PARTS.values()}
    results = {name: json.loads(path.read_text()) for name, path in found.items() if path.exists()}
    results = {
        name: result for name, result in results.items() if result.get("made_for") == _made_for(plan, name)
    }
    table = lines(results, is_reference=plan.is_reference)
    command = shlex.join(["python", "-m", "benchmarks.quality", *sys.argv[1:]])
    notes = _notes(plan, steps)
    page = markdown(table, results, command=command, notes=notes, failures=failures)
    document = {
        "command": command,
        "notes": notes,
        "failures": failures,
        "table": [
            {
                "model": line.model,
                "knows": line.scope,
                "races": line.n_races,
                "to_reach": line.to_reach.as_json(),
                "beyond": line.beyond.as_json(),
                "command": line.command,
            }
            for line in table
        ],
        "results": results,
    }
    _write(plan.output / "quality.json", json.dumps(document, indent=1))
    _write(plan.output / "README.md", page)
    return page


def _made_for(plan: Plan, name: str) -> str:
    """Return the days of a result and what its trainings were given: figures of others stand apart."""
    is_development = name in DEVELOPMENT
    first, last = (plan.develop_from, plan.develop_until) if is_development else (plan.test_from, plan.until)
    first, last = {"guides": GUIDES_WINDOW, "bets": BETS_WINDOW}.get(name, (first, last))
    if name == "truth":
        return f"a simulated season {shlex.join(plan.train_options)}".strip()
    return f"{first} to {last} {shlex.join(plan.train_options)}".strip()


def _notes(plan: Plan, steps: StepCache) -> list[str]:
    notes = [f"Test races: {plan.test_from} to {plan.until}. Written at commit {git_commit()[:12]}."]
    if not plan.is_reference:
        notes.append(
            "The targets were set on 2026-01-01 to 2026-03-31; here each stands for the same share of the "
            "market's information."
        )
    if plan.train_options:
        notes.append(f"Not the default settings: every training was given {shlex.join(plan.train_options)}.")
    uses = steps.test_uses()
    if uses:
        times = "; ".join(f"{what}: {n}" for what, n in uses.items())
        notes.append(f"Uses of the test races since this folder began: {times}.")
    return notes


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}")
    draft.write_text(text)
    draft.replace(path)


if __name__ == "__main__":
    main()
