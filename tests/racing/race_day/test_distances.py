"""A race that sources know at two distances is one, whichever came first; its card follows the stronger."""

import datetime as dt
import itertools
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from racing.database.engine import open_database
from racing.domain.cards import Runner
from racing.importers.import_files import import_betfair, import_cards, import_results
from racing.importers.undo import undo_import
from racing.race_day.report_cards import report_cards, report_scratching
from racing.race_day.upcoming import UpcomingRace, upcoming_races
from racing.stored_race import stored_race
from tests.clocks.today import today
from tests.racing.importers.builders import (
    BETFAIR_HEADER,
    FORM_HEADER,
    RESULTS_HEADER,
    betfair_row,
    content,
    form_row,
    results_row,
    write,
)
from tests.racing.race_day.builders import DAY, NINE, make_card

HOUR = dt.timedelta(hours=1)
DOGS = ("Anna", "Bela", "Cora", "Dora")
Step = Callable[[Engine], object]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'races.db'}", create=True)


def listed(engine: Engine, day: dt.date = DAY) -> list[UpcomingRace]:
    return upcoming_races(engine, NINE, day)


def guide(folder: Path, day: dt.date = DAY, dogs: tuple[str, ...] = DOGS, number: int = 4) -> Path:
    """Write a form guide whose dogs ran 450 m last, so that this is what it guesses."""
    rows = [form_row(f"{box}. {dog}", date="2025-06-20", box=str(box)) for box, dog in enumerate(dogs, 1)]
    return write(folder, f"Race {number} - BAL - {day.day} {day:%B %Y}.csv", FORM_HEADER, *rows)


def results_at(folder: Path, distance_m: int, name: str = "results.csv") -> Path:
    rows = [
        results_row(dog.upper(), box, str(box), date=DAY.isoformat(), time="23.1")
        for box, dog in enumerate(DOGS, 1)
    ]
    return write(folder, name, RESULTS_HEADER, *(row.replace(",450,", f",{distance_m},") for row in rows))


def market_at(folder: Path, distance_m: int, day: dt.date = DAY, **more: str) -> Path:
    rows = [
        betfair_row(dog, box, date=day.isoformat(), race=f"R4 {distance_m}m Mdn", **more)
        for box, dog in enumerate(DOGS, 1)
    ]
    return write(folder, "betfair.csv", BETFAIR_HEADER, *rows)


def test_results_at_another_distance_than_the_guides_guess_are_of_its_race(
    engine: Engine, tmp_path: Path
) -> None:
    import_cards(engine, [guide(tmp_path)])
    (before,) = listed(engine)
    assert (before.distance_m, before.is_outcome_known) == (450, False)
    import_results(engine, [results_at(tmp_path, 390)])
    (after,) = listed(engine)
    assert (after.id, after.distance_m, after.winners) == (before.id, 390, ("Anna",))
    undo_import(engine, "results.csv")
    (back,) = listed(engine)
    assert (back.id, back.distance_m, back.is_outcome_known) == (before.id, 450, False)


def test_whatever_comes_first_a_race_known_at_three_distances_is_one(tmp_path: Path) -> None:
    def market(engine: Engine) -> None:
        import_betfair(engine, [market_at(tmp_path, 520, won="", bsp="")])

    def stated(engine: Engine) -> None:
        report_cards(engine, [make_card(*DOGS, distance_m=515)], NINE)

    def guessed(engine: Engine) -> None:
        import_cards(engine, [guide(tmp_path)])

    open_database(f"sqlite:///{tmp_path / 'empty.db'}", create=True).dispose()
    contents = []
    for i, order in enumerate(itertools.permutations((market, stated, guessed))):
        shutil.copy(tmp_path / "empty.db", tmp_path / f"{i}.db")
        engine = open_database(f"sqlite:///{tmp_path / str(i)}.db")
        for step in order:
            step(engine)
        assert [(race.distance_m, race.n_runners) for race in listed(engine)] == [(520, 4)]
        contents.append(content(engine))
        engine.dispose()
    assert all(one["races"] == contents[0]["races"] for one in contents)


def test_of_cards_a_stated_distance_counts_more_than_a_guess_and_the_newest_most(
    engine: Engine, tmp_path: Path
) -> None:
    (first,) = report_cards(engine, [make_card(*DOGS, distance_m=515)], NINE)
    import_cards(engine, [guide(tmp_path)])  # it was imported later than it was stated
    assert [(race.id, race.distance_m) for race in listed(engine)] == [(first.id, 515)]
    (again,) = report_cards(engine, [make_card(*DOGS, distance_m=520)], NINE + HOUR)
    assert (again.id, again.is_new) == (first.id, False)
    assert [race.distance_m for race in listed(engine)] == [520]
    race = report_scratching(engine, first.id, "Bela", dt.datetime.now(dt.UTC) + HOUR)
    assert (race.distance_m, race.scratched) == (520, ("Bela",))
    assert len(listed(engine)) == 1


