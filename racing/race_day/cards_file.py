"""Files of races to come: form guides whose name tells the race, and cards in JSON.

Their runners are runs without a result; the newest statement on one counts (:mod:`racing.importers.resolve`).
A form guide's past runs are taken too. Official files of Betfair's and results in our columns may be of races
to come as well; their own formats read them.
"""

import datetime as dt

from racing.domain.cards import check_card
from racing.domain.errors import CardRefused, FileRefused
from racing.domain.track_time import latest_day, today_at
from racing.importers.files.dates import DateOrder, FileDates
from racing.importers.files.input_file import InputFile
from racing.importers.formats.form_guide_card import DistanceUnknown, guide_card, named_in
from racing.importers.formats.form_guides import COLUMNS, parse_form_guide
from racing.importers.records.source_record import ParsedFile, RowRefused, SourceRecord
from racing.race_day.card_json import MAX_BYTES, cards_of_json
from racing.race_day.card_records import KIND, card_records

DAYS_AHEAD = dt.timedelta(days=60)
_A_DAY = dt.timedelta(days=1)


def is_json(file: InputFile) -> bool:
    """Return whether a file begins as JSON does."""
    return file.head.lstrip()[:1] in ("{", "[")


def has_cards(file: InputFile) -> bool:
    """Return whether a file is JSON with cards in it, as far as its beginning shows."""
    return is_json(file) and '"runners"' in file.head


def is_guide_of_race_to_come(file: InputFile) -> bool:
    """Return whether a form guide's name tells a race of yesterday or later.

    Guides of older days bring past runs only: who collects them has the results of their races too.
    """
    date, track, _ = named_in(file.name)
    return bool(date is not None and track and date >= latest_day() - 2 * _A_DAY and file.has(COLUMNS))


def read_cards(file: InputFile) -> ParsedFile:
    """Return the runners of the cards of a JSON file, each card whole or not at all.

    Raises
    ------
    FileRefused
        If it is no JSON.
    """
    parsed = new_parsed(file.name, file.sha256)
    for number, card in cards_of_json(_text(file)):
        parsed.n_read += 1 if isinstance(card, str) else len(card.runners)
        if isinstance(card, str):
            parsed.refuse(number, card)
            continue
        try:
            parsed.records += card_records(card, parsed, number, None)
        except RowRefused as error:
            parsed.refuse(number, str(error))
    _drop_repeated(parsed)
    return parsed


def read_guide(file: InputFile) -> ParsedFile:
    """Return the past runs of a form guide, and the runners of the race that its name tells.

    Where no dog has run at the track nothing tells the distance: the past runs alone are taken then, with a
    line that says so.

    Raises
    ------
    FileRefused
        If it is no form guide, or its name does not tell date and track.
    """
    past = parse_form_guide(file.csv)
    past.kind = KIND
    try:
        guide = guide_card(file.csv)
    except DistanceUnknown:
        _, track, number = named_in(file.name)
        race = f"race {number} at {track}" if number else f"the race at {track}"
        past.refuse(0, f"{race} is not stored, its past runs are: no dog has run there, which would tell "
                       "the distance; send its card as JSON")  # fmt: skip
        return past
    cards = new_parsed(file.name, file.sha256)
    try:
        check_card(guide.card, today=today_at(guide.card.track))
        records = card_records(guide.card, cards, 1, None, is_distance_guessed=True)
    except (CardRefused, RowRefused) as error:
        raise FileRefused(f"its runners are no card: {error}") from error
    ran = {(record["dog_key"], record["bucket"]) for record in past.records}
    past.records += [record for record in records if (record["dog_key"], record["bucket"]) not in ran]
    return past


def new_parsed(name: str, sha256: str) -> ParsedFile:
    """Return a parsed file whose dates may lie ahead."""
    dates = FileDates(DateOrder.DEFAULT, (), latest_day() + DAYS_AHEAD)
    return ParsedFile(name=name, kind=KIND, sha256=sha256, dates=dates)


def _drop_repeated(parsed: ParsedFile) -> None:
    """Of a dog that stands twice in a race, the last counts: lines are in the order of time.

    A line that states another distance of the race states it of those too whom it leaves out.
    """
    last: dict[tuple[str, ...], SourceRecord] = {}
    moved: dict[str, SourceRecord] = {}
    for record in parsed.records:
        day, track, _, which = record["race_key"].split("|", 3)
        name = (day, track, which, record["dog_key"])
        before = last.get(name)
        if before is not None and before["race_key"] != record["race_key"]:
            moved[before["race_key"]] = record
            moved.pop(record["race_key"], None)
        last[name] = record
    for record in last.values():
        while to := moved.get(record["race_key"]):
            record |= {"race_key": to["race_key"], "bucket": to["bucket"]}
    parsed.n_repeated += len(parsed.records) - len(last)
    parsed.records = list(last.values())


def _text(file: InputFile) -> str:
    raw = bytearray()
    for chunk in file.content.chunks():
        raw += chunk
        if len(raw) > MAX_BYTES:
            raise FileRefused(f"a file of cards has at most {MAX_BYTES} bytes, this has more")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileRefused(f"JSON is UTF-8: {error}") from error
