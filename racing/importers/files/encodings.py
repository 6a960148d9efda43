"""The encoding of a file's text: UTF-8, UTF-16 with a byte-order mark, or cp1252, whichever is certain."""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper

from racing.domain.errors import FileRefused
from racing.importers.files.contents import Content

CP1252_NOTE = "read as cp1252 (Windows, Western Europe): it is not UTF-8"
MAX_LINE_CHARS = 20_000  # a row of Topaz's 63 columns has 700
_NOT_CP1252 = frozenset(b"\x81\x8d\x8f\x90\x9d")
_MARKS = (
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16 LE"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16 BE"),
)


@dataclass(frozen=True, slots=True)
class Text:
    """A content as text: its encoding, and a note where that is not plain UTF-8."""

    content: Content
    encoding: str = "utf-8-sig"
    errors: str = "strict"
    n_mark_bytes: int = 0
    note: str | None = None

    @contextmanager
    def open(self) -> Iterator[TextIOWrapper]:
        """Open it from its beginning; every line end is a line feed."""
        with self.content.text(self.encoding, self.errors, self.n_mark_bytes) as text:
            yield text

    def lines(self) -> Iterator[tuple[int, str, int]]:
        """Yield each line: its number, its text without the end, and its length in characters.

        Of a line that is longer than :data:`MAX_LINE_CHARS` the text is its beginning.
        """
        with self.open() as text:
            read, at_most = text.readline, MAX_LINE_CHARS + 1
            number = 0
            while line := read(at_most):
                number += 1
                if line[-1] == "\n":
                    yield number, line[:-1], len(line) - 1
                    continue
                n_chars = len(line)
                if n_chars == at_most:
                    while (more := read(at_most)) and more[-1] != "\n":
                        n_chars += len(more)
                    n_chars += max(len(more) - 1, 0)
                yield number, line[:MAX_LINE_CHARS], n_chars


def text_of(content: Content) -> Text:
    """Return a content as text.

    A byte that cannot be read in a file that otherwise is UTF-8 becomes U+FFFD: the reader refuses its row.

    Raises
    ------
    FileRefused
        If no encoding is certain.
    """
    for mark, encoding, name in _MARKS:
        if content.head.startswith(mark):
            text = Text(content, encoding, n_mark_bytes=len(mark), note=f"read as {name}")
            if reason := _why_unreadable(text):
                raise FileRefused(f"it begins as {name} and cannot be read as that: {reason}")
            return text
    text = Text(content)
    return text if _why_unreadable(text) is None else _not_utf8(content)


def _why_unreadable(text: Text) -> str | None:
    """Return why the whole of it cannot be read in its encoding."""
    decoder = codecs.getincrementaldecoder(text.encoding)()
    n_skipped = text.n_mark_bytes
    try:
        for chunk in text.content.chunks():
            decoder.decode(chunk[n_skipped:])
            n_skipped = 0
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return error.reason
    return None


def _not_utf8(content: Content) -> Text:
    n_wrong = first_wrong = 0
    is_utf8_elsewhere = False
    unknown: tuple[int, int] | None = None
    for number, letters, n_chars in Text(content, "latin-1").lines():
        line = letters.encode("latin-1")
        # Of a line that is too long the beginning may end within a letter; its row is refused in any case.
        if n_chars > MAX_LINE_CHARS or not _is_utf8(line):
            n_wrong, first_wrong = n_wrong + 1, first_wrong or number
        elif not line.isascii():
            is_utf8_elsewhere = True
        if unknown is None and not _NOT_CP1252.isdisjoint(line):
            unknown = number, next(byte for byte in line if byte in _NOT_CP1252)
    if content.head.startswith(codecs.BOM_UTF8) or is_utf8_elsewhere:
        note = f"UTF-8 but for {n_wrong} of its lines (first line {first_wrong}), which are refused"
        return Text(content, "utf-8-sig", "replace", note=note)
    if not any(b"\n" in chunk for chunk in content.chunks()):
        rule = "letters of a file with the line ends of old Macintoshes are uncertain (Mac Roman or cp1252)"
        raise FileRefused(f"{rule}, first on line {first_wrong}; save it as UTF-8")
    if unknown is not None:
        line_number, byte = unknown
        reason = f"line {line_number}: byte 0x{byte:02x} is neither UTF-8 nor cp1252; save the file as UTF-8"
        raise FileRefused(reason, ((line_number, reason),))
    # Beyond the beginning of a line that is too long, bytes are not looked at: its row is refused.
    return Text(content, "cp1252", "replace", note=CP1252_NOTE)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
