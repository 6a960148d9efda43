"""The pages, each a blueprint in a module of its own, in the order of the menu."""

from frontend.pages import status

PAGES = (status.pages,)
MENU = (("status", "Status"),)
"""Blueprint and title; each has a view ``show``."""
