"""What sources state of a race to come: the newest on a runner counts, in whatever order it is imported."""

import datetime as dt
import itertools
import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from racing.database.change_log import RATINGS, has_changes
from racing.database.engine import open_database
from racing.domain.cards import Card, Runner
from racing.domain.errors import CardRefused, NoSuchRace
from racing.history import load_runs
from racing.importers.import_files import import_betfair, import_files, import_results
from racing.importers.undo import undo_import
from racing.race_day.report_cards import report_cards, report_scratching
from racing.race_day.upcoming import upcoming_races
from racing.stored_race import stored_race
from tests.racing.importers.builders import (
    BETFAIR_HEADER,
    RESULTS_HEADER,
    betfair_row,
    content,
    results_row,
    write,
)
from tests.racing.race_day.builders import DAY, NINE, field_of, make_card

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'races.db'}", create=True)


def test_the_newest_statement_on_a_runner_counts_in_whatever_order_they_are_imported(tmp_path: Path) -> None:
    statements = [
        ([make_card("Anna", "Bela", "Cora")], NINE),
        ([make_card("Anna", "Bela", "Cora", scratched=("Bela",))], NINE + HOUR),
        ([make_card("Bela", "Anna", "Dora")], NINE + 2 * HOUR),
        ([make_card("Bela", "Anna", "Dora", scratched=("Dora",))], NINE + 3 * HOUR),
    ]
    contents = []
    open_database(f"sqlite:///{tmp_path / 'empty.db'}", create=True).dispose()
    for i, order in enumerate(itertools.permutations(statements)):
        shutil.copy(tmp_path / "empty.db", tmp_path / f"{i}.db")
        engine = open_database(f"sqlite:///{tmp_path / str(i)}.db")
        for cards, at in order:
            report_cards(engine, cards, at)
        contents.append(content(engine))
        assert field_of(engine) == {
            "Bela": (1, 1, False), "Anna": (2, 2, False), "Dora": (3, 3, True), "Cora": (3, 3, True)
        }  # fmt: skip
        engine.dispose()
    assert all(one == contents[0] for one in contents)


def test_a_scratching_is_taken_back_and_what_is_stated_later_counts(engine: Engine) -> None:
    (stored,) = report_cards(engine, [make_card("Anna", "Bela", "Cora")], NINE)
    assert (stored.is_new, stored.changes) == (True, ())
    race = report_scratching(engine, stored.id, "ANNA", NINE + HOUR)
    assert race.scratched == ("Anna",)
    assert race.card is not None
    assert [runner.is_scratched for runner in race.card.runners] == [True, False, False]
    older = report_scratching(engine, stored.id, "Anna", NINE + HOUR / 2, is_scratched=False)
    assert older.scratched == ("Anna",)
    back = report_scratching(engine, stored.id, "Anna", NINE + 2 * HOUR, is_scratched=False)
    assert back.scratched == ()
    (again,) = report_cards(engine, [make_card("Anna", "Bela", "Cora", scratched=("Cora",))], NINE + 3 * HOUR)
    assert (again.id, again.is_new, again.changes) == (stored.id, False, ("Cora is scratched",))
    (same,) = report_cards(engine, [make_card("Anna", "Bela", "Cora", scratched=("Cora",))], NINE + 3 * HOUR)
    assert same.changes == ()


def test_a_report_that_comes_every_minute_leaves_as_many_rows_as_one(engine: Engine) -> None:
    for minute in range(5):
        report_cards(engine, [make_card("Anna", "Bela")], NINE + dt.timedelta(minutes=minute))
    with engine.connect() as connection:
        n = connection.scalar(text("SELECT count(*) FROM sourcerow"))
    assert n == 2


def test_of_a_report_with_a_bad_card_nothing_is_stored(engine: Engine) -> None:
    with pytest.raises(CardRefused, match="a card has 2 to 10 runners"):
        report_cards(engine, [make_card("Anna", "Bela"), make_card("Cora", number=5)], NINE)
    with pytest.raises(CardRefused, match="a race stands once in a report"):
        report_cards(engine, [make_card("Anna", "Bela"), make_card("Anna", "Cora")], NINE)
    assert content(engine)["races"] == []
    with pytest.raises(NoSuchRace):
        report_scratching(engine, 1, "Anna", NINE)
    (stored,) = report_cards(engine, [make_card("Anna", "Bela")], NINE)
    with pytest.raises(CardRefused, match="the race has no runner 'Nobody'; it has Anna, Bela"):
        report_scratching(engine, stored.id, "Nobody", NINE)


def test_a_reserve_stands_by_until_a_card_gives_it_a_box(engine: Engine) -> None:
    reserve = Runner(name="Late Mail", box=9)
    names = make_card("Anna", "Bela", "Cora", scratched=("Anna",)).runners
    (stored,) = report_cards(engine, [make_card(runners=(*names, reserve))], NINE)
    (race,) = upcoming_races(engine, NINE, DAY)
    assert (race.n_runners, race.scratched) == (2, ("Anna",))
    taken = Runner(name="Late Mail", box=1, rug=9)
    (again,) = report_cards(engine, [make_card(runners=(*names, taken))], NINE + HOUR)
    assert again.changes == ("Late Mail starts from box 1, not 9",)
    card = stored_race(engine, stored.id).card
    assert card is not None
    assert [(runner.name, runner.box, runner.rug) for runner in card.runners if not runner.is_scratched] == [
        ("Late Mail", 1, 9), ("Bela", 2, None), ("Cora", 3, None)
    ]  # fmt: skip


