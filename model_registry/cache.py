"""Artifacts of versions on this machine, for when the registry is far or away.

Guarantee: a restart without the registry serves the last good version, and what is read was registered so.

::

    FOLDER/000012/kept.json       version, digest, registry, since when it is champion, when it was stored
                  artifact/...    the files of the artifact, and their seal

An entry is complete before it has its name, and is verified by its digest whenever it is read. The newest
entries stay, by number: clocks may jump. Several processes may share a folder.
"""

import datetime as dt
import fcntl
import json
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from model_registry.artifact import MAX_BYTES, SEAL, read_sealed, write_files
from model_registry.artifact.plain_files import read_plain
from model_registry.errors import ArtifactBroken

log = logging.getLogger("greyhound.registry")
_DRAFT = ".draft-"
_DOCUMENT = "kept.json"
_MAX_DOCUMENT_BYTES = 65_536
_EARLIER_LAYOUT = re.compile(r"\d+-[0-9a-f]{64}")  # an entry of releases whose cache had no bound


@dataclass(frozen=True, slots=True)
class CachedArtifact:
    """An entry of the cache, by its document: whether its files are whole, reading them shows."""

    version: int
    digest: str
    champion_since: dt.datetime | None
    stored_at: dt.datetime
    directory: Path
    """Of the artifact."""


@dataclass(frozen=True, slots=True)
class VerifiedArtifact:
    """An artifact on this machine, its files verified against the digest on record."""

    directory: Path
    files: dict[str, bytes]
    digest: str


class ArtifactCache:
    """The newest artifacts of one registry in a folder; every method blocks on the disk.

    Parameters
    ----------
    registry : str
        Which registry the versions are of; entries of any other are passed over.
    max_artifacts : int
        How many entries stay in the folder, of all registries together; the oldest are removed.
    """

    def __init__(self, folder: Path | str, *, max_artifacts: int, registry: str = "") -> None:
        self._folder = Path(folder).absolute()
        self._max_artifacts = max_artifacts
        self._registry = registry

    def get(self, version: int, digest: str, fetch: Callable[[Path], None]) -> VerifiedArtifact:
        """Return a version's artifact, verified; ``fetch`` writes it to a directory if it is not here.

        An entry that is damaged is removed and fetched again.
        """
        for entry in self.newest_first():
            if (entry.version, entry.digest) == (version, digest):
                try:
                    return VerifiedArtifact(entry.directory, *read_sealed(entry.directory, digest=digest))
                except ArtifactBroken:
                    with self._locked():
                        self._remove(entry.directory.parent)
        entry = self.add(version, digest, fetch)
        return VerifiedArtifact(entry.directory, *read_sealed(entry.directory, digest=digest))

    def add(
        self,
        version: int,
        digest: str,
        write: Callable[[Path], None],
        *,
        champion_since: dt.datetime | None = None,
    ) -> CachedArtifact:
        """Store what ``write`` puts into a directory, and return it; nothing is done if the newest is it.

        Raises
        ------
        ArtifactBroken
            If what was written is not the artifact of that digest.
        OSError
            If the folder cannot be written to. What was stored before stays, here as above.
        """
        if newest := self._newest(version, digest):
            return newest
        stored_at = dt.datetime.now(dt.UTC)
        document = {
            "version": version,
            "digest": digest,
            "registry": self._registry,
            "champion_since": champion_since.isoformat() if champion_since else None,
            "kept_at": stored_at.isoformat(),
        }
        with self._draft() as draft:
            write(draft / "artifact")
            read_sealed(draft / "artifact", digest=digest)
            (draft / _DOCUMENT).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
            draft.chmod(0o755)
            with self._locked():
                if newest := self._newest(version, digest):
                    return newest  # another process was faster
                number = max((int(folder.name) for folder in self._folders()), default=0) + 1
                draft.rename(folder := self._folder / f"{number:06d}")
                for old in self._folders()[self._max_artifacts :]:
                    self._remove(old)
        return CachedArtifact(version, digest, champion_since, stored_at, folder / "artifact")

    def add_copy(
        self, version: int, digest: str, source: Path, *, champion_since: dt.datetime | None = None
    ) -> CachedArtifact:
        """Store a copy of an artifact of this machine, see :meth:`add`."""

        def copy(target: Path) -> None:
            files, _ = read_sealed(source, digest=digest)
            write_files(target, files | {SEAL: read_plain(source / SEAL, MAX_BYTES)})

        return self.add(version, digest, copy, champion_since=champion_since)

    def newest_first(self) -> Iterator[CachedArtifact]:
        """Yield the entries of this registry."""
        for folder in self._folders():
            try:
                entry, registry = _read_entry(folder)
            except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
                log.warning("%s holds no artifact: %s", folder, error)
                continue
            if registry == self._registry:
                yield entry

    def _newest(self, version: int, digest: str) -> CachedArtifact | None:
        """Return the newest entry if it is a version's."""
        newest = next(self.newest_first(), None)
        return newest if newest and (newest.version, newest.digest) == (version, digest) else None

    def _folders(self) -> list[Path]:
        try:
            return sorted((path for path in self._folder.iterdir() if path.name.isdecimal()), reverse=True)
        except OSError:
            return []

    @contextmanager
    def _draft(self) -> Iterator[Path]:
        """Make a folder without a number; it is locked meanwhile, so that no other writer removes it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._locked():
            self._clear()
            draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=self._folder))
            lock = os.open(draft, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)
            os.close(lock)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time begin drafts, give them numbers and remove entries."""
        lock = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _clear(self) -> None:
        """Remove drafts whose writer has died, and entries that no release reads any more."""
        for path in self._folder.iterdir():
            if path.name.startswith(_DRAFT):
                with suppress(OSError):
                    if not _is_locked(path):
                        shutil.rmtree(path, ignore_errors=True)
            elif _EARLIER_LAYOUT.fullmatch(path.name):
                shutil.rmtree(path, ignore_errors=True)

    def _remove(self, folder: Path) -> None:
        """Remove an entry; it loses its name first, so that a kill leaves no half of one."""
        gone = folder.with_name(f"{_DRAFT}{folder.name}")
        with suppress(OSError):
            folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _read_entry(folder: Path) -> tuple[CachedArtifact, str]:
    """Return an entry, and of which registry it is."""
    document = json.loads(read_plain(folder / _DOCUMENT, _MAX_DOCUMENT_BYTES))
    since = document["champion_since"]
    entry = CachedArtifact(
        version=int(document["version"]),
        digest=str(document["digest"]),
        champion_since=dt.datetime.fromisoformat(since) if since else None,
        stored_at=dt.datetime.fromisoformat(document["kept_at"]),
        directory=folder / "artifact",
    )
    return entry, document["registry"]


def _is_locked(folder: Path) -> bool:
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
