"""Results that stay: each finished step is a JSON file, found again instead of being worked out again."""

import datetime as dt
import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import click

from training.export.documents import git_commit

Json = dict[str, Any]


class StepFailed(Exception):
    """A step came to no result; the message says why. The other steps go on."""


class StepCache:
    """A folder of results, one JSON file a step.

    Parameters
    ----------
    again : collection of str
        The parts whose steps are made anew, once each.
    """

    def __init__(self, folder: Path, *, again: Collection[str] = ()) -> None:
        self.folder = folder
        self._again = frozenset(again)
        self._made: set[str] = set()
        folder.mkdir(parents=True, exist_ok=True)

    def step(
        self,
        name: str,
        work: Callable[[], Json],
        *,
        settings: Mapping[str, Any],
        inputs: Mapping[str, Any] | None = None,
        test_days_used: str | None = None,
    ) -> Json:
        """Return the stored result of a step, or do its work and store the result.

        Parameters
        ----------
        settings : mapping
            What a person decided. A result made with others is never overwritten without ``--again``.
        inputs : mapping, optional
            What earlier steps gave; where that has changed, the work is done again.
        test_days_used : str, optional
            Days of last resort: each use of them is counted in ``looks.jsonl``.

        Raises
        ------
        StepFailed
            If a result is there that was made with other settings.
        """
        found = self.read(name)
        wanted = json.loads(json.dumps({"settings": settings, "inputs": inputs or {}}, default=str))
        if found is not None and not self.is_to_redo(name):
            if found["settings"] != wanted["settings"]:
                differ = _differing(found["settings"], wanted["settings"])
                rule = f"{self._path(name)} was made with other settings ({differ})"
                raise StepFailed(f"{rule}: give --again to make it anew, or another --output to keep both")
            if found["inputs"] == wanted["inputs"]:
                result: Json = found["result"]
                return result
        click.echo(f"{name} ...", err=True)
        if test_days_used is not None:
            self._record_use(name, test_days_used)
        began = time.monotonic()
        result = work()
        seconds = time.monotonic() - began
        made = {"made": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), "commit": git_commit()}
        self._write(name, {**wanted, **made, "seconds": seconds, "result": result})
        self._made.add(name)
        click.echo(f"{name}: {seconds:.0f} s", err=True)
        return result

    def is_to_redo(self, name: str) -> bool:
        """Say whether a step belongs to a part that is to be made anew, and that is still to do.

        ``train-form`` belongs to ``form``, ``ablation/card-alone`` to ``ablation``.
        """
        part = re.split("[-/]", name.removeprefix("train-"))[0]
        return part in self._again and name not in self._made

    def read(self, name: str) -> Json | None:
        """Return the whole document of a step, or ``None``."""
        path = self._path(name)
        return json.loads(path.read_text()) if path.exists() else None

    def result(self, name: str) -> Json | None:
        """Return a step's result, or ``None`` if there is none yet."""
        found = self.read(name)
        return found and found["result"]

    def test_uses(self) -> dict[str, int]:
        """Return how often each step used the days of last resort, counted since the folder began."""
        path = self.folder / "looks.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        uses = [json.loads(line) for line in lines]
        return dict(Counter(f"{use['step']} on {use['days']}" for use in uses))

    def _record_use(self, name: str, days: str) -> None:
        with (self.folder / "looks.jsonl").open("a") as file:
            when = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
            file.write(json.dumps({"step": name, "days": days, "when": when, "commit": git_commit()}) + "\n")

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _write(self, name: str, document: Json) -> None:
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}-{os.getpid()}")
        draft.write_text(json.dumps(document, default=str) + "\n")
        draft.replace(path)


def _differing(one: Json, other: Json) -> str:
    names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    return "; ".join(f"{name}: {one.get(name)} there, {other.get(name)} wanted" for name in names)