def test_a_scratching_stays_with_its_race_when_that_moves_to_another_distance(
    engine: Engine, tmp_path: Path
) -> None:
    day = today("Ballarat")
    import_cards(engine, [guide(tmp_path, day)])
    (race,) = listed(engine, day)
    report_scratching(engine, race.id, "Cora", dt.datetime.now(dt.UTC) + HOUR)
    import_betfair(engine, [market_at(tmp_path, 520, day, won="", bsp="")])
    (moved,) = listed(engine, day)
    assert (moved.id, moved.distance_m, moved.scratched) == (race.id, 520, ("Cora",))
    undo_import(engine, "betfair.csv")
    (back,) = listed(engine, day)
    assert (back.distance_m, back.scratched) == (450, ("Cora",))


def test_other_races_of_the_track_and_a_reserve_that_ran_in_one_move_no_card(
    engine: Engine, tmp_path: Path
) -> None:
    reserve = Runner(name="Late Mail", box=9)
    card = make_card(*DOGS)
    report_cards(engine, [replace(card, runners=(*card.runners, reserve))], NINE)
    other = make_card("Eva", "Finn", "Gus", number=5, distance_m=390)
    report_cards(engine, [other], NINE)
    rows = [
        results_row(dog, box, str(box), date=DAY.isoformat(), time="23.1").replace(",450,", ",390,")
        for box, dog in enumerate(("Eva", "Finn", "Late Mail"), 1)
    ]
    import_results(engine, [write(tmp_path, "results.csv", RESULTS_HEADER, *rows)])
    assert [(race.race_number, race.distance_m, race.is_outcome_known) for race in listed(engine)] == [
        (4, 450, False), (5, 390, True)
    ]  # fmt: skip


def test_later_guides_that_know_how_its_dogs_ran_at_another_distance_make_it_one(
    engine: Engine, tmp_path: Path
) -> None:
    import_cards(engine, [guide(tmp_path)])
    later = tmp_path / "later"
    later.mkdir()
    rows = [
        form_row(
            f"{i}. {dog}",
            date=DAY.isoformat(),
            distance="390",
            place=str(i),
            box=str(i),
            time="22.50",
            winner_s="22.50",
        )
        for i, dog in enumerate(DOGS, 1)
    ]
    import_cards(engine, [write(later, "Race 2 - BAL - 7 April 2026.csv", FORM_HEADER, *rows)])
    (race,) = listed(engine)
    assert (race.race_number, race.distance_m) == (4, 390)


def test_lines_of_one_file_that_state_a_race_at_two_distances_are_of_one_race(
    engine: Engine, tmp_path: Path
) -> None:
    cards = [
        {"date": DAY.isoformat(), "track": "Ballarat", "distance_m": distance_m, "race_number": 4,
         "runners": [{"name": name, "box": box} for box, name in enumerate(dogs, 1)]}
        for distance_m, dogs in ((450, DOGS), (390, DOGS[:3]))
    ]  # fmt: skip
    path = tmp_path / "cards.ndjson"
    path.write_text("\n".join(map(json.dumps, cards)))
    import_cards(engine, [path])
    (race,) = listed(engine)
    assert (race.distance_m, race.n_runners) == (390, 4)


def test_cards_of_which_each_scratched_the_other_ones_runners_are_of_one_race(engine: Engine) -> None:
    report_cards(engine, [make_card(*DOGS, scratched=("Bela", "Cora"))], NINE)
    later = make_card(*DOGS, scratched=("Anna", "Dora"), distance_m=390)
    report_cards(engine, [later], NINE + HOUR)
    assert [(race.distance_m, race.scratched) for race in listed(engine)] == [(390, ("Anna", "Dora"))]


def test_a_card_whose_dogs_are_others_is_another_race(engine: Engine) -> None:
    report_cards(engine, [make_card(*DOGS), make_card("Eva", "Finn", "Gus", distance_m=390)], NINE)
    assert [race.distance_m for race in listed(engine)] == [390, 450]


def test_where_no_card_is_nothing_is_moved(engine: Engine, tmp_path: Path) -> None:
    import_results(engine, [results_at(tmp_path, 390)])
    import_betfair(engine, [market_at(tmp_path, 520)])
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM race")) == 2


def test_the_race_that_a_prediction_was_made_of_is_the_one_that_was_run(
    engine: Engine, tmp_path: Path
) -> None:
    import_cards(engine, [guide(tmp_path)])
    (race,) = listed(engine)
    import_results(engine, [results_at(tmp_path, 390)])
    run = stored_race(engine, race.id)
    assert (run.is_whole, run.is_outcome_known, run.distance_m, run.scratched) == (True, True, 390, ())
