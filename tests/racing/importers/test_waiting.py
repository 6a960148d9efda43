"""Rows without a distance or without dogs' names join the races that others know, whichever came first."""

import gzip
import random
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from racing.database.engine import open_database
from racing.importers.import_files import import_files
from racing.importers.report import ImportReport
from racing.importers.undo import imported_files, undo_import
from racing.predictions.update import update_outcomes
from tests.racing.importers.builders import (
    BETFAIR_HEADER,
    FORM_HEADER,
    RESULTS_HEADER,
    betfair_row,
    content,
    form_row,
    write,
)
from tests.racing.predictions.logs import RACES, log_cards

RECORDER_HEADER = "Date,Track,Race,Plc,Rug,Name (Box),Trainer,Time,Mgn,Split,In Run,Wgt,Sire,Dam,SP"
DAY = "2025-07-03"  # a Thursday


def new_database(folder: Path, name: str = "db") -> Engine:
    return open_database(f"sqlite:///{folder / name}.db", create=True)


def recorder_row(dog: str, rug: int, place: str, race: int = 4, **other: str) -> str:
    f = {"date": '"Thursday, July 3"', "track": "Ballarat (VIC)", "time": "25.60", "margin": "1.50"} | other
    box = "" if place == "SCR" else f" ({rug if rug < 9 else 3})"
    ran = f"{f['time']},{f['margin']},6.61,432,31.9kg" if place != "SCR" else ",,,,"
    return f"{f['date']},{f['track']},{race},{place},Rug {rug},{dog}{box},A Trainer,{ran},Sire,Dam,$4.40"


def card_row(dog: str, box: int, race: int = 2, place: str = "") -> str:
    return f"card{race},{DAY},Ballarat,390,Grade 5,{dog},{box},{place},,,{race}"


CARD_HEADER = RESULTS_HEADER + ",race_number"


def make_files(folder: Path) -> dict[str, Path]:
    """Races 4 and 5 with markets, race 2 not run yet, a form guide, and three files whose rows must wait."""
    betfair = write(
        folder, "betfair.csv", BETFAIR_HEADER,
        betfair_row("Fast Anna", 1, won="1.0"), betfair_row("Nalas Ghost", 4), betfair_row("Late Comer", 9),
        betfair_row("Stay Home", 6, won="", bsp=""),
        betfair_row("Fifth One", 2, won="1.0", market="78", race="R5 450m Gr5").replace(",4,78", ",5,78"),
        betfair_row("Fifth Two", 3, market="78", race="R5 450m Gr5").replace(",4,78", ",5,78"),
    )  # fmt: skip
    card = write(
        folder, "card.csv", CARD_HEADER,
        card_row("Second One", 1), card_row("Second Two", 2), card_row("Second Seven", 7),
        card_row("Second Nine", 9),
    )  # fmt: skip
    form = write(
        folder,
        "form.csv",
        FORM_HEADER,
        form_row("1. Nala's Ghost"),
        form_row(date="2025-06-20", track="W/PK"),
    )
    recorder = write(
        folder, "recorder.csv", RECORDER_HEADER,
        recorder_row("Fast Anna", 1, "1", margin="0.00", time="25.40"), recorder_row("Nala's Ghost", 4, "2"),
        recorder_row("Late Comer", 9, "3"), recorder_row("Not In It", 7, "4"),
        recorder_row("Stay Home", 6, "SCR"), recorder_row("A Reserve", 10, "SCR"),
        recorder_row("Nobody Knows", 1, "1", race=9), recorder_row("Nor This One", 2, "2", race=9),
    )  # fmt: skip
    box = write(
        folder, "box.csv", "Date,Track,Race,Result",
        f"{DAY},Ballarat,R4,149", f"{DAY},Ballarat,R5,32", f"{DAY},Ballarat,R2,217", f"{DAY},Ballarat,R11,1",
    )  # fmt: skip
    other = write(folder, "other.csv", "Track,Date,Race,Winner", f"Ballarat,{DAY},2,1")
    return {"betfair": betfair, "card": card, "form": form, "recorder": recorder, "box": box, "other": other}


def runs_of(engine: Engine, number: int) -> dict[str, tuple[object, ...]]:
    query = (
        "SELECT d.name, r.won, r.finish_position, r.is_scratched, r.time_s, r.box FROM run r "
        "JOIN race a ON a.id = r.race_id JOIN dog d ON d.id = r.dog_id WHERE a.number = :number"
    )
    with engine.connect() as connection:
        return {name: tuple(facts) for name, *facts in connection.execute(text(query), {"number": number})}


def reasons(report: ImportReport) -> set[str]:
    return {problem.reason for problem in report.problems if problem.what == "row"}


