"""Which contestant answers a race in split mode."""

import datetime as dt
import hashlib


def arm_of(
    experiment_id: int,
    share: float,
    n_challengers: int,
    *,
    date: dt.date,
    track: str,
    race_number: int | None,
) -> int:
    """Return which arm answers a race: 0 the champion, 1 the first challenger, and so on.

    A function of the race and the experiment alone: a race has one arm in every replica and at every
    repetition, and the arms of two experiments are independent. Challengers divide ``share`` equally; a share
    that grows moves races from the champion to a challenger and none between challengers of a pair.

    Parameters
    ----------
    track
        Key of the track under its one name, so that spelling does not choose the arm.
    """
    race = f"{experiment_id}|{date.isoformat()}|{track}|{race_number if race_number is not None else ''}"
    at = int.from_bytes(hashlib.sha256(race.encode()).digest()[:8]) / 2**64
    if n_challengers < 1 or at >= share:
        return 0
    # which challenger by other digits: it stays the same when the share changes
    other = int.from_bytes(hashlib.sha256(f"{race}|challenger".encode()).digest()[:8])
    return 1 + other % n_challengers
