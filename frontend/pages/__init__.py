"""The pages, each a blueprint in a module of its own, in the order of the menu."""

from frontend.pages import models, status

PAGES = (status.pages, models.pages)
MENU = (("status", "Status"), ("models", "Models"))
"""Blueprint and title; each has a view ``show``."""
