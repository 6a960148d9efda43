"""Whatever happens on a day and after it, no input of a model up to that day changes by a bit.

Every input is held against this, and every fact of a run that nobody could know before the race is altered:
a new feature, rating or state is covered without a line here, and so is a new column of the database, which
counts as unknown before the race until it stands in :data:`ON_THE_CARD`.
"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection, Engine, text
from sqlmodel import SQLModel

from racing.database.tables import Race, Run, RunFacts
from racing.features import (
    FEATURES,
    INPUT_NAMES,
    CardFeaturizer,
    features_for,
    race_table,
    run_features_for,
)
from racing.race_table import RaceTable
from racing.ratings import update_ratings
from racing.ratings.catalog import RATINGS
from racing.simulation.simulator import simulate_season
from tests.racing.seasons import LAST_DAY, card_of_stored_race, make_season

CUT = LAST_DAY - dt.timedelta(days=75)  # within a month: tables of effects are made anew on its first day
N_RACES = 500

ON_THE_CARD = {"box", "rug", "weight_kg", "is_scratched", "early_speed", "trainer"}
"""Facts of a run that every model may know before the race."""
PRICED_BEFORE = {"rated_price"}
"""And those that models of the scope ``rated`` may."""
RACE_ON_THE_CARD = {
    "id", "date", "track_id", "distance_m", "number", "grade", "market_id", "source_key", "off_at",
    "is_whole", "is_simulated",
}  # fmt: skip
NOT_DERIVED = {"track", "trackalias", "dog", "race", "run", "sourcefile", "sourcerow"}
"""Tables of what sources say; all others are emptied, and made again from these."""


def outcomes() -> set[str]:
    """The facts of a run that nobody knows before the race."""
    return set(RunFacts.model_fields) - ON_THE_CARD - PRICED_BEFORE


@dataclass(frozen=True)
class Seasons:
    """One season, twice: as it was, and with another end."""

    before: RaceTable
    after: RaceTable
    changed: Engine

    def inputs(self, table: RaceTable, rows: np.ndarray) -> np.ndarray:
        return table.take(rows).inputs(len(INPUT_NAMES))


def _altered(folder: Path, facts: set[str], *, has_other_races: bool = True) -> Seasons:
    """Alter a season: other facts from the cut on; behind that day half of the races, with other cards.

    The races left are then followed by a season that never was, and all that is derived is made anew.
    """
    engine = make_season(folder, n_races=N_RACES)
    before = race_table(engine, with_runs=True)
    draw = np.random.default_rng(3)
    with engine.begin() as connection:
        _shuffle(connection, sorted(facts), ">=", draw)
        for column in sorted(set(Race.model_fields) - RACE_ON_THE_CARD):
            change = f"update race set {column} = (id % 7) / 10.0 where date >= :cut"
            connection.execute(text(change), {"cut": CUT})
        for table in set(SQLModel.metadata.tables) - NOT_DERIVED:
            connection.execute(text(f"delete from {table}"))
        if has_other_races:
            _shuffle(connection, ["box", "early_speed", "rated_price", "weight_kg"], ">", draw)
            gone = "from run where date > :cut and race_id % 2 = 0"
            rows = f"delete from sourcerow where run_id in (select id {gone})"
            connection.execute(text(rows), {"cut": CUT})
            connection.execute(text(f"delete {gone}"), {"cut": CUT})
    if has_other_races:
        start = LAST_DAY + dt.timedelta(days=1)
        simulate_season(engine, n_races=60, seed=9, start=start, until=start + dt.timedelta(days=20))
    update_ratings(engine)
    return Seasons(before, race_table(engine, with_runs=True), engine)


def _shuffle(connection: Connection, columns: list[str], days: str, draw: np.random.Generator) -> None:
    """Give each of some facts of the runs of some days to other runs, each fact for itself."""
    rows = connection.execute(
        text(f"select id, {', '.join(columns)} from run where date {days} :cut order by id"), {"cut": CUT}
    ).all()
    orders = {column: draw.permutation(len(rows)) for column in columns}
    values = [
        {"id": row.id} | {column: getattr(rows[orders[column][i]], column) for column in columns}
        for i, row in enumerate(rows)
    ]
    setting = ", ".join(f"{column} = :{column}" for column in columns)
    connection.execute(text(f"update run set {setting} where id = :id"), values)


@pytest.fixture(scope="module")
def altered(tmp_path_factory: pytest.TempPathFactory) -> Seasons:
    """Seasons that differ in what nobody knows before the race."""
    return _altered(tmp_path_factory.mktemp("outcomes"), outcomes())


@pytest.fixture(scope="module")
def repriced(tmp_path_factory: pytest.TempPathFactory) -> Seasons:
    """Seasons that differ in the prices before the race as well."""
    return _altered(tmp_path_factory.mktemp("prices"), outcomes() | PRICED_BEFORE)


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Seasons:
    """Seasons of the same races with the same cards, which went otherwise from the cut on."""
    return _altered(tmp_path_factory.mktemp("replayed"), outcomes(), has_other_races=False)


def _changed_inputs(seasons: Seasons) -> set[str]:
    """Return the inputs of which one of a race up to the cut is another."""
    cut = np.datetime64(CUT)
    before, after = seasons.before, seasons.after
    np.testing.assert_array_equal(before.run_id[before.date <= cut], after.run_id[after.date <= cut])
    pairs = zip(
        seasons.inputs(before, before.date <= cut).T, seasons.inputs(after, after.date <= cut).T, strict=True
    )
    return {
        name
        for name, (one, other) in zip(INPUT_NAMES, pairs, strict=True)
        if one.tobytes() != other.tobytes()
    }


def test_no_input_up_to_a_day_knows_how_that_day_and_those_after_it_went(altered: Seasons) -> None:
    assert _changed_inputs(altered) == set()


def test_no_input_of_a_model_without_the_rated_price_knows_it_of_that_day(repriced: Seasons) -> None:
    blind = {feature.name for feature in (*features_for("form"), *run_features_for("form"))}
    assert _changed_inputs(repriced) & blind == set()
    assert _changed_inputs(repriced), "the rated price of the day is an input of the models that may know it"


def test_what_changed_reaches_every_rating_and_the_runs_of_later_days(replayed: Seasons) -> None:
    """Otherwise that nothing changes before would prove nothing: the state may not have been made anew."""
    is_late = replayed.before.date > np.datetime64(CUT)
    one, other = (replayed.inputs(table, is_late) for table in (replayed.before, replayed.after))
    unmoved = {
        name
        for name, was, became in zip(INPUT_NAMES, one.T, other.T, strict=True)
        if was.tobytes() == became.tobytes() and not np.isnan(was).all()
    }
    certain = {f"{rating.name}_uncertainty" for rating in RATINGS}  # of some, how often a dog ran decides it
    assert unmoved & {feature.name for feature in FEATURES if feature.group == "ratings"} <= certain
    of_results = {name for name in INPUT_NAMES if name.startswith("run_1_")} - unmoved
    assert {"run_1_won", "run_1_margin", "run_1_market_worth", "run_1_result_worth"} <= of_results


def test_a_card_of_that_day_has_the_inputs_it_had_before_though_the_database_knows_what_came(
    altered: Seasons,
) -> None:
    table, book = altered.before, CardFeaturizer(altered.changed)
    day = table.date[table.date <= np.datetime64(CUT)].max()
    races = np.unique(table.race_id[table.is_whole & (table.date == day)])
    assert len(races)
    for race in races:
        card = card_of_stored_race(altered.changed, int(race))
        stored = table.take(table.race_id == race)
        np.testing.assert_array_equal(
            book.features_of_card(card, with_runs=True).values, stored.inputs(len(INPUT_NAMES))
        )


def test_every_fact_of_a_run_and_of_a_race_is_known_before_it_or_altered_here() -> None:
    assert set(Run.model_fields) >= ON_THE_CARD | PRICED_BEFORE
    assert set(Race.model_fields) >= RACE_ON_THE_CARD
    assert {"won", "time_s", "bsp", "place_bsp", "starting_price", "true_probability"} <= outcomes()
