"""An answered card as a record in a file: its length, its checksum, and its fields."""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from service.keeping.waiting import Answered

_FRAME = struct.Struct("<II")
"""Bytes of the fields that follow, and their CRC-32."""
_FIELDS = struct.Struct("<QqiHHI")
"""Number, time, version, and bytes of request id, digest and card; the rest is the answer."""


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
    """Bytes that stand where a record should, and are none."""

    data: bytes


def from_bytes(data: bytes) -> Iterator[Numbered | Damaged]:
    """Yield the records of a file, up to its end or to where it was cut off in the middle of one.

    One whose bytes differ from their checksum is yielded as damaged, and those behind it follow; where even
    its length makes no sense, all that is left is damaged.
    """
    position = 0
    while position + _FRAME.size <= len(data):
        n_bytes, checksum = _FRAME.unpack_from(data, position)
        position += _FRAME.size
        body = data[position : position + n_bytes]
        if len(body) < n_bytes:
            return
        if n_bytes < _FIELDS.size:
            yield Damaged(data[position:])
            return
        position += n_bytes
        try:
            yield _record(body) if zlib.crc32(body) == checksum else Damaged(body)
        except UnicodeDecodeError:
            yield Damaged(body)


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
