"""``greyhound predict``: the probabilities of cards, without a server."""

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from greyhound.card_files import card_files, dates_option, is_json, read_card
from greyhound.did_you_mean import hint_at_track, with_track_hint
from greyhound.errors import exit_code, one_line
from greyhound.options import Day, Names, database_option, json_option, registry_option
from greyhound.output.console import console
from greyhound.output.printing import print_json, say, shown
from greyhound.tables.prediction import print_prediction
from racing.domain.bets import BETS, DEFAULT_TOP, MAX_TOP
from racing.domain.cards import Card
from racing.domain.errors import CardRefused, DatabaseUnavailable, FileRefused
from racing.domain.field_changes import with_reserve, with_scratched
from racing.domain.track_time import today_at
from racing.importers.files.dates import DateOrder

if TYPE_CHECKING:
    from service.schemas.prediction import PredictionOut


@click.command()
@click.argument("cards", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--model", default="champion", show_default=True, help="`champion`, or a version's number.")
@click.option("--date", type=Day(), help="Race day of a form guide, if its file's name lacks it.")
@click.option("--track", callback=hint_at_track, help="Track of a form guide, if its file's name lacks it.")
@click.option(
    "--distance",
    type=int,
    metavar="METRES",
    help="Distance of a form guide's race; else the one its dogs ran most at that track.",
)
@click.option(
    "--scratch",
    "scratched",
    multiple=True,
    metavar="RUNNER",
    help="A runner that is scratched, by its number or name; may be given several times.",
)
@click.option(
    "--reserve",
    "reserves",
    multiple=True,
    metavar="RUNNER=BOX",
    help="A reserve that runs, and its box: 9=6; may be given several times.",
)
@dates_option
@click.option("--explain", is_flag=True, help="Say why: what each topic makes of a runner's odds.")
@click.option(
    "--bets",
    type=Names("bet", BETS, has_all=True),
    default=(),
    metavar="A,B",
    help=f"Also these bets on the order of finish: {Names.ALL}, or some of {', '.join(BETS)}.",
)
@click.option(
    "--top",
    type=click.IntRange(1, MAX_TOP),
    default=DEFAULT_TOP,
    show_default=True,
    help="Of each bet at most so many combinations, the likeliest.",
)
@database_option
@registry_option
@json_option
def predict(
    cards: tuple[Path, ...],
    model: str,
    date: dt.date | None,
    track: str | None,
    distance: int | None,
    scratched: tuple[str, ...],
    reserves: tuple[str, ...],
    dates: DateOrder,
    explain: bool,
    bets: tuple[str, ...],
    top: int,
    database: str,
    registry: str,
    as_json: bool,
) -> int:
    """Give the win probabilities of CARDS: form guides' CSV, or JSON as `POST /predict` takes it.

    Runners that carry their form need no database; names alone do. A card of a past day is answered as of
    that day.

    Reserves (numbers 9 and 10) get no share unless they run: `--scratch 6 --reserve 9=6` scratches number 6
    and lets 9 start from its box. With four starters or fewer only the win pays; "place" is then that chance.

    Of a folder all *.csv, *.csv.gz and *.json below it are answered. Several cards are a table each, under
    --json one object with the list `cards`; one that is refused stops no other, and the exit code is then 3.

    With --explain, contributions are exact for the model: Shapley values over topics against a runner that
    is the field's mean in everything, in log odds.

    \b
    Example:
      greyhound predict card.json
      greyhound predict card.json --explain
      greyhound predict card.json --bets exacta,quinella --top 10
      greyhound predict cards/ "Race 1 - SAN - 14 March 2026.csv"
      greyhound predict "Race 6 - SAN - 14 March 2026.csv" --scratch 6 --reserve 9=6
      greyhound predict "Race 6 - SAN - 14 March 2026.csv" --model 3 --json
      greyhound predict guide.csv --date 2026-03-14 --track "Sandown Park" --distance 515
    """
    version = version_number(model)
    boxes = [_reserve(text) for text in reserves]
    files = card_files(cards)
    is_one = list(cards) == files and len(files) == 1
    if not is_one and (scratched or reserves):
        raise click.UsageError("--scratch and --reserve change one card; give one file with them")

    if (date, track, distance) != (None, None, None) and any(map(is_json, files)):
        raise click.UsageError("a JSON card has its date, track and distance already")

    def read(path: Path) -> tuple[Card, Sequence[str]]:
        card, notes = read_card(path, date, track, distance, dates)
        for which in scratched:
            card = with_scratched(card, which)
        for which, box in boxes:
            card = with_reserve(card, which, box)
        return card, notes

    # A card alone is read first: what is wrong with it is reported before a model is loaded.
    first = read(files[0]) if is_one else None
    answer_to = card_predictor(version, explain, database, registry, bets=bets, top=top)
    if first is not None:
        answer = answer_to(first[0])
        if as_json:
            print_json(_as_json(answer))
        else:
            print_prediction(answer, first[1])
        return 0
    return _answer_each(files, read, answer_to, as_json=as_json)


def _answer_each(
    files: Sequence[Path],
    read: Callable[[Path], tuple[Card, Sequence[str]]],
    answer_to: Callable[[Card], "PredictionOut"],
    *,
    as_json: bool,
) -> int:
    """Answer card after card and return the exit code: that of the first that is refused, 3 before others."""
    listed: list[dict[str, Any]] = []
    codes = set()
    for path in files:
        try:
            card, notes = read(path)
            answer = answer_to(card)
        except (CardRefused, FileRefused, DatabaseUnavailable) as error:
            codes.add(exit_code(error))
            why = one_line(error)
            say(f"greyhound: {shown(why if str(path) in why else f'{path}: {why}')}", err=True)
            listed.append({"file": str(path), "refused": why})
            continue
        if as_json:
            listed.append({"file": str(path), **_as_json(answer)})
        else:
            console.print(shown(str(path)), soft_wrap=True)
            print_prediction(answer, notes)
            console.print()
    if as_json:
        print_json({"cards": listed})
    return min(codes, default=0)


def _as_json(answer: "PredictionOut") -> dict[str, Any]:
    from service.prediction.answer import answer_of

    return {name: value for name, value in answer_of(answer).items() if name != "request_id"}


def card_predictor(
    version: int | None,
    is_explained: bool,
    database: str,
    registry: str,
    *,
    bets: Sequence[str] = (),
    top: int = DEFAULT_TOP,
) -> Callable[[Card], "PredictionOut"]:
    """Return what answers cards as the service does, with one model and one read of the database's state."""
    from model_registry import get_model_registry
    from service.observability.stages import StageTimer
    from service.prediction.answer import prediction_out
    from service.prediction.bets import RequestedBets, add_bets
    from service.prediction.card_prediction import predict_card
    from service.prediction.form_store import FormStore
    from service.serving.loading import load_snapshot

    store = get_model_registry(registry)
    version = store.champion_version_number() if version is None else version
    snapshot = load_snapshot(version, store.fetch(version))
    form = FormStore(database)
    form.refresh()
    requested = RequestedBets.of(bets, top)

    def answer_to(card: Card) -> "PredictionOut":
        today, known = today_at(card.track), form.read(card)
        try:
            prediction = predict_card(
                snapshot, form, card, known, StageTimer(), today=today, is_explained=is_explained
            )
        except DatabaseUnavailable as error:
            raise DatabaseUnavailable(f"{error}: {form.error}") from error
        out = prediction_out(with_track_hint(prediction), snapshot, request_id="")
        return out if requested is None else add_bets(out, prediction, snapshot, requested)

    return answer_to


def _reserve(text: str) -> tuple[str, int]:
    """Return a reserve and the box that it takes, written ``9=6``."""
    which, _, box = text.rpartition("=")
    if not which.strip() or not (box.strip().isascii() and box.strip().isdigit() and len(box) < 4):
        raise click.BadParameter(f"must be RUNNER=BOX such as 9=6, got {text!r}", param_hint="--reserve")
    return which.strip(), int(box)


def version_number(model: str) -> int | None:
    """Return the number of `--model`; ``None`` is the champion."""
    if model == "champion":
        return None
    if not (model.isascii() and model.isdigit() and len(model) < 10):
        raise click.BadParameter(
            f"must be `champion` or a version's number, got {model!r}", param_hint="--model"
        )
    return int(model)
