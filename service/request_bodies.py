"""Bodies of requests: their media types, and whether JSON is in UTF-8."""

import codecs
from typing import TypeVar

from fastapi import Request

from service.errors import BodyUnreadable

CSV, JSON, NDJSON = "text/csv", "application/json", "application/x-ndjson"
GZIP = b"\x1f\x8b"
# UTF-16 without its mark has a NUL beside each letter: of `{`, `[` or a blank that JSON begins with.
_MARKS = (
    codecs.BOM_UTF8, GZIP, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"\0",
    *(bytes((first, 0)) for first in b"{[ \n\r\t"),
)  # fmt: skip
_N_MARK = 4
Body = TypeVar("Body", bytes, memoryview)


def media_type_of(request: Request, *, default: str = "") -> str:
    """Return the media type of a request's body in small letters, without parameters."""
    content_type: str = request.headers.get("content-type", default)
    return content_type.partition(";")[0].strip().lower()


def utf8_of(body: Body) -> Body:
    """Return a body of JSON in UTF-8, without the byte order mark that some editors put before it.

    Raises
    ------
    service.errors.BodyUnreadable
        If it is a gzip file, or JSON in UTF-16 or UTF-32.
    """
    first = bytes(body[:_N_MARK])
    if not first.startswith(_MARKS):
        return body
    if first.startswith(codecs.BOM_UTF8):
        return body[len(codecs.BOM_UTF8) :]
    if first.startswith(GZIP):
        raise BodyUnreadable("the body is a gzip file: send it with the header `Content-Encoding: gzip`")
    raise BodyUnreadable("the body is JSON in UTF-16 or UTF-32: send it in UTF-8")
