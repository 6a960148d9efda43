"""An answered card as a record in a file: its length, its checksum, and its fields."""

import re
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from service.prediction_log.log_queue import Answered

_FRAME = struct.Struct("<II")
"""Bytes of the fields that follow, and their CRC-32."""
_FIELDS = struct.Struct("<QqiHHI")
"""Number, time, version, and bytes of request id, digest and card; the rest is the answer."""
_MARK = re.compile(rb"(?=(?:[^\0]..|.[^\0].|..[^\0])\0)", re.DOTALL)
"""How a record of less than 16 MiB begins. What is answered is JSON, without a NUL: nobody can send a record
within a card that would be taken for one where the card's own is damaged."""


class Numbered(NamedTuple):
    """An answered card under the number that its writer gave it; with the writer it is one of a kind."""

    number: int
    entry: Answered


def to_bytes(record: Numbered) -> bytes:
    """Return a record as it stands in a file."""
    number, entry = record
    request_id, digest = entry.request_id.encode(), entry.digest.encode()
    fields = _FIELDS.pack(
        number, entry.at_us, entry.model_version, len(request_id), len(digest), len(entry.card)
    )
    body = b"".join((fields, request_id, digest, entry.card, entry.answer))
    return _FRAME.pack(len(body), zlib.crc32(body)) + body


class Damaged(NamedTuple):
    """Bytes that stand where records should, and are none."""

    data: bytes
    n_lost: int = 1
    """How many answers they were, at least: as many as there are numbers missing, where those are known."""


def from_bytes(data: bytes) -> Iterator[Numbered | Damaged]:
    """Yield every whole record of a file, and what stands between them.

    Where a record is damaged, its length may be as well, so the next one is looked for byte by byte.
    """
    position, before = 0, None
    while position < len(data):
        start, found = _next(data, position)
        if start > position:
            n_missing = found.record.number - before - 1 if found and before is not None else 1
            yield Damaged(data[position:start], max(1, n_missing))
        if found is None:
            return
        yield found.record
        position, before = found.end, found.record.number


class _Found(NamedTuple):
    record: Numbered
    end: int


def _next(data: bytes, position: int) -> tuple[int, _Found | None]:
    """Return where the next whole record begins, and the record; the end of the data if there is none."""
    if (found := _at(data, position)) is not None:
        return position, found
    for candidate in _MARK.finditer(data, position + 1):
        if (found := _at(data, candidate.start())) is not None:
            return candidate.start(), found
    return len(data), None


def _at(data: bytes, position: int) -> _Found | None:
    """Return the whole record that begins at a position, if one does."""
    if position + _FRAME.size + _FIELDS.size > len(data):
        return None
    n_bytes, checksum = _FRAME.unpack_from(data, position)
    start, end = position + _FRAME.size, position + _FRAME.size + n_bytes
    if end > len(data) or n_bytes < _FIELDS.size + sum(_FIELDS.unpack_from(data, start)[3:]):
        return None
    body = data[start:end]
    if zlib.crc32(body) != checksum:
        return None
    try:
        return _Found(_record(body), end)
    except UnicodeDecodeError:
        return None


def _record(body: bytes) -> Numbered:
    number, at_us, version, *sizes = _FIELDS.unpack_from(body)
    parts, start = [], _FIELDS.size
    for size in sizes:
        parts.append(body[start : start + size])
        start += size
    request_id, digest, card = parts
    return Numbered(
        number, Answered(request_id.decode(), version, digest.decode(), at_us, card, body[start:])
    )
