"""Ratings: a dog's ability, from what each of its runs was worth against its opposition or the going.

:mod:`~racing.ratings.posterior` holds the model, :mod:`~racing.ratings.catalog` the six measurements,
:mod:`~racing.ratings.replay` the passage through history, :mod:`~racing.ratings.store` the database.
"""

from racing.ratings.store import update_ratings

__all__ = ["update_ratings"]
