"""Results as box order: one row a race, the boxes in the order in which they finished.

=============== ============================================ =====================================
column          also called                                  what
=============== ============================================ =====================================
Track           venue, meeting                               ``Bet Nation Townsville``; perhaps with
                                                             its date behind: ``Grafton25/11/25``
Date            race_date, meeting_date                      else glued to the track, else in the
                                                             file's name: ``results_2025-11-27.csv``
Race            race_number, race_num, race_no               ``R1``, ``Race 1`` or ``1``
Winner          winner_box, winning_box, 1st                 the winner's box; two in a dead heat:
                                                             ``3/8``
2nd, 3rd, 4th   second, third, fourth                        the boxes behind it
Result          full_result, results, finish_order, order    ``1875``, ``7-10-8-3``
=============== ============================================ =====================================

Needed are the track, the race, and the winner or the result. Boxes are the numbers on the rugs: 9 and 10
are reserves. ``71083`` is 7, 10, 8, 3, since no box is 0. Five boxes are a dead heat for the fourth place,
for one further ahead leaves four. A race that was abandoned, or whose result is blank, is left out and
counted.

No distance and no dog stands there: the rows are outcomes of races that other sources know
(:mod:`racing.importers.waiting.rejoin`). Those that are not named started and lost.
"""

import datetime as dt
import re
from dataclasses import replace
from pathlib import PurePath

from racing.domain.errors import FileRefused
from racing.importers.files.csv_file import CsvFile, column_key
from racing.importers.formats.format import Format, from_csv
from racing.importers.records.finish_codes import CODES
from racing.importers.records.source_record import ParsedFile, RowRefused, SourceRecord, known
from racing.importers.resolve import BOX_ORDER as KIND

_NAMES = {
    "track": ("track", "venue", "meeting", "trackname", "meetingname", "course"),
    "date": ("date", "racedate", "meetingdate", "day"),
    "race": ("race", "racenumber", "racenum", "raceno", "r"),
    "winner": (
        "winner",
        "winnerbox",
        "winningbox",
        "winbox",
        "1st",
        "first",
        "winningtrap",
        "winnertrap",
        "1stbox",
    ),
    "second": ("2nd", "second", "2ndbox"),
    "third": ("3rd", "third", "3rdbox"),
    "fourth": ("4th", "fourth", "4thbox"),
    "result": (
        "result",
        "fullresult",
        "results",
        "finishorder",
        "order",
        "placings",
        "finish",
        "finishingorder",
        "boxorder",
        "top4",
        "firstfour",
        "first4",
    ),
}
_OURS = {theirs: ours for ours, names in _NAMES.items() for theirs in names}
_OF_DOGS = frozenset(
    (
        "dog", "dogname", "runner", "runnername", "greyhound", "greyhoundname", "name", "selectionname",
        "box", "rug", "trap", "trapnumber", "plc", "marketid",
    )
)  # fmt: skip
_PLACES = ("winner", "second", "third", "fourth")
LAST_BOX = 10
_GLUED = re.compile(r"(.*?\S)\s*(\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|\d{4}-\d{2}-\d{2})")
_SHORT_YEAR = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{2})")
_IN_NAME = re.compile(r"(?<!\d)(\d{4})[-_.]?(\d{2})[-_.]?(\d{2})(?!\d)")
_IN_NAME_LAST = re.compile(r"(?<!\d)(\d{1,2})[-_.](\d{1,2})[-_.](\d{4})(?!\d)")
_RACE = re.compile(r"(?:race|r)?\s*(\d{1,2})(?:\.0)?", re.IGNORECASE)
_BOXES = re.compile(r"10|[1-9]")
_SEPARATORS = re.compile(r"[\s,;/|>=–-]+")


def parse_box_order(file: CsvFile) -> ParsedFile:
    """Return the named boxes of the file's races, which wait for them.

    Raises
    ------
    FileRefused
        If a column is missing, or no date stands anywhere.
    """
    file = _with_our_columns(file)
    parsed = ParsedFile.of(file, KIND, date_column="date" if "date" in file.header else "track")
    date_in_name = _date_in(file.name)
    seen: dict[tuple[dt.date, str, int], tuple[int, list[tuple[int, int]]]] = {}
    n_without = 0
    for line, row in file.rows():
        parsed.n_read += 1
        try:
            parsed.check(row)
            fields = {name: known(text) for name, text in zip(file.header, row, strict=True)}
            track, day = _track_and_day(fields, line, date_in_name, parsed)
            first = parsed.waiting_record(line, KIND, day, track)
            first["race_number"] = _race_number(fields["race"])
            order = _order_of(fields)
            if order is None:
                n_without += 1
                continue
            race = day, first["track"], first["race_number"]
            if race in seen:
                if seen[race][1] != order:
                    rule = "a race has one result"
                    raise RowRefused(f"{rule}, got race {race[2]} at {track} twice (line {seen[race][0]})")
                parsed.n_repeated += 1
                continue
            seen[race] = line, order
            parsed.waiting += [_row(first, box, place) for box, place in order]
        except RowRefused as error:
            parsed.refuse(line, str(error))
    if n_without:
        parsed.notes += (f"{n_without:,} races without a result left out (abandoned, or blank)",)
    return parsed


