"""Parquet files that appear whole or not at all, written in pieces."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]


@contextmanager
def whole_parquet(path: Path, schema: pa.Schema) -> Iterator[Any]:
    """Open a writer whose file moves to its place when all is written."""
    # a name of its own: where a worker was lost, another may write the same month meanwhile
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    os.close(handle)
    try:
        with pq.ParquetWriter(draft, schema) as writer:
            yield writer
        os.chmod(draft, 0o644)
        os.replace(draft, path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
