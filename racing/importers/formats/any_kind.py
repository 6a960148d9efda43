"""A file of whichever kind its header says: Betfair's, results in our columns, else a form guide."""

from racing.importers.files.csv_file import CsvFile
from racing.importers.formats.betfair import parse_betfair
from racing.importers.formats.betfair_official import is_official
from racing.importers.formats.form_guides import parse_form_guide
from racing.importers.formats.results import parse_results
from racing.importers.records.source_record import ParsedFile

_OF_BETFAIR = ("MarketId", "WIN_RESULT")
_OF_RESULTS = ("race_id", "runner", "distance_m")


def parse_any(file: CsvFile) -> ParsedFile:
    """Return the records of a file, by the columns that one kind alone has."""
    if is_official(file) or file.has(_OF_BETFAIR):
        return parse_betfair(file)
    return parse_results(file) if file.has(_OF_RESULTS) else parse_form_guide(file)
