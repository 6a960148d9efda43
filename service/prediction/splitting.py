"""Where the cards of a batch begin and end, found piece by piece: none holds the event loop for over 1 ms.

A parser reads all in one go, and nests as deep as the sender likes: ``msgspec`` takes 65 ms for the array of
an 8 MiB batch, elements unread, and holds the interpreter, in a thread too. Here only quotes, backslashes,
brackets and commas are read.
"""

import asyncio
import time
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from service.errors import BatchTooLong, BodyUnreadable

_PIECE = 32 * 1024  # bytes; takes a fifth of a millisecond
_SLICE_S = 0.001
_OTHER, _QUOTE, _BACKSLASH, _OPEN, _CLOSE, _COMMA = range(6)
_KINDS = np.zeros(256, np.uint8)
for _kind, _characters in (
    (_QUOTE, b'"'),
    (_BACKSLASH, b"\\"),
    (_OPEN, b"[{"),
    (_CLOSE, b"]}"),
    (_COMMA, b","),
):
    _KINDS[list(_characters)] = _kind
_IS_BLANK = np.zeros(256, np.bool_)
_IS_BLANK[list(b" \t\r\n\v\f")] = True

Span = tuple[int, int]
Bytes = NDArray[np.uint8]
Positions = NDArray[np.int64]


class Splitter(Protocol):
    """Finds cards in a body that comes piece by piece."""

    def spans(self, piece: Bytes, offset: int) -> list[Span]:
        """Return where the cards lie that end in a piece."""

    def last(self, length: int) -> list[Span]:
        """Return the card that ends with the body, if one does."""


async def spans_of(splitter: Splitter, body: bytes | bytearray | memoryview, *, at_most: int) -> list[Span]:
    """Return where the cards of a body lie, found in slices of a millisecond.

    Raises
    ------
    service.errors.BatchTooLong
        If there are more than ``at_most``; what follows them is not searched.
    service.errors.BodyUnreadable
        If the body is no batch.
    """
    found: list[Span] = []
    everything, until = np.frombuffer(body, np.uint8), time.perf_counter() + _SLICE_S
    for offset in range(0, len(everything), _PIECE):
        found += splitter.spans(everything[offset : offset + _PIECE], offset)
        if len(found) > at_most:
            raise _too_long(at_most)
        if time.perf_counter() > until:
            await asyncio.sleep(0)
            until = time.perf_counter() + _SLICE_S
    found += splitter.last(len(everything))
    if len(found) > at_most:
        raise _too_long(at_most)
    return found


class Lines:
    """A card a line; blank lines are none."""

    def __init__(self) -> None:
        self._line = _Part()

    def spans(self, piece: Bytes, offset: int) -> list[Span]:
        """Return the lines that end in a piece."""
        ends = np.flatnonzero(piece == ord("\n"))
        return self._line.ended(piece, offset, ends)[0]

    def last(self, length: int) -> list[Span]:
        """Return the last line, where nothing ends it."""
        return [(self._line.start, length)] if self._line.has_content else []


