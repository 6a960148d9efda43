"""Read a CSV file whole: its digest, its text in whichever encoding, its rows with their lines."""

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from racing.errors import FileRefused

MAX_BYTES = 256 * 1024 * 1024  # a month of Betfair's is 4 MB
SUFFIXES = (".csv", ".csv.gz")


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV file's digest, header and rows; a row is its line number and its fields."""

    name: str
    sha256: str
    header: tuple[str, ...]
    text: str

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows below the header that are not blank."""
        reader = csv.reader(io.StringIO(self.text, newline=""))
        next(reader)
        try:
            for fields in reader:
                if any(fields):
                    yield reader.line_num, fields
        except csv.Error as error:
            where, reason = reader.line_num, f"it is not CSV: {error}"
            raise FileRefused(f"line {where}: {reason}", ((where, reason),)) from error

    def column(self, *names: str) -> int | None:
        """Return where the first of these columns stands, ``None`` if there is none."""
        return next((self.header.index(name) for name in names if name in self.header), None)

    def require(self, columns: Iterable[str], what: str) -> None:
        """Raise :class:`FileRefused` unless every one of the columns is there, once."""
        missing = [name for name in columns if name not in self.header]
        if missing:
            raise FileRefused(f"{what} needs columns that are missing here: {', '.join(missing)}")
        twice = sorted({name for name in self.header if name and self.header.count(name) > 1})
        if twice:
            raise FileRefused(f"a column may stand once, {', '.join(twice)} stands more often")


def expand(paths: Iterable[str | Path]) -> list[Path]:
    """Return the files meant: those named, and every CSV file below the folders named, by name."""
    files: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            found = (file for file in path.rglob("*") if file.name.lower().endswith(SUFFIXES))
            files += sorted(file for file in found if file.is_file() and not file.name.startswith("."))
        else:
            files.append(path)
    return list(dict.fromkeys(files))


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes.

    Raises
    ------
    FileRefused
        If it cannot be read or is too large.
    """
    return hashlib.sha256(_bytes_of(path)).hexdigest()


def read_csv(path: Path) -> CsvFile:
    """Read a file.

    Raises
    ------
    FileRefused
        If it cannot be read, is empty, no text, HTML, or has other delimiters than commas.
    """
    return csv_of(_bytes_of(path), str(path))


def csv_of(raw: bytes, name: str) -> CsvFile:
    """Return what the bytes of a file of that name hold; see :func:`read_csv`."""
    text = _text_of(raw, name)
    if not text.strip():
        raise FileRefused("the file is empty")
    if "\0" in text:
        raise FileRefused("the file is not text: it holds NUL bytes")
    first = text.lstrip().partition("\n")[0]
    if first.startswith("<"):
        raise FileRefused(f"the file is HTML or XML, not CSV: it begins with {first[:40]!r}")
    try:
        header = tuple(name.strip() for name in next(csv.reader([first])))
    except csv.Error as error:
        raise FileRefused(f"the header is not CSV: {error}") from error
    if len(header) == 1:
        for delimiter, word in (("|", "bars"), (";", "semicolons"), ("\t", "tabs")):
            if delimiter in first:
                raise FileRefused(f"columns are parted by commas, here by {word}")
    return CsvFile(name, hashlib.sha256(raw).hexdigest(), header, text.lstrip())


def _bytes_of(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FileRefused(f"a file has at most {MAX_BYTES} bytes, this has {path.stat().st_size}")
        return path.read_bytes()
    except OSError as error:
        raise FileRefused(f"cannot be read: {error.strerror}") from error


def _text_of(raw: bytes, name: str) -> str:
    if name.lower().endswith(".gz"):
        try:
            with gzip.open(io.BytesIO(raw)) as stream:
                raw = stream.read(MAX_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise FileRefused(f"the gzip file is broken or cut off: {error}") from error
        if len(raw) > MAX_BYTES:
            raise FileRefused(f"a file has at most {MAX_BYTES} bytes, this unpacks to more")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
