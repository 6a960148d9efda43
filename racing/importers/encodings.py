"""The text of a file's bytes: UTF-8, UTF-16 with a byte-order mark, or cp1252, whichever is certain."""

import codecs

from racing.errors import FileRefused

CP1252_NOTE = "read as cp1252 (Windows, Western Europe): it is not UTF-8"


def decode(raw: bytes) -> tuple[str, str | None]:
    """Return the text, and a note where its encoding is not plain UTF-8.

    A byte that cannot be read in a file that otherwise is UTF-8 becomes U+FFFD: the reader refuses its row.

    Raises
    ------
    FileRefused
        If no encoding is certain.
    """
    for mark, name in ((codecs.BOM_UTF16_LE, "UTF-16 LE"), (codecs.BOM_UTF16_BE, "UTF-16 BE")):
        if raw.startswith(mark):
            try:
                return raw[len(mark) :].decode(name.replace(" ", "-").lower()), f"read as {name}"
            except UnicodeDecodeError as error:
                raise FileRefused(
                    f"it begins as {name} and cannot be read as that: {error.reason}"
                ) from error
    try:
        return raw.decode("utf-8-sig"), None
    except UnicodeDecodeError:
        return _not_utf8(raw)


def _not_utf8(raw: bytes) -> tuple[str, str]:
    lines = raw.splitlines()
    wrong = [number for number, line in enumerate(lines, 1) if not _is_utf8(line)]
    is_utf8_elsewhere = any(not line.isascii() and _is_utf8(line) for line in lines)
    if raw.startswith(codecs.BOM_UTF8) or is_utf8_elsewhere:
        note = f"UTF-8 but for {len(wrong)} of its lines (first line {wrong[0]}), which are refused"
        return raw.decode("utf-8-sig", "replace"), note
    if b"\n" not in raw:
        rule = "letters of a file with the line ends of old Macintoshes are uncertain (Mac Roman or cp1252)"
        raise FileRefused(f"{rule}, first on line {wrong[0]}; save it as UTF-8")
    try:
        return raw.decode("cp1252"), CP1252_NOTE
    except UnicodeDecodeError as error:
        line = len((raw[: error.start] + b".").splitlines())
        where = f"line {line}: byte 0x{raw[error.start]:02x}"
        reason = f"{where} is neither UTF-8 nor cp1252; save the file as UTF-8"
        raise FileRefused(reason, ((line, reason),)) from error


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
