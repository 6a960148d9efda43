"""Reading files that another program wrote: plain ones only, and never more than so many bytes."""

import os
import stat
from pathlib import Path

# A link leads anywhere, and opening a FIFO waits for a writer.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class NotPlain(OSError):
    """It is a link, a folder, a FIFO, a device, or longer than it may be; the message says which."""


def read_plain(path: Path, at_most: int) -> bytes:
    """Return a file's content.

    Raises
    ------
    NotPlain
        If it is no plain file of ``at_most`` bytes.
    OSError
        If there is none, or it cannot be read.
    """
    try:
        file = os.open(path, _FLAGS)
    except OSError as error:
        if path.is_symlink():
            raise NotPlain(f"{path.name} must be a plain file, it is a link") from error
        raise
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode):
        os.close(file)
        raise NotPlain(f"{path.name} must be a plain file, it is something else")
    with open(file, "rb") as opened:
        content = b"" if found.st_size > at_most else opened.read(at_most + 1)
        if max(found.st_size, len(content)) > at_most:
            size = max(found.st_size, len(content))
            raise NotPlain(f"{path.name} may have at most {at_most} bytes, this one has {size}")
        return content
