"""``greyhound predict``: the probabilities of cards, without a server."""

import codecs
import datetime as dt
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from greyhound.console import console
from greyhound.errors import exit_code, one_line
from greyhound.options import Day, database_option, dates_option, json_option, print_json, registry_option
from greyhound.printing import say, shown
from racing.domain.cards import Card
from racing.domain.errors import CardRefused, DatabaseUnavailable, FileRefused
from racing.domain.field_changes import with_reserve, with_scratched
from racing.domain.track_time import today_at
from racing.importers.files.dates import DateOrder

if TYPE_CHECKING:
    from service.schemas.prediction import ExplanationOut, PredictionOut

_N_SHOWN = 4  # contributions a runner, so that a line stays one
_N_NOTES = 5
_MAX_CARD_BYTES = 1024 * 1024  # the service takes 256 KiB unless set otherwise
_SUFFIXES = (".csv", ".csv.gz", ".json")


@click.command()
@click.argument("cards", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--model", default="champion", show_default=True, help="`champion`, or a version's number.")
@click.option("--date", type=Day(), help="Race day of a form guide, if its file's name does not tell.")
@click.option("--track", help="Track of a form guide, if its file's name does not tell.")
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
      greyhound predict cards/ "Race 1 - SAN - 14 March 2026.csv"
      greyhound predict "Race 6 - SAN - 14 March 2026.csv" --scratch 6 --reserve 9=6
      greyhound predict "Race 6 - SAN - 14 March 2026.csv" --model 3 --json
      greyhound predict guide.csv --date 2026-03-14 --track "Sandown Park" --distance 515
    """
    version = None if model == "champion" else _number(model)
    boxes = [_reserve(words) for words in reserves]
    files = _files(cards)
    is_one = list(cards) == files and len(files) == 1
    if not is_one and (scratched or reserves):
        raise click.UsageError("--scratch and --reserve change one card; give one file with them")

    if (date, track, distance) != (None, None, None) and any(map(_is_json, files)):
        raise click.UsageError("a JSON card tells its date, track and distance itself")

    def read(path: Path) -> tuple[Card, Sequence[str]]:
        card, notes = _read(path, date, track, distance, dates)
        for which in scratched:
            card = with_scratched(card, which)
        for which, box in boxes:
            card = with_reserve(card, which, box)
        return card, notes

    # A card alone is read first: what is wrong with it is told before a model is loaded.
    first = read(files[0]) if is_one else None
    answer_to = _predictor(version, explain, database, registry)
    if first is not None:
        answer = answer_to(first[0])
        if as_json:
            print_json(_as_json(answer))
        else:
            _print(answer, first[1])
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
            _print(answer, notes)
            console.print()
    if as_json:
        print_json({"cards": listed})
    return min(codes, default=0)


def _as_json(answer: "PredictionOut") -> dict[str, Any]:
    from service.prediction.answer import answer_of

    return {name: value for name, value in answer_of(answer).items() if name != "request_id"}


def _files(paths: Sequence[Path]) -> list[Path]:
    """Return the files that are meant: those named, and all cards below the folders named, by name."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = (one for one in path.rglob("*") if one.name.lower().endswith(_SUFFIXES))
            cards = sorted(one for one in found if one.is_file() and not one.name.startswith("."))
            if not cards:
                raise FileRefused(f"{path}: no card below it; cards end in {', '.join(_SUFFIXES)}")
            files += cards
        else:
            files.append(path)
    return list(dict.fromkeys(files))


def _read(
    path: Path, date: dt.date | None, track: str | None, distance_m: int | None, dates: DateOrder
) -> tuple[Card, Sequence[str]]:
    """Return the card of a file, and what of its rows was left out."""
    if _is_json(path):
        return _read_json(path), ()
    from racing.importers.formats.form_guide_card import read_form_guide_card

    guide = read_form_guide_card(path, date=date, track=track, distance_m=distance_m, dates=dates)
    rows = [problem for problem in guide.problems if problem.what == "row"]
    notes = [f"line {row.line}: {row.reason}" for row in rows[:_N_NOTES]]
    if len(rows) > _N_NOTES:
        notes.append(f"{len(rows) - _N_NOTES} more rows were left out")
    return guide.card, notes


def _is_json(path: Path) -> bool:
    return path.suffix.lower() == ".json"


def _read_json(path: Path) -> Card:
    from pydantic import ValidationError

    from service.prediction.card_reader import read_card

    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_CARD_BYTES + 1)
        if len(raw) > _MAX_CARD_BYTES:
            raise FileRefused(f"{path}: a card has at most {_MAX_CARD_BYTES} bytes, this has more")
        return read_card(raw.removeprefix(codecs.BOM_UTF8))
    except OSError as error:
        raise FileRefused(f"{path}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        rules = (f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}" for fault in faults[:10])
        raise FileRefused(f"{path}: {'; '.join(rules)}") from error


