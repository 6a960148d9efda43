"""``greyhound predict``: the probabilities of one card, without a server."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from greyhound.options import console, database_option, json_option, print_json, registry_option
from racing.cards import Card
from racing.errors import DatabaseUnavailable, FileRefused

if TYPE_CHECKING:
    from racing.features import FormBook
    from service.schemas import PredictionOut


@click.command()
@click.argument("card", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--model", default="champion", show_default=True, help="`champion`, or a version's number.")
@database_option
@registry_option
@json_option
def predict(card: Path, model: str, database: str, registry: str, as_json: bool) -> None:
    """Give the win probabilities of a CARD: a form guide's CSV, or JSON as `POST /predict` takes it.

    Runners that carry their form need no database; names do.

    \b
    Example:
      greyhound predict card.json
      greyhound predict "Race 6 - SAN - 14 March 2026.csv" --model 3 --json
    """
    answer = _answer(read_card(card), model, database, registry)
    if as_json:
        print_json(answer.model_dump(exclude={"request_id"}))
        return
    _print(answer)


def read_card(path: Path) -> Card:
    """Read a card from a file, by its ending: ``.json``, else a form guide."""
    if path.suffix.lower() != ".json":
        from racing.importers.card import read_form_guide_card

        return read_form_guide_card(path)
    from pydantic import ValidationError

    from service.schemas import CardIn

    try:
        return CardIn.model_validate_json(path.read_bytes()).to_card()
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        rules = (f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}" for fault in faults[:10])
        raise FileRefused(f"{path}: {'; '.join(rules)}") from error


def _answer(card: Card, model: str, database: str, registry: str) -> "PredictionOut":
    from model_registry import get_model_registry
    from service.answers import prediction_out
    from service.loading import load_snapshot
    from service.prediction import predict_card

    store = get_model_registry(registry)
    version = store.champion_version_number() if model == "champion" else _number(model)
    snapshot = load_snapshot(version, store.fetch(version))
    form = _form(database, card)
    # A card from the archive is answered as of its own day; today only limits how far ahead it lies.
    prediction = predict_card(snapshot.model, snapshot.columns, form, card, today=dt.date.today())
    return prediction_out(prediction, snapshot, request_id="")


def _number(model: str) -> int:
    if not (model.isascii() and model.isdigit()):
        raise click.BadParameter(
            f"must be `champion` or a version's number, got {model!r}", param_hint="--model"
        )
    return int(model)


def _form(database: str, card: Card) -> "FormBook":
    from racing.database.engine import open_database
    from racing.features import FormBook

    try:
        return FormBook(open_database(database))
    except DatabaseUnavailable:
        if not all(runner.form for runner in card.runners):
            raise
        return FormBook(None)


def _print(answer: "PredictionOut") -> None:
    simulated = ", trained on simulated races" if answer.is_simulated else ""
    table = Table(title=f"model version {answer.model_version}{simulated}", title_justify="left")
    has_market = answer.runners[0].market_probability is not None
    has_combined = answer.runners[0].combined_probability is not None
    for name in ("rank", "box", "runner", "win", "place", "fair price", "prior runs"):
        table.add_column(name, justify="left" if name == "runner" else "right")
    if has_market:
        table.add_column("market", justify="right")
    if has_combined:
        table.add_column("combined", justify="right")
    for runner in sorted(answer.runners, key=lambda runner: runner.rank):
        cells = [str(runner.rank), str(runner.box), runner.name, f"{runner.win_probability:.1%}"]
        cells += [f"{runner.place_probability:.1%}", f"{runner.fair_price:.2f}", str(runner.n_prior_runs)]
        extra = (runner.market_probability, runner.combined_probability)
        table.add_row(*cells, *(f"{value:.1%}" for value in extra if value is not None))
    console.print(table)
    for warning in answer.warnings:
        console.print(f"warning: {warning.text}", markup=False)
