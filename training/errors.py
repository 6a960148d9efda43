"""Every error that a user can meet in this package, as one tree.

::

    TrainingError
    ├── TrainingSetTooSmall   too few races, runners or days for the splits that are wanted
    ├── FamilyUnavailable     a family needs a library that is not installed
    ├── SearchNotResumable    the stored search was made from other data or with other settings
    ├── SearchUnderWay        another process searches in the same file
    ├── NoWorkers             a Dask scheduler does not answer, or no worker has joined it
    ├── WorkersDiffer         a worker's code or libraries are of another version than the training's
    └── SearchFailed          a worker of the search ended without a model

A message states the rule and the value: ``the test part needs 100 runners, got 12``.
"""


class TrainingError(Exception):
    """Root of all errors of :mod:`training`."""


class TrainingSetTooSmall(TrainingError):
    """Too few races, runners or days for the splits that are wanted."""


class FamilyUnavailable(TrainingError):
    """A family of models needs a library that is not installed; the message names the extra."""


class SearchNotResumable(TrainingError):
    """The stored search was made from other data or with other settings; start it anew."""


class SearchUnderWay(TrainingError):
    """Another process searches in the same file; one at a time."""


class NoWorkers(TrainingError):
    """A Dask scheduler does not answer, or no worker has joined it."""


class WorkersDiffer(TrainingError):
    """A worker's code or libraries are of another version, from which another model may come."""


class SearchFailed(TrainingError):
    """A worker of the search ended without a model; the message has its exit code or its traceback."""
