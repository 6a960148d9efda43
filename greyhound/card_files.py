"""Files of races: how their dates are written, and cards in them (form guides' CSV and JSON)."""

import codecs
import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import click

from racing.domain.cards import Card
from racing.domain.errors import FileRefused
from racing.importers.files.dates import DateOrder

dates_option = click.option(
    "--dates",
    type=click.Choice([order.value for order in DateOrder if order != DateOrder.DEFAULT]),
    callback=lambda _ctx, _param, value: DateOrder(value or DateOrder.DEFAULT),
    help="How dates such as 03/04/2026 are written; auto: as other dates of the same file show. Without it "
    "they are day-first, and a file with one that cannot be that is refused.",
)
_N_NOTES = 5
_MAX_CARD_BYTES = 1024 * 1024  # the service takes 256 KiB unless set otherwise
_SUFFIXES = (".csv", ".csv.gz", ".json")


def card_files(paths: Sequence[Path]) -> list[Path]:
    """Return the files named, and all cards below the folders named, by name."""
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


def read_card(
    path: Path, date: dt.date | None, track: str | None, distance_m: int | None, dates: DateOrder
) -> tuple[Card, Sequence[str]]:
    """Return the card of a file, and what of its rows was left out."""
    if is_json(path):
        return _read_json(path), ()
    from racing.importers.formats.form_guide_card import read_form_guide_card

    guide = read_form_guide_card(path, date=date, track=track, distance_m=distance_m, dates=dates)
    rows = [problem for problem in guide.problems if problem.what == "row"]
    notes = [f"line {row.line}: {row.reason}" for row in rows[:_N_NOTES]]
    if len(rows) > _N_NOTES:
        notes.append(f"{len(rows) - _N_NOTES} more rows were left out")
    return guide.card, notes


def is_json(path: Path) -> bool:
    """Return whether a file holds a card in JSON, by its name."""
    return path.suffix.lower() == ".json"


def _read_json(path: Path) -> Card:
    from pydantic import ValidationError

    from service.prediction.card_reader import read_card as parse_card

    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_CARD_BYTES + 1)
        if len(raw) > _MAX_CARD_BYTES:
            raise FileRefused(f"{path}: a card has at most {_MAX_CARD_BYTES} bytes, this has more")
        return parse_card(raw.removeprefix(codecs.BOM_UTF8))
    except OSError as error:
        raise FileRefused(f"{path}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        rules = (f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}" for fault in faults[:10])
        raise FileRefused(f"{path}: {'; '.join(rules)}") from error
