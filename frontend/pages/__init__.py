"""The pages, each a blueprint in a module of its own, in the order of the menu."""

from frontend.pages import race, record, status

PAGES = (status.pages, race.pages, record.pages)
MENU = (("status", "Status"), ("race", "Race"), ("record", "Track record"))
"""Blueprint and title; each has a view ``show``."""
