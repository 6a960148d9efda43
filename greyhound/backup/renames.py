"""Renames that are undone together."""

import shutil
from pathlib import Path


class Renames:
    """Gives files and folders their names; what has a name already is set aside until the end."""

    def __init__(self) -> None:
        self._done: list[tuple[Path, Path]] = []
        self._set_aside: list[Path] = []

    def put(self, draft: Path, target: Path) -> None:
        """Give a draft its name."""
        if target.exists():
            aside = target.with_name(f".{target.name}.replaced")
            remove(aside)
            self._rename(target, aside)
            self._set_aside.append(aside)
        self._rename(draft, target)

    def undo(self) -> None:
        """Give everything the name that it had."""
        for old, new in reversed(self._done):
            new.rename(old)
        self._done.clear()
        self._set_aside.clear()

    def finish(self) -> None:
        """Remove what was set aside."""
        for path in self._set_aside:
            remove(path)

    def _rename(self, old: Path, new: Path) -> None:
        old.rename(new)
        self._done.append((old, new))


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