def is_box_order(file: CsvFile) -> bool:
    """Return whether a file has the columns of results as box order, and none that names a dog."""
    keys = {_key(name) for name in file.header if name}
    ours = {_OURS.get(key) for key in keys}
    return {"track", "race"} <= ours and bool({"winner", "result"} & ours) and not keys & _OF_DOGS


def _key(name: str) -> str:
    """Return the key of a column's name, in which ``Race No.`` and ``race_no`` are one."""
    return re.sub(r"[^a-z0-9]+", "", column_key(name))


BOX_ORDER = Format(
    name="box-order",
    title="results as box order",
    is_it=lambda file: file.is_csv and is_box_order(file.csv),
    read=from_csv(parse_box_order),
    columns=("Track", "Race", "Winner"),
)


def _with_our_columns(file: CsvFile) -> CsvFile:
    theirs = [name for name in file.header if _key(name) in _OURS]
    file = file.with_columns(theirs, "results as box order")
    header = tuple(_OURS.get(_key(name), name) for name in file.header)
    missing = [name for name in ("track", "race") if name not in header]
    missing += [] if {"winner", "result"} & set(header) else ["winner or result"]
    twice = [name for name in _NAMES if header.count(name) > 1]
    if missing:
        raise FileRefused(f"results as box order need columns that are missing here: {', '.join(missing)}")
    if twice:
        raise FileRefused(f"a column may stand once, {', '.join(twice)} stands more often")
    read = tuple(i for i, name in enumerate(header) if name in _NAMES)
    return replace(file, header=header, columns_read=read)


def _date_in(name: str) -> dt.date | None:
    """Return the day that a file's name bears, ``None`` if none."""
    plain = PurePath(name).name
    dates = [(found[1], found[2], found[3]) for found in _IN_NAME.finditer(plain)]
    dates += [(found[3], found[2], found[1]) for found in _IN_NAME_LAST.finditer(plain)]
    for year, month, day in dates:
        try:
            return dt.date(int(year), int(month), int(day))
        except ValueError:
            continue
    return None


def _track_and_day(
    fields: dict[str, str], line: int, date_in_name: dt.date | None, parsed: ParsedFile
) -> tuple[str, dt.date]:
    track, date = fields["track"], fields.get("date", "")
    if glued := _GLUED.fullmatch(track):
        track, date = glued[1], date or glued[2]
    if short := _SHORT_YEAR.fullmatch(date):
        date = f"{short[1]}/{short[2]}/20{short[3]}"
    if not date and date_in_name is None:
        raise RowRefused("a race has a day: in a column Date, behind the track, or in the file's name")
    return track, parsed.date_of(date or str(date_in_name), line)


def _race_number(text: str) -> int:
    found = _RACE.fullmatch(text)
    if not found or not 1 <= int(found[1]) <= 20:
        raise RowRefused(f"race must be 1..20, got {text!r}")
    return int(found[1])


def _order_of(fields: dict[str, str]) -> list[tuple[int, int]] | None:
    """Return each named box with its place; ``None`` where there is no result."""
    texts = [fields.get(name, "") for name in _PLACES]
    result = fields.get("result", "")
    if not result and not texts[0]:
        return None
    if any(re.sub(r"[\s./]+", "", text).upper() in CODES for text in (result, texts[0]) if text):
        return None
    winners = _boxes_of(texts[0])
    order = _boxes_of(result)
    if order and winners and set(order[: len(winners)]) != set(winners):
        raise RowRefused(f"the winner stands first in the result, got {texts[0]!r} and {result!r}")
    if not order:
        order = winners + [box for text in texts[1:] for box in _boxes_of(text)]
    if len(set(order)) < len(order):
        raise RowRefused(f"a box stands once in a result, got {', '.join(map(str, order))}")
    n_winners = max(len(winners), 1)
    return [(box, 1 if i < n_winners else min(i + 1, 4)) for i, box in enumerate(order[:5])]


def _boxes_of(text: str) -> list[int]:
    parts = [part.removesuffix(".0") for part in _SEPARATORS.split(text.strip()) if part]
    if len(parts) == 1:
        parts = _BOXES.findall(parts[0]) if "".join(_BOXES.findall(parts[0])) == parts[0] else ["?"]
    if not all(part.isascii() and part.isdigit() and 1 <= int(part[:3]) <= LAST_BOX for part in parts):
        raise RowRefused(f"a result names boxes 1..{LAST_BOX} in their order, got {text!r}")
    return [int(part) for part in parts]


def _row(first: SourceRecord, box: int, place: int) -> SourceRecord:
    return first | {"rug": box, "finish_position": place, "won": place == 1}
