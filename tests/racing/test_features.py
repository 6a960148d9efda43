"""Features: the same in training and serving, blind to the day itself and to all that comes after."""

import datetime as dt
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, text

from racing.database.engine import open_database
from racing.domain.cards import Card, PastRun, Runner
from racing.domain.errors import DatabaseUnavailable, NotEnoughHistory, RatingsStale
from racing.features import (
    FEATURE_NAMES,
    FEATURES,
    INPUT_NAMES,
    KNOWS,
    CardFeaturizer,
    features_for,
    knowledge_of,
    race_table,
    race_tables,
)
from racing.features import table as features_table
from racing.features.formulas.aggregations import gap_to_best, minus_rivals, rank_in_race
from racing.metrics import race_log_loss
from racing.probabilities import n_places, share_within_race
from racing.race_table import RaceTable
from racing.ratings import update_ratings
from racing.simulation.simulator import simulate_season
from tests.racing.seasons import LAST_DAY, card_of_stored_race, make_season

CUT = LAST_DAY - dt.timedelta(days=40)


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return make_season(tmp_path_factory.mktemp("season"))


def test_names_are_unique_and_described() -> None:
    assert len(set(FEATURE_NAMES)) == len(FEATURES) >= 45
    assert all(feature.description.endswith(".") for feature in FEATURES)


def test_a_stored_race_and_its_card_have_the_same_features_bit_for_bit(season: Engine) -> None:
    table = race_table(season, start=CUT, with_runs=True)
    book = CardFeaturizer(season)
    races = np.unique(table.race_id[table.is_whole])[:60]
    for race in races:
        card = card_of_stored_race(season, int(race))
        stored = table.take(table.race_id == race)
        np.testing.assert_array_equal(book.features_of_card(card).values, stored.features)
        of_card = book.features_of_card(card, with_runs=True).values
        np.testing.assert_array_equal(of_card, stored.inputs(len(INPUT_NAMES)))
    assert len(races) == 60
    known = ~np.isnan(table.run_features)
    assert 0.2 < known.mean() < 0.95
    assert known[:, INPUT_NAMES.index("run_12_won") - len(FEATURE_NAMES)].any()


def test_a_table_a_month_is_the_whole_table_bit_for_bit(
    season: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features_table, "_RACES_AT_ONCE", 150)  # some months at a time
    whole, months = race_table(season), list(race_tables(season))
    assert len(months) >= 6
    assert all(len(np.unique(month.date.astype("datetime64[M]"))) == 1 for month in months)
    for column in fields(RaceTable):
        if column.name == "run_features":  # not wanted here
            continue
        joined = np.concatenate([getattr(month, column.name) for month in months])
        np.testing.assert_array_equal(joined, getattr(whole, column.name), err_msg=column.name)


def test_the_order_of_runners_is_irrelevant(season: Engine) -> None:
    race = int(race_table(season, start=CUT).race_id[0])
    card, book = card_of_stored_race(season, race), CardFeaturizer(season)
    turned = replace(card, runners=card.runners[::-1])
    np.testing.assert_array_equal(
        book.features_of_card(turned).values[::-1], book.features_of_card(card).values
    )


def test_place_prices_of_a_race_say_as_many_places_as_its_size_pays(season: Engine) -> None:
    table = race_table(season, start=CUT)
    sums = np.bincount(table.race, table.place_market_probability)
    paid = n_places(np.bincount(table.race))
    known = ~np.isnan(sums)
    assert known.mean() > 0.9
    assert (sums[known] <= paid[known] + 1e-9).all()
    assert np.median(sums[known] - paid[known]) == pytest.approx(0)
    rows = known[table.race] & ~np.isnan(table.placed)
    assert np.corrcoef(table.place_market_probability[rows], table.placed[rows])[0, 1] > 0.2


def test_each_race_is_at_the_track_and_in_the_state_that_the_database_says(season: Engine) -> None:
    table = race_table(season, start=CUT)
    with season.connect() as connection:
        tracks = {row.id: row for row in connection.execute(text("select id, name, state from track"))}
    assert len(np.unique(table.track)) == len(np.unique(table.track_id)) > 1
    for track_id, track, state in zip(table.track_id, table.track, table.state, strict=True):
        assert (track, state) == (tracks[track_id].name, tracks[track_id].state or "")


