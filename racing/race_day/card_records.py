"""A card as what a source states of its runners: records of runs without a result, beside those of files."""

import datetime as dt
from typing import Any

from racing.domain.cards import FIRST_RESERVE, Card, Runner, rug_of, status_of
from racing.domain.grades import grade_of
from racing.domain.names import name_key
from racing.domain.off_time import off_time
from racing.importers.records.source_record import ParsedFile, SourceRecord
from racing.importers.resolve import CARD, GUESSED

KIND = CARD
_RESERVES = (9, 10)


def card_records(
    card: Card,
    parsed: ParsedFile,
    line: int,
    stated_at: dt.datetime | None,
    *,
    is_distance_guessed: bool = False,
) -> list[SourceRecord]:
    """Return a record a runner of a card that keeps the rules of cards.

    A starter's box is its box; a reserve has none, and its number on the card as ``rug``. A price is the
    ``last_price``. Form that a card brings along is not stored.

    Parameters
    ----------
    stated_at
        When it was stated, with its zone; ``None``: when it is imported.
    is_distance_guessed
        Whether the source does not tell the distance: that of any other counts then.

    Raises
    ------
    racing.importers.records.source_record.RowRefused
        If the card does not say which runs it is of.
    """
    records: list[SourceRecord] = []
    off = None if card.off_at is None else off_time(card.off_at, card.date)
    for runner in card.runners:
        record = parsed.record(
            line,
            dog=runner.name,
            track=card.track,
            date=card.date.isoformat(),
            distance=str(card.distance_m),
        )
        record |= {
            "race_key": race_key(card, record["track"], is_distance_guessed=is_distance_guessed),
            "race_number": card.race_number,
            "grade": grade_of(card.grade or ""),
            "off_at": _utc(off),
            "stated_at": _utc(stated_at),
            "is_blank": True,
            "is_race_whole": True,
            "is_scratched": runner.is_scratched,
            "weight_kg": runner.weight_kg,
            "last_price": runner.price,
            "rated_price": runner.rated_price,
            "early_speed": runner.early_speed,
            **_place(runner, {rug_of(other) for other in card.runners}),
        }
        records.append(record)
    return records


def race_key(card: Card, track: str, *, is_distance_guessed: bool = False) -> str:
    """Return the identity of a card's race; without a number that is its time, else its first dog."""
    distance = f"{GUESSED if is_distance_guessed else ''}{card.distance_m}"
    first = min(card.runners, key=lambda runner: (runner.box, runner.name))
    which = card.race_number or card.off_at or name_key(first.name)
    return f"{KIND}:{card.date}|{name_key(track) or track}|{distance}|{which}"


def _place(runner: Runner, taken: set[int]) -> dict[str, Any]:
    number = rug_of(runner)
    if status_of(runner) == "reserve" or (runner.is_scratched and runner.box >= FIRST_RESERVE):
        free = (one for one in _RESERVES if one not in taken)
        return {"box": None, "rug": number if number >= FIRST_RESERVE else next(free, _RESERVES[-1])}
    return {"box": runner.box, "rug": number}


def _utc(at: dt.datetime | None) -> dt.datetime | None:
    return None if at is None else at.astimezone(dt.UTC).replace(tzinfo=None)
