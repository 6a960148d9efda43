"""Form of stored dogs: what is packed by dog is, bit for bit, what the runs and their performances give."""

import datetime as dt
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, text

from racing.database.engine import open_database
from racing.domain.cards import Card, PastRun, Runner
from racing.domain.runs import WINDOW
from racing.features import CardFeaturizer
from racing.features.cards.stored_form import FormReader, StoredForm, form_from_runs
from racing.importers.import_files import import_results
from racing.importers.undo import imported_files, undo_import
from racing.ratings import update_ratings
from racing.ratings.dog_forms import FACTS
from racing.ratings.store import ratings_are_current, runs_are_rated
from tests.racing.importers.builders import RESULTS_HEADER, results_row, write
from tests.racing.seasons import LAST_DAY, make_season
from tests.racing.test_ratings_store import stored_tables

MORNING = LAST_DAY + dt.timedelta(days=1)
# two mornings after which performances are revised, and days that are past: of few runs, of many, of none
DAYS = [MORNING + dt.timedelta(days=days) for days in (0, 9, 31, -3, -60, -400)]


def keys_of(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(text("select key from dog order by key")))


def from_runs(engine: Engine, day: dt.date, keys: list[str]) -> StoredForm:
    with engine.connect() as connection:
        return form_from_runs(connection, day, keys)


def content_of(form: StoredForm) -> dict[str, object]:
    """Return all that a form holds of each dog, as bytes."""
    content: dict[str, object] = {}
    for key, dog in form.dog_ids.items():
        runs = form.runs.get(dog)
        content[key] = (dog, form.careers.get(dog), None if runs is None else (runs + 0.0).tobytes())
    return content


def assert_packed_is_read(engine: Engine, day: dt.date) -> None:
    """Assert that packed forms say of all dogs what their runs say, and are what is read."""
    keys, reader = keys_of(engine), FormReader(engine)
    expected = content_of(from_runs(engine, day, keys))
    with engine.begin() as connection:
        connection.execute(text("update run set is_scratched = not is_scratched"))
    try:
        read = content_of(reader.read(day, keys))
    finally:
        with engine.begin() as connection:
            connection.execute(text("update run set is_scratched = not is_scratched"))
    assert read.keys() == set(keys)
    assert read == expected


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return make_season(tmp_path_factory.mktemp("season"))


