"""The pages, each a blueprint in a module of its own, in the order of the menu."""

from frontend.pages import dog, experiments, models, monitor, race, record

PAGES = (monitor.pages, race.pages, experiments.pages, models.pages, record.pages, dog.pages)
MENU = (
    ("monitor", "Monitor"),
    ("race", "Race"),
    ("experiments", "Experiments"),
    ("models", "Models"),
    ("record", "Track record"),
)
"""Blueprint and title; each has a view ``show``."""