def _predictor(
    version: int | None, is_explained: bool, database: str, registry: str
) -> Callable[[Card], "PredictionOut"]:
    """Return what answers a card, with one model and one look at the database."""
    from model_registry import get_model_registry
    from service.observability.stages import StageTimer
    from service.prediction.answer import prediction_out
    from service.prediction.card_prediction import predict_card
    from service.prediction.form_store import FormStore
    from service.serving.loading import load_snapshot

    store = get_model_registry(registry)
    version = store.champion_version_number() if version is None else version
    snapshot = load_snapshot(version, store.fetch(version))
    form = FormStore(database)
    form.refresh()

    def answer_to(card: Card) -> "PredictionOut":
        today, known = today_at(card.track), form.read(card)
        try:
            prediction = predict_card(
                snapshot, form, card, known, StageTimer(), today=today, is_explained=is_explained
            )
        except DatabaseUnavailable as error:
            raise DatabaseUnavailable(f"{error}: {form.error}") from error
        return prediction_out(prediction, snapshot, request_id="")

    return answer_to


def _reserve(words: str) -> tuple[str, int]:
    """Return a reserve and the box that it takes, written ``9=6``."""
    which, _, box = words.rpartition("=")
    if not which.strip() or not (box.strip().isascii() and box.strip().isdigit() and len(box) < 4):
        raise click.BadParameter(f"must be RUNNER=BOX such as 9=6, got {words!r}", param_hint="--reserve")
    return which.strip(), int(box)


def _number(model: str) -> int:
    if not (model.isascii() and model.isdigit() and len(model) < 10):
        raise click.BadParameter(
            f"must be `champion` or a version's number, got {model!r}", param_hint="--model"
        )
    return int(model)


def _print(answer: "PredictionOut", notes: Sequence[str] = ()) -> None:
    for line in _titles(answer):
        console.print(shown(line), soft_wrap=True)
    table = Table()
    starters = [runner for runner in answer.runners if runner.status == "starter"]
    has_market = starters[0].market_probability is not None
    has_combined = starters[0].combined_probability is not None
    has_rugs = any(runner.rug != runner.box for runner in starters)
    names = ["rank", "box", "rug", "runner", "win", "place", "fair price", "prior runs"]
    for name in names if has_rugs else [name for name in names if name != "rug"]:
        is_name = name == "runner"
        table.add_column(name, justify="left" if is_name else "right", no_wrap=is_name)
    if has_market:
        table.add_column("market", justify="right")
    if has_combined:
        table.add_column("combined", justify="right")
    for runner in sorted(answer.runners, key=lambda runner: runner.rank):
        if runner.status != "starter":
            number = [str(runner.rug)] * (2 if has_rugs else 1)
            table.add_row("", *number, shown(runner.name), runner.status)
            continue
        cells = [str(runner.rank), str(runner.box), *([str(runner.rug)] if has_rugs else [])]
        cells += [shown(runner.name), f"{runner.win_probability:.1%}", f"{runner.place_probability:.1%}"]
        cells += [f"{runner.fair_price:.2f}", str(runner.n_prior_runs or "none on file")]
        extra = (runner.market_probability, runner.combined_probability)
        table.add_row(*cells, *(f"{value:.1%}" for value in extra if value is not None))
    console.print(table)
    if answer.n_places == 1:
        console.print(f"place: with {len(starters)} starters only the win pays")
    if answer.combination == "market":
        console.print("combined is the market alone: the model adds nothing to closing prices here.")
    if answer.base_strength is not None:
        _print_explanations(answer)
    for warning in answer.warnings:
        console.print(f"warning: {shown(warning.text)}")
    for note in notes:
        console.print(f"left out: {shown(note)}", soft_wrap=True)


def _titles(answer: "PredictionOut") -> tuple[str, str]:
    """Return which race it is, and which model answers."""
    number = "" if answer.race_number is None else f" race {answer.race_number}"
    parts = [f"{answer.track}{number}", f"{answer.date:%a} {answer.date.day} {answer.date:%B %Y}"]
    parts += [f"{answer.distance_m} m", *([answer.grade] if answer.grade else [])]
    simulated = ", trained on simulated races" if answer.is_simulated else ""
    return ", ".join(parts), f"model version {answer.model_version}{simulated}"


def _print_explanations(answer: "PredictionOut") -> None:
    console.print("Why: what each topic makes of a runner's odds, against the field's mean.")
    for runner in sorted(answer.runners, key=lambda runner: runner.rank):
        if runner.explanation is not None:
            why = ", ".join(_factors(runner.explanation))
            console.print(f"{runner.rug} {shown(runner.name)}: {why}", soft_wrap=True)


def _factors(explanation: "ExplanationOut") -> Iterator[str]:
    """Name the largest contributions, and what the others make together, as factors of the odds."""
    largest, others = explanation.contributions[:_N_SHOWN], explanation.contributions[_N_SHOWN:]
    for one in largest:
        yield f"{one.topic} x{one.multiplies_odds_by:.2f}"
    if others:
        yield f"others x{math.prod(one.multiplies_odds_by for one in others):.2f}"