@pytest.fixture(scope="module")
def unpacked(season: Engine, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The same season without packed forms, as one that was just migrated."""
    with season.connect() as connection:
        connection.execute(text("pragma wal_checkpoint(truncate)"))
    path = tmp_path_factory.mktemp("unpacked") / "season.db"
    shutil.copy(str(season.url.database), path)
    engine = open_database(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(text("delete from dogform"))
    return engine


def cards_of_all_dogs(engine: Engine, day: dt.date) -> list[Card]:
    keys = keys_of(engine)
    return [
        Card(
            date=day,
            track="Sim Park",
            distance_m=400,
            grade="5",
            runners=tuple(Runner(name=key, box=box) for box, key in enumerate(keys[i : i + 8], start=1)),
        )
        for i in range(0, len(keys), 8)
    ]


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_every_dog_has_the_features_that_its_runs_give_bit_for_bit(
    season: Engine, unpacked: Engine, day: dt.date
) -> None:
    packed, plain = CardFeaturizer(season), CardFeaturizer(unpacked)
    for card in cards_of_all_dogs(season, day):
        one, other = packed.features_of_card(card), plain.features_of_card(card)
        assert one.values.tobytes() == other.values.tobytes()
        np.testing.assert_array_equal(one.n_prior_runs, other.n_prior_runs)
        assert one.is_known.all()
        assert one.warnings == other.warnings


@pytest.mark.parametrize("day", DAYS[-3:-1], ids=str)
def test_each_dogs_packed_form_is_what_its_runs_say_on_a_past_day(season: Engine, day: dt.date) -> None:
    reader = FormReader(season)
    for key in keys_of(season):
        assert content_of(reader.read(day, [key])) == content_of(from_runs(season, day, [key]))


def test_packed_forms_are_what_is_read_this_morning(season: Engine) -> None:
    assert_packed_is_read(season, MORNING)


def test_long_and_short_careers_are_among_them(season: Engine) -> None:
    careers = [n_runs for n_runs, _ in from_runs(season, MORNING, keys_of(season)).careers.values()]
    assert min(careers) < WINDOW < max(careers)


def test_runs_that_a_card_brings_join_packed_ones_as_they_join_others(
    season: Engine, unpacked: Engine
) -> None:
    day = MORNING + dt.timedelta(days=5)
    for card in cards_of_all_dogs(season, day)[:12]:
        stored = FormReader(season).read(day, [runner.name for runner in card.runners])
        runs = stored.runs.get(stored.dog_ids[card.runners[0].name])
        known = runs[:, FACTS.index("day")].astype(int).tolist()
        days = [*known[:2], 3 + max(known), min(known) - 9]
        brought = tuple(
            PastRun(
                date=dt.date(1970, 1, 1) + dt.timedelta(days=day), track="Sim Park", distance_m=400, box=2,
                finish_position=2, time_s=22.9, margin_lengths=1.0, starting_price=4.0,
            )
            for day in days
        )  # fmt: skip
        runners = (replace(card.runners[0], form=brought), *card.runners[1:])
        both = [
            CardFeaturizer(e).features_of_card(replace(card, runners=runners)) for e in (season, unpacked)
        ]
        assert both[0].values.tobytes() == both[1].values.tobytes()
        assert both[0].values.tobytes() != CardFeaturizer(season).features_of_card(card).values.tobytes()


def test_a_card_of_strangers_does_not_wait_for_the_database(season: Engine, tmp_path: Path) -> None:
    with season.connect() as connection:
        connection.execute(text("pragma wal_checkpoint(truncate)"))  # all of it into the file that is copied
    path = shutil.copy(str(season.url.database), tmp_path / "season.db")
    engine = open_database(f"sqlite:///{path}")
    book = CardFeaturizer(engine)
    card = Card(date=MORNING, track="Sim Park", distance_m=400, runners=(Runner(name="Nobody", box=1),))
    assert book.is_in_memory(card)
    assert not book.is_in_memory(cards_of_all_dogs(season, MORNING)[0])
    with engine.begin() as connection:
        connection.execute(text("drop table dogform"))
    assert not book.features_of_card(card).is_known.any()


def test_a_database_without_packed_forms_has_them_made_from_what_is_there(tmp_path: Path) -> None:
    engine = make_season(tmp_path, n_races=100)
    before = stored_tables(engine)
    with engine.begin() as connection:
        connection.execute(text("delete from dogform"))
    assert runs_are_rated(engine)
    assert not ratings_are_current(engine)
    seen: list[int] = []
    update_ratings(engine, on_progress=lambda done, total: seen.append(done))
    assert not seen, "no run is replayed"
    assert ratings_are_current(engine)
    assert stored_tables(engine) == before


def test_forms_of_another_format_are_passed_over_and_made_anew(tmp_path: Path) -> None:
    engine = make_season(tmp_path, n_races=100)
    before, keys = stored_tables(engine), keys_of(engine)
    with engine.begin() as connection:
        of_some = text("update dogform set format = 99, runs = :runs where dog_id % 2 = 0")
        connection.execute(of_some, {"runs": b"else"})
    assert not ratings_are_current(engine)
    read = FormReader(engine).read(MORNING, keys)
    assert content_of(read) == content_of(from_runs(engine, MORNING, keys))
    update_ratings(engine)
    assert stored_tables(engine) == before


def test_an_import_packs_the_forms_of_all_dogs_where_they_were_not(tmp_path: Path) -> None:
    engine = make_season(tmp_path, n_races=100)
    with engine.begin() as connection:
        connection.execute(text("delete from dogform where dog_id % 2 = 0"))
    import_results(engine, [late_results(tmp_path, engine, LAST_DAY + dt.timedelta(days=90))])
    update_ratings(engine)
    updated = stored_tables(engine)["dogform"]
    assert ratings_are_current(engine)
    with engine.begin() as connection:
        connection.execute(text("delete from dogform"))
    update_ratings(engine)
    assert stored_tables(engine)["dogform"] == updated


def late_results(folder: Path, engine: Engine, day: dt.date) -> Path:
    """Write results of a day on which five dogs run that the database knows, and a new one."""
    with engine.connect() as connection:
        names = connection.scalars(text("select name from dog order by id limit 6")).all()
    dogs = [*names[:5], f"New Dog {day}"]
    rows = [results_row(name, box, str(box), date=day.isoformat()) for box, name in enumerate(dogs, start=1)]
    return write(folder, f"{day}.csv", RESULTS_HEADER, *rows)


def test_imports_and_an_undo_are_read_once_they_are_rated(tmp_path: Path) -> None:
    engine = make_season(tmp_path, n_races=100)
    days = [LAST_DAY - dt.timedelta(days=12), LAST_DAY + dt.timedelta(days=90)]
    morning = days[-1] + dt.timedelta(days=1)
    contents = [content_of(FormReader(engine).read(morning, keys_of(engine)))]
    for day in days:
        reader, keys = FormReader(engine), keys_of(engine)
        import_results(engine, [late_results(tmp_path, engine, day)])
        assert content_of(reader.read(morning, keys)) == contents[-1], "not rated yet, so not read yet"
        update_ratings(engine)
        contents.append(content_of(FormReader(engine).read(morning, keys_of(engine))))
        assert contents[-1].keys() - contents[-2].keys() == {f"NEWDOG{day:%Y%m%d}"}
        assert sum(contents[-2][key] != contents[-1][key] for key in contents[-2]) >= 5
        assert_packed_is_read(engine, morning)
    book = CardFeaturizer(engine)
    undo_import(engine, str(imported_files(engine)[-1].id))
    name = f"New Dog {days[-1]}"
    card = Card(date=morning, track="Sim Park", distance_m=400, runners=(Runner(name=name, box=1),))
    assert not book.is_in_memory(card)
    assert not book.features_of_card(card).is_known.any()
    update_ratings(engine)
    assert not book.is_current()
    assert content_of(FormReader(engine).read(morning, keys_of(engine))) == contents[-2]


def test_who_reads_during_an_import_sees_all_of_the_old_or_all_of_the_new(tmp_path: Path) -> None:
    engine = make_season(tmp_path, n_races=100)
    keys, reader = keys_of(engine), FormReader(engine)
    read: list[dict[str, object]] = [content_of(reader.read(MORNING, keys))]
    is_over = threading.Event()

    def keep_reading() -> None:
        while not is_over.is_set():
            now = content_of(reader.read(MORNING, keys))
            if now != read[-1]:
                read.append(now)

    thread = threading.Thread(target=keep_reading)
    thread.start()
    try:
        import_results(engine, [late_results(tmp_path, engine, LAST_DAY)])
        update_ratings(engine)
    finally:
        is_over.set()
        thread.join()
    assert content_of(reader.read(MORNING, keys)) == content_of(from_runs(engine, MORNING, keys))
    assert len(read) <= 2, "something between the old and the new was seen"
    assert read[0] != content_of(reader.read(MORNING, keys))