def test_results_make_the_race_to_come_the_race_that_was_run_under_the_same_number(
    engine: Engine, tmp_path: Path
) -> None:
    (stored,) = report_cards(engine, [make_card("Anna", "Bela", "Cora", "Dora")], NINE)
    report_scratching(engine, stored.id, "Cora", NINE + HOUR)
    day = DAY.isoformat()
    rows = [results_row("ANNA", 1, "2", date=day), results_row("BELA", 2, "1", date=day)]
    import_results(engine, [write(tmp_path, "results.csv", RESULTS_HEADER, *rows)])
    race = stored_race(engine, stored.id)
    assert (race.is_outcome_known, race.is_whole, race.race_number) == (True, True, 4)
    assert [(finish.name, finish.won) for finish in race.runners] == [("Anna", False), ("Bela", True)]
    assert race.scratched == ("Cora", "Dora")
    # what is stated afterwards changes nothing of the result
    report_cards(engine, [make_card("Anna", "Bela", "Eva", scratched=("Bela",))], NINE + 9 * HOUR)
    assert [finish.won for finish in stored_race(engine, stored.id).runners] == [False, True]
    undo_import(engine, "results.csv")
    race = stored_race(engine, stored.id)
    assert (race.is_outcome_known, race.scratched) == (False, ("Bela", "Cora", "Dora"))


def test_cards_and_a_market_without_result_are_one_race_whichever_came_first(tmp_path: Path) -> None:
    day = DAY.isoformat()
    rows = [
        betfair_row(dog, box, won="", bsp="", date=day) for box, dog in enumerate(("Anna", "Bela", "Cora"), 1)
    ]
    market = write(tmp_path, "betfair.csv", BETFAIR_HEADER, *rows)
    contents = []
    for i, is_market_first in enumerate((True, False)):
        engine = open_database(f"sqlite:///{tmp_path / str(i)}.db", create=True)
        steps = [
            lambda engine=engine: import_betfair(engine, [market]),
            lambda engine=engine: report_cards(engine, [make_card("Anna", "Bela", "Cora")], NINE),
        ]
        for step in steps if is_market_first else reversed(steps):
            step()
        contents.append(content(engine))
    assert len(contents[0]["races"]) == 1
    assert contents[0] == contents[1]


def test_races_to_come_are_no_runs_and_give_the_ratings_no_work(engine: Engine) -> None:
    (stored,) = report_cards(engine, [make_card("Anna", "Bela")], NINE)
    report_scratching(engine, stored.id, "Anna", NINE + HOUR)
    assert len(load_runs(engine).run_id) == 0
    with engine.connect() as connection:
        assert not has_changes(connection, RATINGS)


def test_races_due_are_listed_by_time_and_those_of_a_day_all(engine: Engine) -> None:
    clock = {1: "20:30", 2: "19:00", 3: None, 4: "09:10"}
    times = {number: at and f"2026-03-31T{at}:00+11:00" for number, at in clock.items()}
    cards = [
        make_card(f"Anna {number}", f"Bela {number}", number=number, off_at=off_at)
        for number, off_at in times.items()
    ]
    report_cards(engine, cards, NINE)
    now = dt.datetime(2026, 3, 31, 0, 0, tzinfo=dt.UTC)  # 11:00 at the track
    assert [race.race_number for race in upcoming_races(engine, now)] == [2, 1, 3]
    assert [race.race_number for race in upcoming_races(engine, now, DAY)] == [4, 2, 1, 3]
    assert upcoming_races(engine, now + dt.timedelta(days=3)) == []
    first = upcoming_races(engine, now)[0]
    assert (first.country, first.zone, first.n_runners, first.n_without_form) == (
        "AU", "Australia/Melbourne", 2, 2
    )  # fmt: skip
    assert first.off_at == dt.datetime(2026, 3, 31, 8, 0, tzinfo=dt.UTC)


def test_cards_in_json_are_imported_one_a_list_or_a_line_and_bad_ones_stop_no_other(
    engine: Engine, tmp_path: Path
) -> None:
    cards = [
        {
            "date": "2026-03-31", "track": "Ballarat", "distance_m": 450, "race_number": number,
            "runners": [
                {"name": f"Anna {number}", "box": 1, "price": 2.5}, {"name": f"Bela {number}", "box": 2}
            ],
        }
        for number in (1, 2, 3, 4)
    ]  # fmt: skip
    (tmp_path / "one.json").write_text(json.dumps(cards[0], indent=1))
    (tmp_path / "list.json").write_text(json.dumps([cards[1], {**cards[3], "runners": []}]))
    (tmp_path / "lines.ndjson").write_text("".join(json.dumps(card) + "\n" for card in (cards[2],)))
    report = import_files(engine, [tmp_path / name for name in ("one.json", "list.json", "lines.ndjson")])
    assert [file.status for file in report.files] == ["imported"] * 3
    assert [problem.reason for problem in report.problems] == ["a card has 2 to 10 runners, got 0"]
    races = upcoming_races(engine, NINE, DAY)
    assert [race.race_number for race in races] == [1, 2, 3]
    assert [entry.price for entry in stored_race(engine, races[0].id).entries] == [2.5, None]


def test_a_card_without_a_number_joins_the_race_of_most_of_its_dogs(engine: Engine) -> None:
    report_cards(engine, [make_card("Anna", "Bela", "Cora")], NINE)
    unnumbered: Card = make_card("Anna", "Bela", "Cora", number=None)
    report_cards(engine, [unnumbered], NINE + HOUR)
    assert len(content(engine)["races"]) == 1
