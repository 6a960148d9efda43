"""Words of names: what a name's first and last word tell of a dog, and from when on."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, text

from racing.domain.cards import PastRun
from racing.domain.outer_words import outer_words
from racing.features import FEATURE_NAMES, CardFeaturizer, race_table
from racing.importers.import_files import import_results
from racing.importers.undo import undo_import
from racing.ratings import update_ratings, words
from racing.ratings.store import effects_document, load_name_words, words_of_document
from racing.ratings.words import PRIORS, WORD_COLUMNS, RunningSums, WordBook, WordSums, sums_of_month
from tests.racing.importers.builders import RESULTS_HEADER, results_row, write
from tests.racing.seasons import LAST_DAY, card_of_stored_race, make_season
from tests.racing.test_ratings_store import replay_everything, stored_tables

OF_NAMES = [FEATURE_NAMES.index(name) for name in WORD_COLUMNS]
DEBUT, STRENGTH = WORD_COLUMNS.index("market_debut_by_name"), WORD_COLUMNS.index("market_strength_by_name")
JUNE = (2026 - 1970) * 12 + 5


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return make_season(tmp_path_factory.mktemp("season"))


@pytest.mark.parametrize(
    "spelling",
    ["Nala's Little Ghost", "NALAS LITTLE GHOST", "3. Nala\u2019s Little Ghost (NZ)", "Nalas-Little  Ghóst"],
)
def test_every_spelling_of_a_name_has_the_same_words(spelling: str) -> None:
    assert outer_words(spelling, "NSW") == ("NALAS-/NSW", "-GHOST/NSW")


def test_a_word_is_another_in_front_than_behind_and_in_another_state() -> None:
    first, last = outer_words("Bale Bale", "VIC")
    assert len({first, last, *outer_words("Bale Bale", "NSW"), *outer_words("Bale", "VIC")}) == 5


def month_of(names: list[str], innovation: list[float], worth: list[float], n_before: list[int]) -> WordSums:
    columns = {
        f"{rating}_{part}": np.array(values)
        for rating in ("market", "result")
        for part, values in (("innovation", innovation), ("worth", worth))
    }
    return sums_of_month([outer_words(name) for name in names], np.array(n_before, float), columns)


def known_of(book: WordBook, name: str, month: int = JUNE) -> np.ndarray:
    return book.of(book.rows_of([outer_words(name)]), month)[0]


ONE_DEBUT = month_of(
    ["Zipping Air", *["Other Dog"] * 19], [1.0] + [0.5] * 19, [4.0] + [0.0] * 19, [0] + [5] * 19
)


def test_a_mean_is_shrunk_by_dogs_that_were_as_all_are() -> None:
    book = WordBook.of_months([(JUNE - 1, ONE_DEBUT)])
    away, weight = 4.0 - 4.0 / 20, 2 / (2 * 3)
    assert known_of(book, "Zipping Kyrgios")[STRENGTH] == pytest.approx(
        weight * away / (weight + PRIORS["strength"]), rel=1e-6
    )
    assert known_of(book, "Zipping Air")[STRENGTH] == 2 * known_of(book, "Zipping Kyrgios")[STRENGTH]
    assert known_of(book, "Zipping Kyrgios")[DEBUT] == 0.0  # the month's only debut is as debuts are


def test_debuts_that_went_beyond_the_others_speak_for_their_kennel() -> None:
    names = ["Zipping Air", "Zipping Sea", "Slow Coach", "Slow Boat", *["Other Dog"] * 60]
    found = month_of(names, [1.0, 1.0, -1.0, -1.0] + [9.0] * 60, [0.0] * 64, [0] * 4 + [5] * 60)
    book = WordBook.of_months([(JUNE - 1, found)])
    assert known_of(book, "Zipping Kyrgios")[DEBUT] == pytest.approx(2 / (2 + PRIORS["debut"]))
    assert known_of(book, "Slow Kyrgios")[DEBUT] == -known_of(book, "Zipping Kyrgios")[DEBUT]
    assert known_of(book, "Other Kyrgios")[DEBUT] == 0.0  # not at its debut, whatever it did


def test_where_the_stored_runs_begin_first_runs_are_no_debuts() -> None:
    names = ["Zipping Air", "Slow Coach", "Other Dog", "Other Cat"]
    found = month_of(names, [1.0, -1.0, 0.0, 0.0], [0.0] * 4, [0, 0, 5, 5])
    assert not found.sums[:, 2 * DEBUT : 2 * DEBUT + 2].any()


def test_a_month_tells_from_the_next_on() -> None:
    book = WordBook.of_months([(JUNE - 1, ONE_DEBUT)])
    assert not known_of(book, "Zipping Air", JUNE - 1).any()
    in_june, later = (known_of(book, "Zipping Air", month) for month in (JUNE, JUNE + 9))
    np.testing.assert_array_equal(in_june, later)
    assert in_june.any()


def test_nothing_is_known_of_a_word_that_nobody_has_seen() -> None:
    assert not known_of(WordBook.of_months([(JUNE - 1, ONE_DEBUT)]), "Never Seen").any()
    assert not known_of(WordBook.of_months([]), "Zipping Air").any()


def words_by_race(engine: Engine, since: dt.date, until: dt.date) -> dict[int, np.ndarray]:
    table = race_table(engine, start=since, until=until)
    return dict(zip(table.run_id.tolist(), table.features[:, OF_NAMES], strict=True))


def test_runs_of_a_month_change_no_name_before_the_next_month(tmp_path: Path) -> None:
    engine = make_season(tmp_path, n_races=250)
    may, june = dt.date(2026, 5, 1), dt.date(2026, 6, 1)
    before = words_by_race(engine, may, LAST_DAY)
    with engine.begin() as connection:  # all dogs of May did otherwise
        of_may = "where date like '2026-05%'"
        otherwise = "won = 1 - won, placed = 1 - placed, bsp = 1.3 + 40 / bsp"
        connection.execute(text(f"update run set {otherwise} {of_may}"))
        connection.execute(text(f"delete from runworth where run_id in (select id from run {of_may})"))
    update_ratings(engine)
    after = words_by_race(engine, may, LAST_DAY)
    in_june = words_by_race(engine, june, LAST_DAY).keys()
    assert all(np.array_equal(before[run], after[run]) for run in before.keys() - in_june)
    assert sum(not np.array_equal(before[run], after[run]) for run in in_june) > len(in_june) / 2


def test_a_card_of_a_past_day_is_told_what_was_known_in_its_month(season: Engine) -> None:
    table, book = race_table(season, start=dt.date(2026, 3, 1)), CardFeaturizer(season)
    seen = set()
    for race in np.unique(table.race_id)[::10]:
        stored = table.take(table.race_id == race)
        values = book.features_of_card(card_of_stored_race(season, int(race))).values
        np.testing.assert_array_equal(values[:, OF_NAMES], stored.features[:, OF_NAMES])
        seen.add(stored.date[0].astype("datetime64[M]"))
    assert len(seen) == 4
    assert (table.features[:, OF_NAMES] != 0).mean(axis=0).min() > 0.2


def test_a_model_without_a_database_knows_the_same_of_names(season: Engine) -> None:
    document = effects_document(season, LAST_DAY)
    of_document, of_database = CardFeaturizer(None, document), CardFeaturizer(season)
    race = int(race_table(season, start=dt.date(2026, 6, 20)).race_id[0])
    card = card_of_stored_race(season, race)
    ran = PastRun(date=dt.date(2026, 6, 1), track=card.track, distance_m=card.distance_m, finish_position=1)
    card = replace(card, runners=tuple(replace(runner, form=(ran,)) for runner in card.runners))
    known = of_document.features_of_card(card).values[:, OF_NAMES]
    np.testing.assert_array_equal(known, of_database.features_of_card(card).values[:, OF_NAMES])
    assert known.any(axis=0).all()


def test_a_model_of_before_there_were_words_knows_nothing_of_them(season: Engine) -> None:
    document = effects_document(season, LAST_DAY)
    document.pop("words")
    assert not known_of(words_of_document(document), "Sim Mellow Motion").any()


def test_a_model_takes_no_more_words_along_than_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    so_far = RunningSums()
    so_far.add(ONE_DEBUT)
    assert set(so_far.document()) == {"ZIPPING-/", "-AIR/", "OTHER-/", "-DOG/"}
    monkeypatch.setattr(words, "MOST_WORDS", 2)
    assert set(so_far.document()) == {"ZIPPING-/", "-AIR/"}  # the others had no debut


def test_a_dog_whose_name_is_spelt_better_later_counts_for_its_new_words(tmp_path: Path) -> None:
    engine = make_season(tmp_path, n_races=200)

    days = ("2026-04-02", "2026-05-02", "2026-06-02")
    for day, name in zip(days, ("ZIPPINGAIR", "ZIPPINGAIR", "Zipping Air"), strict=True):
        others = [f"Dog {box}" for box in range(2, 7)]
        rows = [results_row(dog, box, str(box), date=day) for box, dog in enumerate([name, *others], start=1)]
        import_results(engine, [write(tmp_path, f"{day}.csv", RESULTS_HEADER, *rows)])
        update_ratings(engine)
    book = load_name_words(engine)
    rows = book.rows_of([outer_words("Zipping Air", "VIC"), outer_words("Zippingair", "VIC")])
    assert (rows >= 0).tolist() == [[True, True], [False, False]]
    updated = stored_tables(engine)
    undo_import(engine, "2026-06-02.csv")
    update_ratings(engine)
    assert stored_tables(engine) == replay_everything(engine) != updated
