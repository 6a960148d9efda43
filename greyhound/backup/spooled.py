"""The answers that wait on disk for the race database: copied, and put where a service takes them over.

A spooled answer may be in the database too: its writer and number tell, and the log takes nothing twice.
"""

import shutil
from pathlib import Path

from service.prediction_log.spool import REFUSED, folder_for

_LOCK = "lock"


def copy_spool(database: str, spool: Path, target: Path) -> None:
    """Copy what waits for a database into a new folder; a service may move it to the database meanwhile."""
    folder = folder_for(database, spool)
    target.mkdir()
    for path in sorted([*folder.glob("*/*.log"), folder / REFUSED]):
        try:
            content = path.read_bytes()
        except FileNotFoundError:  # by now in the database, which is copied later
            continue
        copy = target / path.relative_to(folder)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(content)


def restore_spool(database: str, spool: Path, source: Path) -> int:
    """Put what waited where a service of a database finds it, and return how many files that are.

    What is there already stays.
    """
    folder, n_restored = folder_for(database, spool), 0
    if not source.is_dir():
        return 0
    for given in sorted(path for path in source.iterdir() if path.is_dir()):
        if (folder / given.name).exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".new-{given.name}"
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(given, draft)
        (draft / _LOCK).touch(mode=0o600)  # nobody holds it: the first service takes the folder over
        draft.rename(folder / given.name)
        n_restored += sum(1 for _ in (folder / given.name).glob("*.log"))
    if (source / REFUSED).is_file() and not (folder / REFUSED).exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / REFUSED, folder / REFUSED)
    return n_restored
