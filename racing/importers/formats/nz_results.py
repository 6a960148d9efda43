"""Results of Greyhound Racing New Zealand: a meeting's page saved to CSV, one file a meeting.

==================================== =================================================================
row                                  what
==================================== =================================================================
menus of the page                    skipped, up to the date
``26-Feb-20``, ``26/02/2020``        the day of the meeting; the row below it is the raceway
``FULL RESULTS,Race 1,title,..``     a race begins; ``C2 410 $1,685.00`` is its class, metres and prize
``PLACE,DOG,BOX,SP,WEIGHT,BENDS,..`` the columns; SP may be called ODDS
``1,Zipping Luther,1,$3.50,..``      a runner: its place (``5=``, ``Fell``, ``Pulled Up``), dog, box, SP,
                                     weight, bends, trainer, and margin to the winner, whose own is blank
``Scratched,Bigtime Coco,,,``        did not run, and has no box
``Winners Time: 24.24,..``           the winner's; no other dog's is stated. The codes of margins beside it
                                     (``5hLhL``) say what the column says
``Sectional 1: 6.92 (Tuff Temptress)`` the leader's first split
``BIG TIME DUSTY (4) - contact ..``  the stewards' remarks on a runner
==================================== =================================================================

The classes' last letters (q, f, d: qualifier, final, distance) are left out. No-break spaces are spaces.
"""

import re
from collections.abc import Iterator

from racing.domain.errors import FileRefused
from racing.domain.grades import grade_of
from racing.domain.names import name_key
from racing.domain.tracks import known_track
from racing.importers.files.csv_file import CsvFile
from racing.importers.files.csv_line import BrokenRow
from racing.importers.files.dates import FileDates
from racing.importers.files.input_file import InputFile
from racing.importers.formats.format import Format
from racing.importers.records.finish_codes import Finish, Outcome, finish_of
from racing.importers.records.race_results import RaceResults, set_calls, set_measures, whole_number
from racing.importers.records.source_record import ParsedFile, RowRefused, SourceRecord, known

KIND = "nz"
MAX_REMARKS = 300
_N_ROWS_LOOKED_AT = 400  # of menus, before the first race
_DATE = re.compile(r"(?:[A-Z][a-z]+,?\s+)?(\d{1,2})[-\s]([A-Za-z]{3})[a-z]*[-\s](\d{4}|\d{2})")
_NUMBERS = re.compile(r"(\d{1,2})[-/](\d{1,2})[-/](\d{4}|\d{2})")
_CONDITIONS = re.compile(r"(\S+)\s+(\d{3,4})\s*m?\s+\$[\d,.]+")
_CLASS = re.compile(r"(C\d(?:/\d)*|[A-Z]+)[a-z]?")
_ABANDONED = frozenset(("abandoned", "race abandoned", "no race", "race declared no race", "void"))
_WINNERS_TIME = re.compile(r"Winner'?s Time:\s*(\d{1,2}\.\d{1,3})", re.IGNORECASE)
_SECTIONAL = re.compile(r"Sectional 1:\s*(\d{1,2}\.\d{1,3})\s*\((.+?)\)", re.IGNORECASE)
_REMARK = re.compile(r"([^a-z]+?)\s*\(\d{1,2}(?:/\d{1,2})?\)\s*-\s*(.+)")
_GROUND = re.compile(r"\s+(?:Raceway|Stadium|Racecourse|Greyhound Park)$", re.IGNORECASE)
_COLUMNS = {
    "PLACE": "place", "PLC": "place", "DOG": "dog", "GREYHOUND": "dog", "NAME": "dog", "BOX": "box",
    "SP": "sp", "ODDS": "sp", "WEIGHT": "weight_kg", "BENDS": "bends", "TRAINER": "trainer",
    "MARGIN": "margin",
}  # fmt: skip


def is_nz(file: InputFile) -> bool:
    """Return whether a file is such a page: races begin with ``FULL RESULTS`` some way down."""
    if not file.is_csv or sum(map(bool, file.csv.header)) > 1:  # the page begins with blanks, or its title
        return False
    rows = (row for _, row in zip(range(_N_ROWS_LOOKED_AT), _rows_of(file.csv), strict=False))
    return any(row[0].upper() == "FULL RESULTS" for _, row in rows)


def parse_nz(file: InputFile) -> ParsedFile:
    """Return the records of the file.

    Raises
    ------
    FileRefused
        If no date stands above the races.
    """
    table = file.csv
    parsed = ParsedFile(table.name, KIND, table.sha256, dates=FileDates(), notes=table.notes)
    page = _Page(parsed)
    for line, row in _rows_of(table):
        page.read(line, row)
    page.results.close()
    if page.n_abandoned:
        parsed.notes += (f"{page.n_abandoned:,} races that were abandoned left out",)
    for record in parsed.records:
        record["remarks"] = page.remarks.get((record["race_key"], record["dog_key"]))
        if page.leaders.get(record["race_key"], ("", ""))[0] == record["dog_key"]:
            set_measures(record, {"first_split_s": page.leaders[record["race_key"]][1]}, parsed)
    return parsed


NZ_RESULTS = Format(
    name="nz-results", title="a results page of Greyhound Racing New Zealand", is_it=is_nz, read=parse_nz
)
"""Without columns: a page has those of each race in its midst."""


