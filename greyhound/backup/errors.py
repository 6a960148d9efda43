"""What can go wrong with a backup, as one tree.

::

    BackupError
    ├── BackupRefused    there is something in the way, or something that no backup can be made of
    └── BackupBroken     the files of a backup are not what its manifest says
"""


class BackupError(Exception):
    """Root of all errors of :mod:`greyhound.backup`."""


class BackupRefused(BackupError):
    """There is something in the way, or something that no backup can be made of; nothing was changed."""


class BackupBroken(BackupError):
    """The files of a backup are not what its manifest says; the first ones are named."""
