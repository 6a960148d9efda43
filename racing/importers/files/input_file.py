"""A file as the formats meet it: its name and first bytes, and its rows where it is CSV."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from racing.domain.errors import FileRefused
from racing.importers.files.contents import Content
from racing.importers.files.csv_file import CsvFile, csv_of_content
from racing.importers.files.dates import DateOrder


@dataclass(frozen=True)
class InputFile:
    """A file that was opened, unpacked where it was packed; nothing of it is interpreted yet."""

    name: str
    content: Content
    dates: DateOrder = DateOrder.DEFAULT

    @property
    def sha256(self) -> str:
        """Return the digest of its bytes as they lie there, packed or not."""
        return self.content.sha256

    @cached_property
    def head(self) -> str:
        """Return its first 4 KiB as text, odd bytes replaced."""
        return self.content.head.decode("utf-8-sig", "replace")

    @cached_property
    def csv(self) -> CsvFile:
        """Return it as CSV whose header is its first line.

        Raises
        ------
        FileRefused
            If it is no CSV file.
        """
        return csv_of_content(self.content, self.name, self.dates)

    @cached_property
    def is_csv(self) -> bool:
        """Return whether it can be read as CSV whose header is its first line."""
        try:
            return bool(self.csv.header)
        except FileRefused:
            return False

    def has(self, columns: Iterable[str]) -> bool:
        """Return whether it is CSV with all of these columns, however their names are spelt."""
        return self.is_csv and self.csv.has(columns)
