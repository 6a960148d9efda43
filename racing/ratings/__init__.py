"""Ratings: a dog's ability, from what each of its runs was worth against its opposition or the going.

:mod:`~racing.ratings.posterior` holds the model, :mod:`~racing.ratings.catalog` the six measurements,
:mod:`~racing.ratings.replay` the passage through history, :mod:`~racing.ratings.update` what of it is done
anew when races change, :mod:`~racing.ratings.store` what the database holds.
"""

from racing.ratings.update import update_ratings

__all__ = ["update_ratings"]