_SHUFFLED = {
    "outcomes": ("won", "placed", "finish_position"),
    "times": ("time_s", "first_split_s", "winner_time_s", "margin_lengths", "position_in_running"),
    "prices": ("bsp", "starting_price", "rated_price", "place_bsp"),
}


@pytest.mark.parametrize("facts", _SHUFFLED)
def test_shuffling_facts_from_a_date_on_changes_no_feature_of_that_date_or_before(
    facts: str, tmp_path: Path
) -> None:
    engine = make_season(tmp_path, n_races=250)
    before = race_table(engine, until=CUT).features
    later = race_table(engine, start=CUT + dt.timedelta(days=1)).features
    _shuffle(engine, _SHUFFLED[facts], since=CUT)
    update_ratings(engine)
    # what is known of the race itself before it is no leak, but only a model that may know it sees it
    blind = np.array([feature.needs != "rated" for feature in FEATURES])
    np.testing.assert_array_equal(race_table(engine, until=CUT).features[:, blind], before[:, blind])
    shuffled = race_table(engine, start=CUT + dt.timedelta(days=1)).features
    assert not np.array_equal(shuffled, later, equal_nan=True), "the shuffle must reach later features"


def test_races_removed_after_a_date_change_no_feature_before(season: Engine, tmp_path: Path) -> None:
    engine = make_season(tmp_path)
    with engine.begin() as connection:
        later = {"cut": CUT}
        for table in ("sourcerow", "runworth"):
            connection.execute(
                text(f"delete from {table} where run_id in (select id from run where date > :cut)"), later
            )
        connection.execute(text("delete from run where date > :cut"), later)
    update_ratings(engine)
    np.testing.assert_array_equal(race_table(engine).features, race_table(season, until=CUT).features)


def test_a_later_file_changes_no_feature_before_it(season: Engine, tmp_path: Path) -> None:
    engine = make_season(tmp_path)
    start = LAST_DAY + dt.timedelta(days=1)
    simulate_season(engine, n_races=150, seed=9, start=start, until=start + dt.timedelta(days=60))
    update_ratings(engine)
    before = race_table(engine, until=LAST_DAY).features
    np.testing.assert_array_equal(before, race_table(season).features)
    assert len(race_table(engine, start=start)) > 500


#: What is known of a dog without runs: that it has none, and what dogs are like (rates shrink towards it).
KNOWN_WITHOUT_RUNS = {
    "boxes_used", "career_runs", "days_since_first_run", "place_rate", "place_rate_at_distance",
    "place_rate_in_zone", "runs_at_distance", "runs_at_track", "runs_in_14_days", "runs_in_30_days",
    "runs_in_60_days", "runs_in_7_days", "runs_in_zone", "runs_known", "win_rate", "win_rate_at_track",
}  # fmt: skip


def test_a_dog_without_runs_has_no_form_but_counts_and_rates(season: Engine) -> None:
    """``NaN <= 2`` is false: a formula that forgets to mask takes "unknown" for "no"."""
    features = race_table(season).features
    without = features[:, FEATURE_NAMES.index("runs_known")] == 0
    assert without.any()
    known = {
        feature.name
        for column, feature in enumerate(FEATURES)
        if feature.group == "form" and not np.isnan(features[without, column]).all()
    }
    assert known == KNOWN_WITHOUT_RUNS


def test_form_that_a_card_brings_counts_as_much_as_no_other(season: Engine) -> None:
    quick, slow = (
        tuple(
            PastRun(
                date=LAST_DAY - dt.timedelta(days=7 * i), track="Sim Park", distance_m=400, box=4,
                finish_position=place, time_s=time, starting_price=price,
            )
            for i in range(1, 5)
        )
        for place, time, price in ((1, 22.3, 2.0), (7, 23.4, 30.0))
    )  # fmt: skip
    card = Card(
        date=LAST_DAY,
        track="Sim Park",
        distance_m=400,
        runners=(
            Runner(name="Not In Here A", box=1, form=slow),
            Runner(name="Not In Here B", box=2, form=quick),
        ),
    )
    features = CardFeaturizer(season).features_of_card(card)
    share = features.values[:, FEATURE_NAMES.index("market_log_share")]
    assert not features.is_known.any()
    assert features.n_prior_runs.tolist() == [4, 4]
    assert share[1] > share[0] + 1


