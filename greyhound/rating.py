"""Ratings that follow what was stored, with a progress bar."""

from sqlalchemy import Engine

from greyhound.output.progress import progress


def rate_what_is_due(engine: Engine) -> None:
    """Rate the runs that changed: now, by an upgrade, or in work that was interrupted before."""
    from racing.ratings import update_ratings
    from racing.ratings.store import ratings_are_current

    if not ratings_are_current(engine):
        with progress("Rating runs") as show:
            update_ratings(engine, on_progress=show)
