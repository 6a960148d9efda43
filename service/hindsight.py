"""Cards of days whose races the model has learnt: its probabilities then look better than they are."""

import datetime as dt

from racing.features import CardWarning
from service.serving.slots import Snapshot

LEARNT_DAY = "learnt_day"


def hindsight(snapshot: Snapshot, date: dt.date) -> tuple[CardWarning, ...]:
    """Return a warning for a card of a day that the version has learnt from, else nothing."""
    learning = snapshot.learning
    if not learning.has_learnt_from(date, date):
        return ()
    text = (
        f"version {snapshot.version} has learnt from races to {learning.learnt_until}, those of {date} among "
        "them: what it says of them flatters it"
    )
    return (CardWarning(LEARNT_DAY, text),)
