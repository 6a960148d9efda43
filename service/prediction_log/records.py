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
"""Bytes of the fields that follow, and their CRC-32."""
_FIELDS = struct.Struct("<QqiHHI")
"""Number, time, version, and bytes of request id, digest and card; the rest is the answer."""
_MARK = re.compile(rb"(?=(?:[^\0]..|.[^\0].|..[^\0])\0)", re.DOTALL)
"""How a record of less than 16 MiB begins. Cards and answers are JSON, without a NUL: nobody can send a
record within a card that would be taken for one where the card's own is damaged."""


def to_bytes(record: LogRecord) -> bytes:
    """Return a record as it stands in a file."""
    request_id, digest = record.request_id.encode(), record.digest.encode()
    sizes = (len(request_id), len(digest), len(record.card))
    fields = _FIELDS.pack(record.number, record.at_us, record.model_version, *sizes)
    body = b"".join((fields, request_id, digest, record.card, record.answer))
    return _FRAME.pack(len(body), zlib.crc32(body)) + body


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
    if body_start + _FIELDS.size > len(data):
        return None
    n_bytes, checksum = _FRAME.unpack_from(data, start)
    number, at_us, version, *sizes = _FIELDS.unpack_from(data, body_start)
    end = body_start + n_bytes
    if end > len(data) or n_bytes < _FIELDS.size + sum(sizes):
        return None
    body = data[body_start:end]
    if zlib.crc32(body) != checksum:
        return None
    parts, at = [], _FIELDS.size
    for size in sizes:
        parts.append(body[at : at + size])
        at += size
    request_id, digest, card = parts
    try:
        record = LogRecord(number, request_id.decode(), version, digest.decode(), at_us, card, body[at:])
    except UnicodeDecodeError:
        return None
    return end, record