class Array:
    """The elements of a JSON array."""

    def __init__(self) -> None:
        self._element = _Part()
        self._depth = 0
        self._is_in_string = False
        self._is_escaping = False
        self._is_ended = False
        self._n = 0

    def spans(self, piece: Bytes, offset: int) -> list[Span]:
        """Return the elements that end in a piece.

        Raises
        ------
        service.errors.BodyUnreadable
            If it is no array, or an element is missing.
        """
        if self._is_ended:
            return _only_blanks(piece)
        if not self._depth:
            contents = np.flatnonzero(~_IS_BLANK[piece])
            if not len(contents):
                return []
            first = int(contents[0])
            if piece[first] != ord("["):
                raise _unreadable("it begins with something else")
            self._depth, self._element.start = 1, offset + first + 1
            piece, offset = piece[first + 1 :], offset + first + 1
        separators, end = self._structure(piece)
        spans, n_missing = self._element.ended(piece, offset, separators)
        self._n += len(spans)
        if end is not None:
            self._is_ended = True
            _only_blanks(piece[end + 1 :])
            n_missing -= not self._n and len(separators) == 1  # an empty array
        if n_missing:
            raise _unreadable("a card is missing before a comma or at its end")
        return spans

    def last(self, length: int) -> list[Span]:
        """Return nothing: an array says where it ends.

        Raises
        ------
        service.errors.BodyUnreadable
            If it has not.
        """
        if not self._is_ended:
            raise _unreadable("it does not end")
        return []

    def _structure(self, piece: Bytes) -> tuple[Positions, int | None]:
        """Return where elements end in a piece, and where the array does."""
        kinds = _KINDS[piece]
        places = np.flatnonzero(kinds)
        kinds = kinds[places]
        is_quote = kinds == _QUOTE
        is_quote &= ~self._is_escaped(piece, places)
        is_outside = (np.cumsum(is_quote) + self._is_in_string) % 2 == 0
        steps = (is_outside & (kinds == _OPEN)).astype(np.int64) - (is_outside & (kinds == _CLOSE))
        depths = self._depth + np.cumsum(steps)
        is_end = (depths == 0) & (steps < 0)
        end = int(is_end.argmax()) if is_end.any() else None
        is_separator = is_outside & (kinds == _COMMA) & (depths == 1)
        if len(places):
            self._is_in_string, self._depth = not is_outside[-1], int(depths[-1])
        if end is None:
            return places[is_separator], None
        if piece[places[end]] != ord("]"):
            raise _unreadable("it ends with a brace")
        is_separator[end:] = False
        is_separator[end] = True
        return places[is_separator], int(places[end])

    def _is_escaped(self, piece: Bytes, places: Positions) -> NDArray[np.bool_]:
        """Return whether each of some characters follows an odd number of backslashes."""
        is_backslash = piece == ord("\\")
        carried = self._is_escaping
        if not is_backslash.any():
            self._is_escaping = False
            is_escaped = np.zeros(len(places), np.bool_)
            if carried and len(places) and places[0] == 0:
                is_escaped[0] = True
            return is_escaped
        index = np.arange(len(piece))
        others = np.maximum.accumulate(np.where(is_backslash, -1, index))  # the last one that is none
        n_in_front = index - others  # backslashes up to each
        n_in_front[others < 0] += carried
        self._is_escaping = bool(n_in_front[-1] % 2)
        n_before = np.concatenate(([int(carried)], n_in_front[:-1]))
        escaped: NDArray[np.bool_] = n_before[places] % 2 == 1
        return escaped


class _Part:
    """The card that has begun: where, and whether anything but blanks is in it."""

    def __init__(self) -> None:
        self.start = 0
        self.has_content = False

    def ended(self, piece: Bytes, offset: int, ends: Positions) -> tuple[list[Span], int]:
        """Return the parts that end at some places of a piece and have content, and how many have none."""
        n_contents = np.cumsum(~_IS_BLANK[piece])
        total = int(n_contents[-1]) if len(piece) else 0
        if not len(ends):
            self.has_content = self.has_content or total > 0
            return [], 0
        before: Positions = n_contents[ends] - ~_IS_BLANK[piece[ends]]  # contents in front of each end
        after_last = np.concatenate(([0], n_contents[ends][:-1]))
        has_content = (before - after_last) > 0
        has_content[0] |= self.has_content
        stops = ends + offset
        starts = np.concatenate(([self.start], stops[:-1] + 1))
        self.start, self.has_content = int(stops[-1]) + 1, total > int(n_contents[ends[-1]])
        spans = zip(starts[has_content].tolist(), stops[has_content].tolist(), strict=True)
        return list(spans), int((~has_content).sum())


def _only_blanks(piece: Bytes) -> list[Span]:
    if not _IS_BLANK[piece].all():
        raise _unreadable("something follows its end")
    return []


def _unreadable(why: str) -> BodyUnreadable:
    return BodyUnreadable(f"a batch is an array of cards: {why}")


def _too_long(at_most: int) -> BatchTooLong:
    return BatchTooLong(f"a batch has at most {at_most} cards; this one has more")
