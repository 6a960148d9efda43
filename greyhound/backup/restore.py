"""Bringing a backup back: verified first, made beside what is there, and put in place at the end.

Everything is prepared under other names, which takes the time. Then files and folders are renamed, which is
undone if one of it fails, and what is restored in PostgreSQL takes its place in a transaction a database.
"""

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import URL

from greyhound.backup.addresses import is_there, race_database, registry_database, sqlite_path
from greyhound.backup.artifacts import rewrite_locations
from greyhound.backup.errors import BackupRefused
from greyhound.backup.make import Addresses, Stage
from greyhound.backup.manifest import CopiedDatabase, Manifest, read_manifest, verify_files
from greyhound.backup.renames import Renames, remove
from greyhound.backup.spooled import restore_spool
from greyhound.backup.staged import MakeTables, Report, StagedDatabase, staged_file, staged_schema
from model_registry.mlflow_store.store import MlflowStore
from racing.database.engine import check_revision, make_tables, open_database


def restore_backup(folder: Path, addresses: Addresses, stage: Stage, *, force: bool = False) -> Manifest:
    """Bring a backup back where ``addresses`` say, and return its manifest.

    Parameters
    ----------
    force
        Replace what is there.

    Raises
    ------
    greyhound.backup.errors.BackupBroken
        If the backup is not what it was.
    greyhound.backup.errors.BackupRefused
        If something is in the way; nothing was changed.
    """
    manifest = read_manifest(folder)
    store = MlflowStore(addresses.registry, create=True)
    races, registry = race_database(addresses.database), registry_database(store)
    artifacts = (addresses.artifacts or store.folder / "artifacts").absolute()
    _check_kind("race database", manifest.database, races)
    _check_kind("registry", manifest.registry, registry)
    check_revision(races, manifest.database.revision)
    targets = {one.folder: artifacts / one.folder for one in manifest.artifacts}
    if not force:
        _refuse_what_is_there(races, registry, list(targets.values()))
    with stage("verifying the backup") as report:
        verify_files(folder, report)
    with ExitStack() as stack:
        with stage("restoring the race database") as report:
            held = _staged(folder / "database", manifest.database, races, report, make_tables)
            new_races = stack.enter_context(held)
        with stage("restoring the registry") as report:
            held = _staged(folder / "registry", manifest.registry, registry, report, _make_mlflow_tables)
            new_registry = stack.enter_context(held)
            with new_registry.connection() as connection:
                rewrite_locations(connection, manifest.artifacts, artifacts)
        with stage("restoring the files of versions and runs") as report:
            drafts = []
            for n_done, (name, target) in enumerate(targets.items()):
                report(n_done, len(targets))
                drafts.append(stack.enter_context(_copied_beside(folder / "artifacts" / name, target)))
        renames = Renames()
        try:
            for draft, target in zip(drafts, targets.values(), strict=True):
                renames.put(draft, target)
            new_races.rename(renames)
            new_registry.rename(renames)
            new_races.commit(replace=force)
            new_registry.commit(replace=force)
        except BaseException:
            renames.undo()
            raise
        renames.finish()
    restore_spool(addresses.database, addresses.spool, folder / "spool")
    open_database(addresses.database).dispose()  # brings older tables up to date
    return manifest


def _check_kind(what: str, copied: CopiedDatabase, target: URL) -> None:
    if copied.kind != target.get_backend_name():
        rule = f"the {what} in the backup is of {copied.kind}"
        raise BackupRefused(f"{rule}, and cannot be restored into {target.get_backend_name()}")


def _refuse_what_is_there(races: URL, registry: URL, folders: list[Path]) -> None:
    there = [_shown(url) for url in (races, registry) if is_there(url)]
    there += [str(path) for path in folders if path.exists() and (not path.is_dir() or any(path.iterdir()))]
    if there:
        raise BackupRefused(f"there already: {', '.join(there[:3])}; --force replaces what is there")


def _staged(
    folder: Path, copied: CopiedDatabase, url: URL, report: Report, make: MakeTables
) -> AbstractContextManager[StagedDatabase]:
    path = sqlite_path(url)
    if path is not None:
        return staged_file(folder, path, report)
    return staged_schema(folder, copied, url, report, make)


def _make_mlflow_tables(address: str, _: str) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    SqlAlchemyStore(address, "file:///nowhere").engine.dispose()  # type: ignore[no-untyped-call]


@contextmanager
def _copied_beside(source: Path, target: Path) -> Iterator[Path]:
    """Copy a folder to a name beside its target."""
    draft = target.with_name(f".{target.name}.restoring")
    remove(draft)
    try:
        if source.is_dir():  # one without a file was not copied
            shutil.copytree(source, draft)
        else:
            draft.mkdir(parents=True)
        yield draft
    finally:
        remove(draft)


def _shown(url: URL) -> str:
    return str(url.database) if url.get_backend_name() == "sqlite" else url.set(query={}).render_as_string()