def test_any_order_of_files_gives_the_same_database_and_undo_leaves_what_the_others_say(
    tmp_path: Path,
) -> None:
    files = make_files(tmp_path)
    engine = new_database(tmp_path)
    without: dict[str, object] = {}
    for name in files:
        import_files(engine, [path for other, path in files.items() if other != name])
        without[name] = content(engine)
        for file in imported_files(engine):
            undo_import(engine, str(file.id))
    empty = content(engine)
    assert not any(empty.values())
    import_files(engine, files.values())
    expected = content(engine)
    shuffle = random.Random(14)
    for _ in range(3):
        for file in shuffle.sample(imported_files(engine), len(files)):
            undo_import(engine, str(file.id))
        assert content(engine) == empty
        for path in shuffle.sample(list(files.values()), len(files)):
            import_files(engine, [path])
        assert content(engine) == expected
        out = shuffle.choice(list(files))
        undo_import(engine, files[out].name)
        assert content(engine) == without[out]
        import_files(engine, [files[out]])
        assert content(engine) == expected


def test_rows_wait_until_the_race_is_known_and_then_join_it(tmp_path: Path) -> None:
    files = make_files(tmp_path)
    engine = new_database(tmp_path)
    report = import_files(engine, [files["recorder"], files["box"]])
    assert (report.n_read, report.n_waiting, report.n_added, report.n_refused) == (12, 12, 0, 0)
    before = content(engine)
    assert (before["runs"], before["races"], before["dogs"], before["tracks"]) == ([], [], [], [])
    report = import_files(engine, [files["betfair"]])
    assert runs_of(engine, 4) == {
        "Fast Anna": (True, 1, False, 25.4, 1),
        "Nala's Ghost": (False, 2, False, 25.6, 4),
        "Late Comer": (False, 3, False, 25.6, 3),
        "Stay Home": (None, None, True, None, 6),
        "A Reserve": (None, None, True, None, None),
    }
    assert reasons(report) == {
        "race 4 at Ballarat is known without this dog (got 'Not In It')",
        "race 5 at Ballarat is known with another winner",
    }
    again = import_files(engine, files.values())
    assert (again.n_files("already imported"), again.n_files("imported")) == (3, 3)


def test_box_order_is_the_outcome_of_a_race_that_was_only_a_card(tmp_path: Path) -> None:
    files = make_files(tmp_path)
    engine = new_database(tmp_path)
    import_files(engine, [files["card"]])
    report = import_files(engine, [files["box"]])
    assert (report.files[0].n_updated, report.files[0].n_waiting) == (4, 3)
    assert runs_of(engine, 2) == {
        "Second One": (False, 2, False, None, 1),
        "Second Two": (True, 1, False, None, 2),
        "Second Seven": (False, 3, False, None, 7),
        "Second Nine": (None, None, True, None, 9),
    }
    with engine.connect() as connection:
        changed = connection.scalars(text("SELECT DISTINCT date FROM racechange")).all()
        assert connection.scalar(text("SELECT is_whole FROM race")) == 1
    assert changed == [DAY]
    undo_import(engine, "box.csv")
    assert runs_of(engine, 2)["Second Two"] == (None, None, False, None, 2)


def test_outcomes_in_box_order_meet_the_prediction_log(tmp_path: Path) -> None:
    race, engine = RACES[0], new_database(tmp_path)
    log_cards(engine, random.Random(1), [race], "here")
    rows = [
        f"r1,{race.day},{race.track},515,Grade 5,{dog},{box},,,,{race.number}"
        for box, dog in enumerate(race.dogs, start=1)
    ]
    box = write(tmp_path, "box.csv", "Track,Date,Race,Winner", f"{race.track},{race.day},{race.number},3")
    import_files(engine, [box, write(tmp_path, "card.csv", CARD_HEADER, *rows)])
    update_outcomes(engine)
    with engine.connect() as connection:
        won = connection.execute(text("SELECT box, won FROM predictedrunner ORDER BY box")).all()
        loss = connection.scalar(text("SELECT loss FROM predictedrace"))
    assert [tuple(row) for row in won] == [(box, box == 3) for box in range(1, 6)]
    assert loss is not None
    assert loss > 0
    undo_import(engine, "box.csv")
    update_outcomes(engine)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT loss FROM predictedrace")) is None