def _rows_of(table: CsvFile) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows with plain spaces; the first line of the file is one of them."""
    yield 1, [*table.header] or [""]
    for line, row in table.rows():
        fields = [" ".join(field.replace("\xa0", " ").split()) for field in row]
        yield line, BrokenRow(fields, row.reason) if isinstance(row, BrokenRow) else fields


class _Page:
    """Where on the page the reader is: which meeting, which race, which columns."""

    def __init__(self, parsed: ParsedFile) -> None:
        self.results = RaceResults(parsed)
        self.remarks: dict[tuple[str, str], str] = {}
        self.leaders: dict[str, tuple[str, str]] = {}
        """Of each race its first leader's key, and the first split."""
        self.n_abandoned = 0
        self._parsed = parsed
        self._date = self._track = ""
        self._is_track_next = False
        self._columns: list[str] = []
        self._race_key = self._grade = self._distance = ""
        self._race_number: int | None = None
        self._winners: list[SourceRecord] = []

    def read(self, line: int, row: list[str]) -> None:
        first, text = row[0], ", ".join(field for field in row if field)
        if first.upper() == "FULL RESULTS":
            self._begin_race(row)
        elif _is_header(row):
            self._columns = [_COLUMNS.get(field.upper(), "") for field in row]
        elif found := _DATE.fullmatch(text) or _NUMBERS.fullmatch(text):
            year = found[3] if len(found[3]) == 4 else f"20{found[3]}"
            self._date, self._is_track_next = f"{found[1]}-{found[2]}-{year}", True
            self._race_key = ""
        elif self._is_track_next and text:
            self._track, self._is_track_next = _track_of(first or text), False
        elif self._race_key and self._columns and _is_runner(row):
            self._runner(line, row)
        elif self._race_key:
            if text.casefold() in _ABANDONED:
                self.n_abandoned += 1
            self._beside(text)

    def _begin_race(self, row: list[str]) -> None:
        if not (self._date and self._track):
            raise FileRefused(
                "above the races stand the day of the meeting and its raceway, here they do not"
            )
        self._columns, self._winners = [], []
        text = " ".join(row)
        number = re.search(r"\bRace (\d{1,2})\b", text)
        conditions = next((found for field in row if (found := _CONDITIONS.fullmatch(field))), None)
        self._race_number = int(number[1]) if number else None
        self._distance = conditions[2] if conditions else ""
        named = _CLASS.fullmatch(conditions[1]) if conditions else None
        self._grade = named[1] if named else ""
        self._race_key = f"{KIND}:{self._date}|{name_key(self._track)}|{number[1] if number else '?'}"

    def _runner(self, line: int, row: list[str]) -> None:
        self._parsed.n_read += 1
        try:
            if isinstance(row, BrokenRow):
                raise RowRefused(row.reason)
            if self._race_number is None or not self._distance:
                raise RowRefused("a race has a number and a distance ('C2 410 $1,685.00'), this has not")
            fields = dict(zip(self._columns, row, strict=False))
            record, finish = self._record(line, fields)
            self.results.enter(record, finish)
            if finish.place == 1:
                self._winners.append(record)
        except RowRefused as error:
            self.results.refuse(line, str(error), self._race_key)

    def _record(self, line: int, fields: dict[str, str]) -> tuple[SourceRecord, Finish]:
        parsed, dog = self._parsed, fields["dog"]
        record = parsed.record(line, dog=dog, track=self._track, date=self._date, distance=self._distance)
        record["race_key"], record["race_number"] = self._race_key, self._race_number
        record["grade"] = grade_of(self._grade)
        record["box"] = whole_number("box", known(fields.get("box", "")), 1, 10)
        record["trainer"] = known(fields.get("trainer", "")) or None
        record["starting_price"] = parsed.price("starting_price", fields.get("sp", ""), line, dog)
        finish = finish_of(fields["place"])
        measures = {"weight_kg": known(fields.get("weight_kg", "")).casefold().removesuffix("kg")}
        if finish.outcome is Outcome.PLACED:  # one that fell may stand there with a margin of 124.8
            measures["margin_lengths"] = known(fields.get("margin", ""))
        set_measures(record, measures, parsed)
        # "68F": it fell behind the second call.
        set_calls(record, re.split(r"[A-Za-z]", known(fields.get("bends", "")))[0], parsed)
        return record, finish

    def _beside(self, text: str) -> None:
        """Read a line below the runners."""
        if found := _WINNERS_TIME.search(text):
            for record in self._winners:
                set_measures(record, {"time_s": found[1]}, self._parsed)
        elif found := _SECTIONAL.search(text):
            self.leaders[self._race_key] = name_key(found[2]), found[1]
        elif found := _REMARK.match(text):
            self.remarks[self._race_key, name_key(found[1])] = found[2][:MAX_REMARKS]


def _is_header(row: list[str]) -> bool:
    return {"place", "dog"} <= {_COLUMNS.get(field.upper(), "") for field in row}


def _is_runner(row: list[str]) -> bool:
    """Return whether a row is a runner's: a place or a code, and a name beside it."""
    if len(row) < 2 or not row[1] or len(row[0]) > 20:
        return False
    try:
        return finish_of(row[0]).outcome is not Outcome.BLANK
    except RowRefused:  # an unknown code of a runner is refused with its row, a remark is none
        return len(row) > 3 and row[2].isdecimal() and row[3].startswith("$")


def _track_of(text: str) -> str:
    """Return a track's name without the kind of ground, where it is known so."""
    plain = _GROUND.sub("", text)
    return text if known_track(text) else plain
