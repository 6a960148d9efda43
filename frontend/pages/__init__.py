"""The pages, each a blueprint in a module of its own, in the order of the menu."""

from frontend.pages import dog, experiments, models, monitor, race, record, today, ways

_BELOW_RACE = (race, today, ways)  # their views are on one blueprint

PAGES = (
    monitor.pages,
    _BELOW_RACE[0].pages,
    experiments.pages,
    models.pages,
    record.pages,
    dog.pages,
)
MENU = (
    ("monitor", "Monitor"),
    ("race", "Race"),
    ("experiments", "Experiments"),
    ("models", "Models"),
    ("record", "Track record"),
)
"""Blueprint and title; each has a view ``show``."""
