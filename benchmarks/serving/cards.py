"""The cards of all requests: eight runners that bring their form, or eight names of the database."""

import json
import time
from collections.abc import Iterator

from sqlalchemy import Engine

from benchmarks.serving.season import names_of_dogs
from tests.service.builders import make_card, make_past_run, make_runner

N_NAMED = 200
N_IN_BATCH = 1250
"""Cards, of 10,000 runners."""


def card_with_form() -> str:
    """Return a card of eight runners with six runs each."""
    form = [
        make_past_run(date=f"2026-02-{day:02d}", box=day, grade="Grade 5", weight_kg=31.2, first_split_s=5.1,
                      position_in_running="332", starting_price=4.6)
        for day in range(1, 7)
    ]  # fmt: skip
    runners = [make_runner(box, form=form, weight_kg=31.0, price=4.5) for box in range(1, 9)]
    return json.dumps(make_card(8, runners=runners))


def cards_of_names(season: Engine, n_cards: int = N_NAMED) -> Iterator[str]:
    """Yield cards of eight names each, drawn from all dogs."""
    for names in names_of_dogs(season, 8, n_cards=n_cards):
        runners = [{"name": name, "box": box} for box, name in enumerate(names, start=1)]
        yield json.dumps(make_card(8, date=time.strftime("%Y-%m-%d"), runners=runners))
