"""What was found of the compared races is held while there are no others, and within a bound."""

import time
from pathlib import Path
from random import Random

from racing.database.engine import open_database
from racing.predictions.update import update_outcomes
from service.experiments.verdict_cache import MAX_ENTRIES, VerdictCache
from tests.racing.predictions.logs import RACES, bring_prices, bring_results, log_cards


def test_a_verdict_is_held_until_there_are_more_races(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'races.db'}", create=True)
    cache, n_found = VerdictCache(), 0

    def find() -> int:
        nonlocal n_found
        time.sleep(0.2)  # what took so long is held for ten seconds
        n_found += 1
        return n_found

    with engine.connect() as connection:
        assert [cache.get(connection, "verdict", find) for _ in range(3)] == [1, 1, 1]
        assert cache.get(connection, "another", find) == 2
    log_cards(engine, Random(1), RACES, "w")
    bring_prices(engine, Random(1), RACES, "tipster")
    bring_results(engine, Random(1), RACES)
    update_outcomes(engine)
    with engine.connect() as connection:
        assert cache.get(connection, "verdict", find) == 3
        for key in range(2 * MAX_ENTRIES):
            cache.get(connection, key, lambda: None)
        assert cache.get(connection, "verdict", find) == 4
    engine.dispose()
