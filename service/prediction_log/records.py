"""An answered card as bytes in a file: their number, their checksum, and the fields.

SQLite and JSON lines were tried in place of this format. One flipped bit in SQLite's write-ahead log silently
loses all that was committed after it (22 of 40 records on average); here it loses the record that it is in.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from service.prediction_log.log_queue import LogRecord

_FRAME = struct.Struct("<II")
"""Bytes of the fields that follow, and their CRC-32, which begins at the number of the format."""
_FORMAT, _FORMAT_WITHOUT_SHADOWS = 2, 0
_FIELDS = struct.Struct("<QqiiHHII")
"""Number, time, version, experiment (0 for none), and bytes of request id, digest, card and shadows; the
rest is the answer."""
_FIELDS_WITHOUT_SHADOWS = struct.Struct("<QqiHHI")
"""What releases up to 0.1 wrote: number, time, version, and bytes of request id, digest and card."""
_MARK = re.compile(rb"(?=(?:[^\0]..|.[^\0].|..[^\0])\0)", re.DOTALL)
"""How a record of less than 16 MiB begins. Cards and answers are JSON, without a NUL: nobody can send a
record within a card that would be taken for one where the card's own is damaged."""


def to_bytes(record: LogRecord) -> bytes:
    """Return a record as it stands in a file."""
    request_id, digest, shadows = record.request_id.encode(), record.digest.encode(), record.shadows or b""
    sizes = (len(request_id), len(digest), len(record.card), len(shadows))
    numbers = (record.number, record.at_us, record.model_version, record.experiment_id or 0)
    fields = _FIELDS.pack(*numbers, *sizes)
    body = b"".join((fields, request_id, digest, record.card, shadows, record.answer))
    return _FRAME.pack(len(body), zlib.crc32(body, _FORMAT)) + body


class Damaged(NamedTuple):
    """Bytes that stand where records should, and are none."""

    data: bytes
    n_lost: int = 1
    """How many records they were, at least: as many as there are numbers missing, where those are known."""


def from_bytes(data: bytes) -> Iterator[LogRecord | Damaged]:
    """Yield every whole record of a file, and what stands between them.

    Where a record is damaged, its length may be as well, so the next one is searched byte by byte.
    """
    position, before = 0, None
    while position < len(data):
        start, end, record = _next(data, position)
        if start > position:
            n_missing = record.number - before - 1 if record and before is not None else 1
            yield Damaged(data[position:start], max(1, n_missing))
        if record is None:
            return
        yield record
        position, before = end, record.number


def _next(data: bytes, position: int) -> tuple[int, int, LogRecord | None]:
    """Return where the next whole record begins and ends, and the record; None if there is none."""
    starts = (candidate.start() for candidate in _MARK.finditer(data, position))
    for start in starts:
        if (found := _at(data, start)) is not None:
            return start, *found
    return len(data), len(data), None


def _at(data: bytes, start: int) -> tuple[int, LogRecord] | None:
    """Return the end of the whole record that begins at a position, and the record, if one does."""
    body_start = start + _FRAME.size
    if body_start > len(data):
        return None
    n_bytes, checksum = _FRAME.unpack_from(data, start)
    end = body_start + n_bytes
    if end > len(data) or n_bytes < _FIELDS_WITHOUT_SHADOWS.size:
        return None
    body = memoryview(data)[body_start:end]
    if zlib.crc32(body, _FORMAT) == checksum:
        record = _record(body)
    elif zlib.crc32(body, _FORMAT_WITHOUT_SHADOWS) == checksum:
        record = _record_without_shadows(body)
    else:
        record = None
    return (end, record) if record else None


def _record(body: memoryview) -> LogRecord | None:
    if len(body) < _FIELDS.size:
        return None
    number, at_us, version, experiment, *sizes = _FIELDS.unpack_from(body)
    parts = _parts(body[_FIELDS.size :], sizes)
    if parts is None:
        return None
    request_id, digest, card, shadows, answer = parts
    return _decoded(
        number, request_id, version, digest, at_us, card, answer, experiment or None, shadows or None
    )


def _record_without_shadows(body: memoryview) -> LogRecord | None:
    number, at_us, version, *sizes = _FIELDS_WITHOUT_SHADOWS.unpack_from(body)
    parts = _parts(body[_FIELDS_WITHOUT_SHADOWS.size :], sizes)
    if parts is None:
        return None
    request_id, digest, card, answer = parts
    return _decoded(number, request_id, version, digest, at_us, card, answer, None, None)


def _parts(rest: memoryview, sizes: list[int]) -> list[bytes] | None:
    """Return the parts of so many bytes, and what follows them; None if they are more than there are."""
    parts, at = [], 0
    for size in sizes:
        parts.append(bytes(rest[at : at + size]))
        at += size
    return None if at > len(rest) else [*parts, bytes(rest[at:])]


def _decoded(
    number: int,
    request_id: bytes,
    version: int,
    digest: bytes,
    at_us: int,
    card: bytes,
    answer: bytes,
    experiment_id: int | None,
    shadows: bytes | None,
) -> LogRecord | None:
    try:
        texts = request_id.decode(), digest.decode()
    except UnicodeDecodeError:
        return None
    return LogRecord(number, texts[0], version, texts[1], at_us, card, answer, experiment_id, shadows)
