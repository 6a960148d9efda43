"""The pages, each a blueprint in a module of its own, in the order of the menu."""

from frontend.pages import models, race, record, status

PAGES = (status.pages, race.pages, models.pages, record.pages)
MENU = (("status", "Status"), ("race", "Race"), ("models", "Models"), ("record", "Track record"))
"""Blueprint and title; each has a view ``show``."""