def test_runs_on_or_after_race_day_are_left_out_with_a_warning(season: Engine) -> None:
    late = PastRun(date=LAST_DAY, track="Sim Park", distance_m=400, finish_position=1)
    runners = (Runner(name="Late", box=1, form=(late,)), Runner(name="Nobody", box=2))
    features = CardFeaturizer(season).features_of_card(
        Card(date=LAST_DAY, track="Nowhere", distance_m=400, runners=runners)
    )
    assert {warning.code for warning in features.warnings} == {"late_run", "unknown_dog", "unknown_track"}
    assert features.n_prior_runs.tolist() == [0, 0]


def test_names_without_a_database_are_refused() -> None:
    card = Card(
        date=LAST_DAY, track="X", distance_m=400, runners=(Runner(name="A", box=1), Runner(name="B", box=2))
    )
    with pytest.raises(DatabaseUnavailable, match="no runner carries form"):
        CardFeaturizer(None).features_of_card(card)


def test_days_without_races_are_refused(season: Engine) -> None:
    with pytest.raises(NotEnoughHistory, match="2001-01-01"):
        race_table(season, until=dt.date(2001, 1, 1))


def test_the_market_rating_knows_more_than_the_size_of_the_field(season: Engine) -> None:
    table = race_table(season, start=CUT)
    table = table.take(table.is_whole)
    log_share = table.features[:, FEATURE_NAMES.index("market_log_share")].astype(float)
    uniform = share_within_race(np.zeros(len(table)), table.race)
    rated = share_within_race(log_share, table.race)
    assert race_log_loss(rated, table.won, table.race) < race_log_loss(uniform, table.won, table.race) - 0.1


def test_comparisons_within_a_race() -> None:
    values = np.array([3.0, 1.0, np.nan, 3.0, 5.0, np.nan])
    race = np.array([0, 0, 0, 0, 1, 1])
    np.testing.assert_array_equal(rank_in_race(values, race), [1, 3, np.nan, 1, 1, np.nan])
    np.testing.assert_array_equal(gap_to_best(values, race), [0, -2, np.nan, 0, np.nan, np.nan])
    np.testing.assert_array_equal(minus_rivals(values, race), [1, -2, np.nan, 1, np.nan, np.nan])


def _shuffle(engine: Engine, columns: tuple[str, ...], *, since: dt.date) -> None:
    rng = np.random.default_rng(1)
    with engine.begin() as connection:
        query = text(f"select id, {', '.join(columns)} from run where date >= :since order by id")
        rows = connection.execute(query, {"since": since}).all()
        order = rng.permutation(len(rows))
        assignments = ", ".join(f"{column} = :{column}" for column in columns)
        update = text(f"update run set {assignments} where id = :id")
        shuffled = [
            {"id": row.id} | {column: getattr(rows[other], column) for column in columns}
            for row, other in zip(rows, order, strict=True)
        ]
        connection.execute(update, shuffled)


def test_runs_that_are_not_rated_yet_are_warned_of(tmp_path: Path) -> None:
    engine = make_season(tmp_path, n_races=60)
    card = card_of_stored_race(engine, int(race_table(engine).race_id[-1]))
    assert "ratings_behind" not in {w.code for w in CardFeaturizer(engine).features_of_card(card).warnings}
    with engine.begin() as connection:
        connection.execute(text("delete from runworth"))
    assert "ratings_behind" in {w.code for w in CardFeaturizer(engine).features_of_card(card).warnings}


def test_a_race_table_of_stale_ratings_is_refused_and_writes_nothing(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/races.db", create=True)
    simulate_season(engine, n_races=20, seed=1, until=LAST_DAY)
    with pytest.raises(RatingsStale, match="not rated yet"):
        race_table(engine)
    with engine.connect() as connection:
        assert connection.scalar(text("select count(*) from runworth")) == 0
    update_ratings(engine)
    assert len(race_table(engine))


@pytest.mark.parametrize("knows", KNOWS)
def test_what_a_model_knows_is_found_by_its_inputs(knows):
    names = [feature.name for feature in features_for(knows)]
    assert knowledge_of(names) == knows
    assert knowledge_of([*names, "run_3_won"]) == knows
    assert knowledge_of([*names, "of_another_release"]) is None
    assert knowledge_of([]) is None
