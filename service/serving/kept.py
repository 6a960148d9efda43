"""The last good champion on disk, for a start while the registry is away.

::

    var/champion/000012/kept.json       which version, its digest, of which registry, when
                        artifact/...    the version's artifact

A folder is complete before it has its name, and is proved against its digest before it serves. The newest two
stay: should one be damaged, the other is taken. Several services may share the folder.
"""

import datetime as dt
import fcntl
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from model_registry.artifact import MAX_BYTES, SEAL, read_sealed
from model_registry.plain_files import read_plain
from service.settings import address_fingerprint

log = logging.getLogger("greyhound.service")
N_KEPT = 2
_DRAFT = ".draft-"
_MAX_DOCUMENT_BYTES = 65_536
_ABANDONED_S = 3600  # a draft that old has lost its writer


@dataclass(frozen=True, slots=True)
class Kept:
    """One champion on disk."""

    version: int
    digest: str
    champion_since: dt.datetime | None
    kept_at: dt.datetime
    directory: Path
    """Its artifact."""


class KeptChampions:
    """The newest champions of one registry in a folder; everything here blocks on the disk."""

    def __init__(self, folder: Path | str, *, registry: str) -> None:
        self._folder = Path(folder).absolute()
        self._registry = address_fingerprint(registry)

    def keep(
        self, version: int, artifact: Path, *, digest: str, champion_since: dt.datetime | None
    ) -> dt.datetime:
        """Keep a version that serves, and return when; nothing is written if it is the newest already.

        Raises
        ------
        OSError
            If the folder cannot be written to; what was kept before stays.
        """
        newest = next(self.newest_first(), None)
        if newest and (newest.version, newest.digest) == (version, digest):
            return newest.kept_at
        files, _ = read_sealed(artifact, digest=digest)
        now = dt.datetime.now(dt.UTC)
        told = {
            "version": version,
            "digest": digest,
            "registry": self._registry,
            "champion_since": champion_since.isoformat() if champion_since else None,
            "kept_at": now.isoformat(),
        }
        self._folder.mkdir(parents=True, exist_ok=True)
        self._clear_drafts()
        draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=self._folder))
        lock = os.open(draft, os.O_RDONLY)  # as long as its writer lives
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for name, content in files.items():
                path = draft / "artifact" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            (draft / "artifact" / SEAL).write_bytes(read_plain(artifact / SEAL, MAX_BYTES))
            (draft / "kept.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
            self._name(draft)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
            os.close(lock)
        for folder in self._folders()[N_KEPT:]:
            shutil.rmtree(folder, ignore_errors=True)
        return now

    def newest_first(self) -> Iterator[Kept]:
        """Yield what is kept of this registry; whether it is whole, its digest tells."""
        for folder in self._folders():
            try:
                told = json.loads(read_plain(folder / "kept.json", _MAX_DOCUMENT_BYTES))
                since = told["champion_since"]
                kept = Kept(
                    version=int(told["version"]),
                    digest=str(told["digest"]),
                    champion_since=dt.datetime.fromisoformat(since) if since else None,
                    kept_at=dt.datetime.fromisoformat(told["kept_at"]),
                    directory=folder / "artifact",
                )
                is_ours = told["registry"] == self._registry
            except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
                log.warning("%s holds no champion: %s", folder, error)
                continue
            if is_ours:
                yield kept

    def _folders(self) -> list[Path]:
        """Return the complete folders, the newest first: by number, as clocks may jump."""
        try:
            return sorted((path for path in self._folder.iterdir() if path.name.isdecimal()), reverse=True)
        except OSError:
            return []

    def _name(self, draft: Path) -> None:
        draft.chmod(0o755)
        number = max((int(path.name) for path in self._folders()), default=0)
        for _ in range(100):
            number += 1
            try:
                draft.rename(self._folder / f"{number:06d}")
            except OSError:
                if (self._folder / f"{number:06d}").exists():
                    continue  # another service of this folder was faster
                raise
            return
        raise OSError(f"{self._folder}: no free number after {number - 100}")

    def _clear_drafts(self) -> None:
        for path in self._folder.glob(f"{_DRAFT}*"):
            with suppress(OSError):  # another service clears as well
                if abs(time.time() - path.stat().st_mtime) > _ABANDONED_S and not _is_locked(path):
                    shutil.rmtree(path)


def _is_locked(folder: Path) -> bool:
    """Return whether somebody writes to a draft; its time says little, as clocks may jump."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
