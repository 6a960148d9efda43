"""Every error that a user can meet in this package, as one tree.

::

    RacingError
    ├── CardRefused           a race card breaks a rule
    ├── ExperimentRefused     an experiment or its policy breaks a rule, or another one runs
    ├── FileRefused           a file cannot be read as what it claims to be
    ├── DatabaseUnavailable   the database is absent, locked or of another version
    ├── NoSuchDog             the database has no such dog
    ├── NoSuchExperiment      there is no experiment with such a number
    ├── NoSuchPrediction      the log has no such prediction
    ├── NoSuchRace            the database has no such race
    ├── NoSuchSeal            a day is not sealed
    ├── NotEnoughHistory      too few races for the request
    ├── PricesRefused         reported prices break a rule
    └── RatingsStale          runs were stored or changed since the ratings were last updated

A message states the rule and the value: ``box must be 1..10, got 12 (runner 'SIR TICK')``.
"""

from dataclasses import dataclass


class RacingError(Exception):
    """Root of all errors of :mod:`racing`."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: where it was broken, and the rule with the value.

    ``path`` leads to the field as in the request, e.g. ``("runners", 2, "box")``.
    """

    path: tuple[str | int, ...]
    rule: str


class CardRefused(RacingError):
    """A race card breaks one or more rules; ``violations`` names each."""

    def __init__(self, violations: list[Violation]) -> None:
        self.violations = violations
        super().__init__("; ".join(violation.rule for violation in violations))


class FileRefused(RacingError):
    """A file is refused whole; the message says why, and ``lines`` which of its lines were no good."""

    def __init__(self, message: str, lines: tuple[tuple[int, str], ...] = ()) -> None:
        self.lines = lines
        super().__init__(message)


class DatabaseUnavailable(RacingError):
    """The race database is absent, locked, out of reach, or of another version."""


class ExperimentRefused(RacingError):
    """An experiment or its policy breaks a rule, or another one runs already."""


class NoSuchDog(RacingError):
    """The database has no such dog."""


class NoSuchExperiment(RacingError):
    """There is no experiment with such a number."""


class NoSuchPrediction(RacingError):
    """The log has no such prediction."""


class NoSuchRace(RacingError):
    """The database has no such race."""


class NoSuchSeal(RacingError):
    """A day is not sealed."""


class NotEnoughHistory(RacingError):
    """There are too few races for the request."""


class PricesRefused(RacingError):
    """Reported prices break a rule, so none of them is stored; the message names the rule and the value."""


class RatingsStale(RacingError):
    """Runs were stored or changed since the ratings were last updated; ``greyhound prepare`` updates them."""