def test_of_two_files_that_contradict_each_other_one_joins_whichever_came_first(tmp_path: Path) -> None:
    files = make_files(tmp_path)
    contents = []
    for i, names in enumerate((("box", "other"), ("other", "box"))):
        engine = new_database(tmp_path, f"db{i}")
        report = import_files(engine, [files["card"], *(files[name] for name in names)])
        assert "race 2 at Ballarat is known with another winner" in reasons(report)
        contents.append(content(engine))
    assert contents[0] == contents[1]
    winners = [name for name, (won, *_) in runs_of(engine, 2).items() if won]
    assert len(winners) == 1


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ("5", "is known without a starter in box 5"),
        ("6", "is known without a starter in box 6"),
        ("41", "is known with another winner"),
    ],
)
def test_a_box_nobody_had_or_another_winner_changes_nothing(tmp_path: Path, result: str, why: str) -> None:
    engine = new_database(tmp_path)
    import_files(engine, [make_files(tmp_path)["betfair"]])
    before = content(engine)
    wrong = write(tmp_path, "wrong.csv", "Track,Date,Race,Result", f"Ballarat,{DAY},4,{result}")
    report = import_files(engine, [wrong])
    assert reasons(report) == {f"race 4 at Ballarat {why}"}
    assert report.n_waiting == 1
    assert {name: rows for name, rows in content(engine).items() if name != "waiting"} == {
        name: rows for name, rows in before.items() if name != "waiting"
    }


def test_other_dogs_under_the_number_of_a_race_are_not_of_it(tmp_path: Path) -> None:
    engine = new_database(tmp_path)
    import_files(engine, [make_files(tmp_path)["betfair"]])
    before = content(engine)["runs"]
    rows = (recorder_row("X Dog", 1, "1"), recorder_row("Y Dog", 4, "2"))
    report = import_files(engine, [write(tmp_path, "r.csv", RECORDER_HEADER, *rows)])
    assert reasons(report) == {"race 4 at Ballarat is known with other dogs"}
    assert content(engine)["runs"] == before


def test_two_winners_of_a_dead_heat_stay_two(tmp_path: Path) -> None:
    engine = new_database(tmp_path)
    rows = [betfair_row("A", 1, won="1.0"), betfair_row("B", 2, won="1.0"), betfair_row("C", 3)]
    box = write(tmp_path, "box.csv", "Track,Date,Race,Result", f"Ballarat,{DAY},4,213")
    import_files(engine, [box, write(tmp_path, "betfair.csv", BETFAIR_HEADER, *rows)])
    facts = {name: (won, place) for name, (won, place, *_) in runs_of(engine, 4).items()}
    assert facts == {"A": (True, 1), "B": (True, 1), "C": (False, None)}


def test_a_straight_track_is_meant_where_only_it_raced(tmp_path: Path) -> None:
    engine = new_database(tmp_path)
    straight = [
        betfair_row(dog, rug, won=won, track="Richmond Straight", race="R4 324m Mdn", date=DAY)
        for dog, rug, won in (("A", 1, "0.0"), ("B", 2, "1.0"))
    ]
    box = write(tmp_path, "box.csv", "Track,Date,Race,Result", f"Richmond,{DAY},4,21")
    import_files(engine, [box, write(tmp_path, "betfair.csv", BETFAIR_HEADER, *straight)])
    assert runs_of(engine, 4)["A"][:2] == (False, 2)
    with engine.connect() as connection:
        assert connection.scalars(text("SELECT name FROM track")).all() == ["Richmond Straight"]


def test_a_day_of_the_recorder_agrees_with_the_market_on_every_winner(
    tmp_path: Path, real_data: Path
) -> None:
    month = real_data / "betfair" / "ANZ_Greyhounds_2025_05.csv.gz"
    engine = new_database(tmp_path)
    # The one day alone: all of the month takes ten seconds.
    with gzip.open(month, "rt", encoding="utf-8-sig") as stream:
        header, *lines = stream.read().splitlines()
    day = write(tmp_path, "day.csv", header, *(line for line in lines if line.startswith("2025-05-10")))
    # Its dates name no year: the file's name does, so that the test does not depend on when it runs.
    table = next((real_data / "recorder_results").glob("*.csv")).read_text(encoding="utf-8")
    recorder = write(tmp_path, "recorder 2025.csv", *table.splitlines())
    report = import_files(engine, [recorder, day])
    assert "read as 2025" in report.files[0].notes[-1]
    assert not reasons(report)
    with engine.connect() as connection:
        joined = connection.execute(
            text(
                "SELECT count(DISTINCT a.id), count(DISTINCT a.market_id), "
                "sum(r.won AND r.finish_position = 1) FROM race a JOIN run r ON r.race_id = a.id "
                "WHERE EXISTS (SELECT 1 FROM sourcerow s "
                "WHERE s.run_id = r.id AND s.race_key LIKE 'recorder:%')"
            )
        ).one()
        n_unjoined = connection.scalar(text("SELECT count(*) FROM waitingrow WHERE NOT is_joined"))
    assert tuple(joined) == (105, 105, 105)
    assert n_unjoined == 0
    assert import_files(engine, [recorder]).n_added == 0
