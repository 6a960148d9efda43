"""Every error that a user can meet in this package, as one tree.

::

    RegistryError
    ├── ArtifactBroken        a model's directory lacks a file, differs from its digest, or cannot be run
    │   ├── ForeignModel      a version of the registry that another program made: it has no artifact of ours
    │   └── SourceRefused     its files lie, by its record, where a registry of this kind keeps none
    ├── ParityError           a graph answers differently from the estimator that it was made from
    ├── NotScored             a model gives no finite number for some runner
    ├── NoChampion            no version is the champion (or the challenger) yet
    ├── NoReport              the run that made a version holds no report of its training
    ├── NoSuchVersion         the registry has no version of that number
    ├── PromotionRefused      a promotion or rollback that a rule forbids
    │   └── GatesNotPassed    a version that failed its gates is promoted by force only
    └── RegistryUnavailable   the registry is absent, locked, out of reach, or of another version

A message states the rule and the value: ``members/cat.onnx differs from its digest: expected 1f, got 9a``.
"""

from typing import Literal

Fault = Literal["corrupt", "digest", "features", "foreign", "format", "golden", "incomplete", "source"]
"""For counting: unreadable, altered, of features unknown here, made by another program, of another release,
off on its golden card, lacking a file, lying where it may not."""


class RegistryError(Exception):
    """Root of all errors of :mod:`model_registry`."""


class ArtifactBroken(RegistryError):
    """A model's directory lacks a file, differs from its digest, or cannot be run; the file is named."""

    def __init__(self, message: str, *, fault: Fault = "corrupt") -> None:
        super().__init__(message)
        self.fault: Fault = fault


class ForeignModel(ArtifactBroken):
    """A version that was not registered by this product, such as any MLflow model under our name."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"version {version} is not a model of this product: it has no artifact document (no digest is on "
            "record); `greyhound train` registers versions that can serve",
            fault="foreign",
        )


class SourceRefused(ArtifactBroken):
    """The record says that a version's files lie where a registry of this kind keeps none."""

    def __init__(self, message: str) -> None:
        super().__init__(message, fault="source")


class ParityError(RegistryError):
    """A graph answers differently from the estimator that it was made from; the worst row is named."""


class NotScored(RegistryError):
    """A model gives no finite number for some runner, so that no probability of the race can be trusted."""


class NoChampion(RegistryError):
    """No version has the requested alias."""


class NoReport(RegistryError):
    """The run that made a version holds no report of its training, e.g. where no training of ours made it."""


class NoSuchVersion(RegistryError):
    """The registry has no version of that number."""


class PromotionRefused(RegistryError):
    """A rule forbids this promotion or rollback; the message says which."""


class GatesNotPassed(PromotionRefused):
    """A version that failed its gates is promoted by force only; the message has the gates' reasons."""


class RegistryUnavailable(RegistryError):
    """The registry is absent, locked, out of reach, or of another version."""
