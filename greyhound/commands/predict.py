"""``greyhound predict``: the probabilities of one card, without a server."""

import datetime as dt
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape
from rich.table import Table

from greyhound.options import Day, console, database_option, json_option, print_json, registry_option
from racing.cards import Card
from racing.errors import DatabaseUnavailable, FileRefused

if TYPE_CHECKING:
    from service.schemas import ExplanationOut, PredictionOut

_N_SHOWN = 4  # contributions a runner, so that a line stays one


@click.command()
@click.argument("card", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--model", default="champion", show_default=True, help="`champion`, or a version's number.")
@click.option("--date", type=Day(), help="Race day of a form guide, if its file's name does not tell.")
@click.option("--track", help="Track of a form guide, if its file's name does not tell.")
@click.option(
    "--distance",
    type=int,
    metavar="METRES",
    help="Distance of a form guide's race; else the one its dogs ran most at that track.",
)
@click.option("--explain", is_flag=True, help="Say why: what each topic makes of a runner's odds.")
@database_option
@registry_option
@json_option
def predict(
    card: Path,
    model: str,
    date: dt.date | None,
    track: str | None,
    distance: int | None,
    explain: bool,
    database: str,
    registry: str,
    as_json: bool,
) -> None:
    """Give the win probabilities of a CARD: a form guide's CSV, or JSON as `POST /predict` takes it.

    Runners that carry their form need no database; names alone do. A card of a past day is answered as of
    that day.

    With --explain, contributions are exact for the model: Shapley values over topics against a runner that
    is the field's mean in everything, in log odds.

    \b
    Example:
      greyhound predict card.json
      greyhound predict card.json --explain
      greyhound predict "Race 6 - SAN - 14 March 2026.csv" --model 3 --json
      greyhound predict guide.csv --date 2026-03-14 --track "Sandown Park" --distance 515
    """
    version = None if model == "champion" else _number(model)
    answer = _answer(read_card(card, date, track, distance), version, explain, database, registry)
    if as_json:
        from service.answers import answer_of

        print_json({name: said for name, said in answer_of(answer).items() if name != "request_id"})
        return
    _print(answer)


def read_card(path: Path, date: dt.date | None, track: str | None, distance_m: int | None) -> Card:
    """Read a card from a file, by its ending: ``.json``, else a form guide."""
    if path.suffix.lower() != ".json":
        from racing.importers.card import read_form_guide_card

        return read_form_guide_card(path, date=date, track=track, distance_m=distance_m)
    if (date, track, distance_m) != (None, None, None):
        raise click.UsageError("a JSON card tells its date, track and distance itself")
    from pydantic import ValidationError

    from service import wire

    try:
        return wire.read_card(path.read_bytes())
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        rules = (f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}" for fault in faults[:10])
        raise FileRefused(f"{path}: {'; '.join(rules)}") from error


def _answer(
    card: Card, version: int | None, is_explained: bool, database: str, registry: str
) -> "PredictionOut":
    from model_registry import get_model_registry
    from service.answers import prediction_out
    from service.following.loading import load_snapshot
    from service.form import Form
    from service.prediction import predict_card
    from service.watching.phases import PhaseClock

    store = get_model_registry(registry)
    version = store.champion_version_number() if version is None else version
    snapshot = load_snapshot(version, store.fetch(version))
    form = Form(database)
    form.look()
    today = dt.datetime.now(dt.UTC).date()
    try:
        prediction = predict_card(
            snapshot, form, card, form.read(card), PhaseClock(), today=today, is_explained=is_explained
        )
    except DatabaseUnavailable as error:
        raise DatabaseUnavailable(f"{error}: {form.error}") from error
    return prediction_out(prediction, snapshot, request_id="")


def _number(model: str) -> int:
    if not (model.isascii() and model.isdigit() and len(model) < 10):
        raise click.BadParameter(
            f"must be `champion` or a version's number, got {model!r}", param_hint="--model"
        )
    return int(model)


def _print(answer: "PredictionOut") -> None:
    simulated = ", trained on simulated races" if answer.is_simulated else ""
    table = Table(title=f"model version {answer.model_version}{simulated}", title_justify="left")
    has_market = answer.runners[0].market_probability is not None
    has_combined = answer.runners[0].combined_probability is not None
    for name in ("rank", "box", "runner", "win", "place", "fair price", "prior runs"):
        is_name = name == "runner"
        table.add_column(name, justify="left" if is_name else "right", no_wrap=is_name)
    if has_market:
        table.add_column("market", justify="right")
    if has_combined:
        table.add_column("combined", justify="right")
    for runner in sorted(answer.runners, key=lambda runner: runner.rank):
        cells = [str(runner.rank), str(runner.box), escape(runner.name), f"{runner.win_probability:.1%}"]
        cells += [f"{runner.place_probability:.1%}", f"{runner.fair_price:.2f}", str(runner.n_prior_runs)]
        extra = (runner.market_probability, runner.combined_probability)
        table.add_row(*cells, *(f"{value:.1%}" for value in extra if value is not None))
    console.print(table)
    if answer.combination == "market":
        console.print("combined is the market alone: the model adds nothing to closing prices here.")
    if answer.base_strength is not None:
        _print_explanations(answer)
    for warning in answer.warnings:
        console.print(f"warning: {warning.text}", markup=False)


def _print_explanations(answer: "PredictionOut") -> None:
    console.print("Why: what each topic makes of a runner's odds, against the field's mean.")
    for runner in sorted(answer.runners, key=lambda runner: runner.rank):
        if runner.explanation is not None:
            why = ", ".join(_factors(runner.explanation))
            console.print(f"{runner.box} {runner.name}: {why}", markup=False, soft_wrap=True)


def _factors(explanation: "ExplanationOut") -> Iterator[str]:
    """Name the largest contributions, and what the others make together, as factors of the odds."""
    largest, others = explanation.contributions[:_N_SHOWN], explanation.contributions[_N_SHOWN:]
    for one in largest:
        yield f"{one.topic} x{one.multiplies_odds_by:.2f}"
    if others:
        yield f"others x{math.prod(one.multiplies_odds_by for one in others):.2f}"
