"""Reading an ONNX graph: its nodes, attributes and constants, of the few kinds that our exports have.

The package ``onnx`` is for training; the service reads the few fields of Protocol Buffers that it needs, by
functions of :mod:`racing.ops.trees`. ONNX Runtime, which reads all, runs what is refused here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from racing.ops import trees

_DTYPES = {1: "<f4", 7: "<i8", 9: "?", 11: "<f8"}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_FIELDS = 1000  # of one message, but for numbers of nodes, which are read at once
_MAX_BYTES = 4 * 2**20  # of one attribute: a million nodes
_INTEGERS_TAG = 8 << 3 | _VARINT
MODES = ("LEAF", "LEQ", "LT", "GT")
"""What a node of a tree is: a leaf, or a branch by how it compares a feature with its threshold."""
# Each as an entry of AttributeProto.strings: tag, length, text.
_MODES = (b"J\x04LEAF", b"J\x0aBRANCH_LEQ", b"J\x09BRANCH_LT", b"J\x09BRANCH_GT")


class NotRead(ValueError):
    """The graph holds something that is not read here; the message says what."""


@dataclass(frozen=True, slots=True)
class Node:
    """An operation."""

    op_type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    """Numbers, texts and arrays by name; modes of tree nodes are indices of :data:`MODES`."""


@dataclass(frozen=True, slots=True)
class Graph:
    """What a file holds, in its order."""

    nodes: tuple[Node, ...]
    constants: dict[str, NDArray[Any]]


def read_graph(content: bytes) -> Graph:
    """Return the graph of an ONNX file.

    Raises
    ------
    NotRead
        If it is none, or holds what none of our exports has.
    """
    try:
        (graph,) = (value for number, value in _fields(content) if number == 7)
        fields = list(_fields(graph))
        nodes = tuple(_node(value) for number, value in fields if number == 1)
        return Graph(nodes, dict(_tensor(value) for number, value in fields if number == 5))
    except NotRead:
        raise
    except (LookupError, TypeError, ValueError) as error:
        raise NotRead(f"{type(error).__name__}: {error}") from error


def _fields(content: bytes, at: int = 0) -> Iterator[tuple[int, Any]]:
    """Yield each field's number and its value: an integer, or bytes."""
    n = 0
    while at < len(content):
        n += 1
        if n > _MAX_FIELDS:
            raise NotRead(f"a message of more than {_MAX_FIELDS} fields")
        tag, at = _varint(content, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _varint(content, at)
            yield tag >> 3, value
            continue
        if kind == _BYTES:
            size, at = _varint(content, at)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise NotRead(f"a field of kind {kind}")
        if at + size > len(content):
            raise NotRead("a field that ends after the file")
        yield tag >> 3, content[at : at + size]
        at += size


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise NotRead("an integer of more than 64 bits")


def _node(content: bytes) -> Node:
    fields = list(_fields(content))

    def texts(wanted: int) -> tuple[str, ...]:
        return tuple(value.decode() for number, value in fields if number == wanted)

    attributes = dict(_attribute(value) for number, value in fields if number == 5)
    (op_type,) = texts(4)
    return Node(op_type, texts(1), texts(2), attributes)


def _attribute(content: bytes) -> tuple[str, Any]:
    """Return name and value; the value of one field, which follows the name."""
    if len(content) > _MAX_BYTES or content[0] != 1 << 3 | _BYTES or content[1] > 127:
        raise NotRead(f"an attribute of more than {_MAX_BYTES} bytes, or that does not begin with its name")
    name_end = 2 + content[1]
    name = content[2:name_end].decode()
    value: NDArray[Any] | None
    value, end = trees.unpack_integers(content, name_end, _INTEGERS_TAG)
    if not len(value):
        value, end = trees.unpack_choices(content, name_end, _MODES)
    if not len(value):
        value, end = None, name_end
    rest = [(number, other) for number, other in _fields(content, end) if number != 20]  # 20: the type
    match value, rest:
        case None, [(2, bytes(other))]:
            return name, float(np.frombuffer(other, "<f4")[0])
        case None, [(3, int(other))]:
            return name, other
        case None, [(4, bytes(other))]:
            return name, other.decode()
        case None, [(5, bytes(other))]:
            return name, _tensor(other)[1]
        case _, [] if value is not None:
            return name, value
    raise NotRead(f"the attribute {name!r}")


def _tensor(content: bytes) -> tuple[str, NDArray[Any]]:
    fields = list(_fields(content))
    name = b"".join(value for number, value in fields if number == 8).decode()
    dims = [value for number, value in fields if number == 1]
    (kind,) = (value for number, value in fields if number == 2)
    raw = [value for number, value in fields if number == 9]
    if kind not in _DTYPES or len(raw) != 1:
        raise NotRead(f"a tensor of type {kind}, or not as raw bytes")
    return name, np.frombuffer(raw[0], _DTYPES[kind]).reshape(dims)
