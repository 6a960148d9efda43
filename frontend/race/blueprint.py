"""The blueprint of all that lies below ``/race``; its views stand in three modules of ``frontend.pages``."""

from flask import Blueprint

pages = Blueprint("race", "frontend.race")

TABS = (
    ("race.show", "Today"),
    ("race.past", "Past days"),
    ("race.guide", "A form guide"),
    ("race.fill", "Fill in a card"),
)
"""View and title, in the order in which the pages below Race stand."""


@pages.context_processor
def _tabs() -> dict[str, object]:
    return {"tabs": TABS}
