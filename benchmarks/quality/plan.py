"""What a person decides about one run of the benchmark."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

REFERENCE_WINDOW = (dt.date(2026, 1, 1), dt.date(2026, 3, 31))
"""The races for which the targets were set."""
DEVELOPMENT_WINDOW = (dt.date(2025, 10, 1), dt.date(2025, 12, 31))
"""Ablations and retraining are judged here, so that the last look stays a last look."""
GUIDES_WINDOW = (dt.date(2025, 7, 1), dt.date(2025, 7, 31))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The data, the days, and where everything is stored; days are inclusive."""

    data: Path
    """Holds ``betfair`` and ``form_guides``."""
    output: Path
    database: str | None = None
    """A database that is filled already, used as it is; ``None`` imports the data into one of our own."""
    guides_database: str | None = None
    test_from: dt.date = REFERENCE_WINDOW[0]
    until: dt.date = REFERENCE_WINDOW[1]
    develop_from: dt.date = DEVELOPMENT_WINDOW[0]
    develop_until: dt.date = DEVELOPMENT_WINDOW[1]
    train_options: tuple[str, ...] = ()
    """Given to every ``greyhound train``; none are its default settings, which the targets are meant for."""
    autogluon_s: float = 600.0
    n_jobs: int = 2
    """Families that are fitted side by side in the trainings of this process."""
    levers: tuple[tuple[str, str], ...] = ()
    """More levers to leave out: a name, and a pattern of the inputs that it brought."""

    @property
    def is_reference(self) -> bool:
        """Say whether the targets hold as they were written."""
        return (self.test_from, self.until) == REFERENCE_WINDOW
