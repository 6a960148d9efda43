"""Answers that cannot be logged, in a file that a person can read: one JSON object a line.

A record that the database refuses would hold up all that were answered after it, so it goes here.
"""

import base64
import json
import os
from pathlib import Path

from service.prediction_log.records import Damaged, Numbered

NAME = "refused.jsonl"
MAX_BYTES = 16 * 1024 * 1024  # of the file; what comes after is counted only


def add_refused(folder: Path, writer: str, record: Numbered, why: str) -> bool:
    """Append a record to the file of a database's spools; return whether there was room and a disk for it."""
    number, entry = record
    line = json.dumps(
        {
            "why": why[:300],
            "writer": writer,
            "number": number,
            "request_id": entry.request_id,
            "model_version": entry.model_version,
            "digest": entry.digest,
            "at_us": entry.at_us,
            "card": entry.card.decode(errors="replace"),
            "answer": entry.answer.decode(errors="replace"),
        }
    )
    return _append(folder, line)


def add_damaged(folder: Path, writer: str, segment: str, damaged: Damaged) -> bool:
    """Append bytes of a spooled segment that are no record."""
    n_bytes = len(damaged.data)
    why = f"{segment}: {n_bytes} bytes are no whole record, at least {damaged.n_lost} answers are lost"
    line = {"why": why, "writer": writer, "base64": base64.b64encode(damaged.data).decode()}
    return _append(folder, json.dumps(line))


def _append(folder: Path, line: str) -> bool:
    data = (line + "\n").encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(file).st_size
            if size + len(data) > MAX_BYTES:
                return False
            if os.write(file, data) == len(data):
                return True
            os.ftruncate(file, size)  # the disk is full: half a line would spoil the next one too
            return False
        finally:
            os.close(file)
    except OSError:
        return False
