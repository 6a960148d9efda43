"""What a format is: its name, how a file of it is recognised, and how it is read."""

from collections.abc import Callable
from dataclasses import dataclass

from racing.importers.files.csv_file import CsvFile
from racing.importers.files.input_file import InputFile
from racing.importers.records.source_record import ParsedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One kind of file.

    Parameters
    ----------
    name
        As ``greyhound import --as`` takes it: ``gbgb-results``.
    title
        As reports name it: ``results of the GBGB``.
    is_it
        Whether a file is of this kind, by its beginning or its header; true for one kind at most.
    read
        The file's checked records; raises :class:`~racing.domain.errors.FileRefused` with the rule.
    columns
        Those by which people know a CSV file of it; a file of no format is compared with them.
    """

    name: str
    title: str
    is_it: Callable[[InputFile], bool]
    read: Callable[[InputFile], ParsedFile]
    columns: tuple[str, ...] = ()


def from_csv(parse: Callable[[CsvFile], ParsedFile]) -> Callable[[InputFile], ParsedFile]:
    """Return how to read a file with a function that takes it as CSV."""
    return lambda file: parse(file.csv)
