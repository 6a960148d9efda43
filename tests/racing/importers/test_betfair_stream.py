"""Recordings of Betfair's stream: races with their off, scratchings, results and prices before it."""

import bz2
import datetime as dt
import gzip
import itertools
import json
import tarfile
import tracemalloc
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from racing.database.engine import open_database
from racing.domain.errors import FileRefused
from racing.importers.files import contents
from racing.importers.files.contents import Content
from racing.importers.files.input_file import InputFile
from racing.importers.formats.all_formats import format_of
from racing.importers.formats.betfair_stream import parse_stream
from racing.importers.import_files import import_files
from racing.importers.records.source_record import ParsedFile, day_of_key, distance_of_key
from racing.importers.report import FileStatus
from racing.importers.stream.messages import messages
from racing.importers.undo import undo_import
from tests.racing.importers.builders import content
from tests.racing.importers.streams import (
    DOGS,
    OFF,
    definition,
    message,
    prices,
    recording,
    runner,
    settled,
    whole_race,
    write_stream,
)


def input_file(raw: bytes, name: str = "1.195395419") -> InputFile:
    return InputFile(name, Content.of(raw))


def parse(*lines: bytes) -> ParsedFile:
    file = input_file(recording(*lines))
    assert format_of(file).name == "betfair-stream"
    return parse_stream(file)


def at_minute(parsed: ParsedFile, minutes: int) -> dict[str, tuple[float | None, ...]]:
    return {
        price["dog_key"]: (price["back"], price["lay"], price["last"])
        for price in parsed.prices
        if price["minutes"] == minutes
    }


def test_a_settled_win_market_is_a_race_with_its_off_result_and_starting_prices() -> None:
    parsed = parse(*whole_race())
    assert parsed.problems.n == 0
    record = parsed.records[0]
    facts = ("dog_name", "race_key", "rug", "box", "won", "bsp", "race_number", "grade", "is_race_whole")
    assert [tuple(one[name] for name in facts) for one in parsed.records] == [
        (name, "betfair:195395419", number, number, number == 1, 2.0 + number, 1, "Grade 6", True)
        for number, name in enumerate(DOGS, 1)
    ]
    assert (day_of_key(record["bucket"]), distance_of_key(record["bucket"])) == (dt.date(2022, 3, 1), 452)
    assert (record["track"], record["off_at"]) == ("Devonport", OFF.replace(tzinfo=None))
    assert (record["last_price"], record["volume"]) == (3.0, 50.0)
    assert record["stated_at"] == OFF.replace(tzinfo=None) + dt.timedelta(minutes=5)
    assert not record["is_blank"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("R6 295m C1", (6, 295, "Class 1")),
        ("A5 480m", (None, 480, "A5")),
        ("OR 525y", (None, 480, "OR")),
        ("R12 352mHeat", (12, 352, "Heat")),
        ("R10 457 M5", (10, 457, "Masters 5")),
    ],
)
def test_a_races_name_tells_number_distance_and_grade(name: str, expected: tuple[Any, ...]) -> None:
    record = parse(*whole_race(name=name)).records[0]
    assert (record["race_number"], distance_of_key(record["bucket"]), record["grade"]) == expected


def test_the_day_is_the_tracks_own_and_that_of_the_evening_after_midnight() -> None:
    perth = {"venue": "Cannington", "timezone": "Australia/Perth", "eventName": "Cannington (AUS) 1st Mar"}
    evening = parse(*whole_race(marketTime="2022-03-01T15:30:00.000Z", **perth)).records[0]
    after_midnight = parse(*whole_race(marketTime="2022-03-01T16:10:00.000Z", **perth)).records[0]
    assert day_of_key(evening["bucket"]) == day_of_key(after_midnight["bucket"]) == dt.date(2022, 3, 1)
    auckland = {"venue": "Addington", "timezone": "Pacific/Auckland", "eventName": "Addington (NZL) 1st Mar"}
    noon = parse(*whole_race(marketTime="2022-02-28T23:10:00.000Z", **auckland)).records[0]
    assert day_of_key(noon["bucket"]) == dt.date(2022, 3, 1)


def test_a_removed_runner_is_scratched_at_its_time_and_has_no_prices() -> None:
    removed = runner(3, DOGS[2], "REMOVED", removalDate="2022-03-01T01:20:52.000Z")
    others = [runner(1, DOGS[0]), runner(2, DOGS[1])]
    ended = [runner(1, DOGS[0], "WINNER", bsp=1.5), runner(2, DOGS[1], "LOSER", bsp=3.0)]
    parsed = parse(
        message(71, definition=definition()),
        message(70, *(prices(number, 2.0, 2.2) for number in (1, 2, 3))),
        message(39, definition=definition(*others, removed)),
        message(0.5, prices(3, 5.0, 6.0)),
        message(-5, definition=definition(*ended, removed, status="CLOSED")),
    )
    scratched = parsed.records[2]
    assert (scratched["is_scratched"], scratched["won"]) == (True, None)
    assert scratched["remarks"] == "removed 2022-03-01 01:20:52 UTC"
    assert all(record["is_race_whole"] for record in parsed.records)
    assert {price["dog_key"] for price in parsed.prices} == {"MAGICROGUE", "YOUREOFF"}


def test_a_market_all_of_whose_runners_were_removed_is_a_race_that_was_not_run() -> None:
    removed = [
        runner(n, name, "REMOVED", removalDate="2022-03-01T01:20:52.000Z") for n, name in enumerate(DOGS, 1)
    ]
    parsed = parse(
        message(60, definition=definition()), message(0, definition=definition(*removed, status="CLOSED"))
    )
    assert [(one["is_scratched"], one["won"], one["is_blank"]) for one in parsed.records] == [
        (True, None, True)
    ] * 3


def test_a_market_that_is_not_settled_is_a_race_to_come_as_it_was_last() -> None:
    reserve = runner(2, "Late Comer (res)")
    opened = message(300, definition=definition(runner(1, DOGS[0]), reserve))
    parsed = parse(opened, message(61.5, prices(1, 2.0, 2.2)), message(59, prices(1, 2.4, 2.6)))
    assert [(one["dog_name"], one["won"], one["is_blank"]) for one in parsed.records] == [
        ("Magic Rogue", None, True),
        ("Late Comer", None, True),
    ]
    assert {one["stated_at"] for one in parsed.records} == {
        OFF.replace(tzinfo=None) - dt.timedelta(minutes=59)
    }
    assert {price["minutes"] for price in parsed.prices} == {60}, "a later minute has not come yet"
    assert at_minute(parsed, 60) == {"MAGICROGUE": (2.0, 2.2, None)}


def test_prices_at_a_minute_are_those_of_the_last_change_until_it() -> None:
    parsed = parse(
        message(200, definition=definition()),
        message(30.01, prices(1, 3.0, 3.5)),
        message(30, {"id": 100, "atb": [[3.1, 5], [3.0, 0]], "ltp": 3.05, "tv": 12.5}),
        message(29.99, {"id": 100, "atl": [[3.5, 0], [3.3, 7]]}),
        message(2, {"id": 100, "atb": [[3.1, 0]], "atl": [[3.3, 0]]}),
        message(-5, definition=settled()),
    )  # fmt: skip
    first = parsed.prices[0]
    assert first["at"] == OFF.replace(tzinfo=None) - dt.timedelta(minutes=30)
    assert (first["race_key"], first["date"]) == ("betfair:195395419", dt.date(2022, 3, 1))
    assert at_minute(parsed, 30) == {"MAGICROGUE": (3.1, 3.5, 3.05)}
    assert at_minute(parsed, 15) == {"MAGICROGUE": (3.1, 3.3, 3.05)}
    assert at_minute(parsed, 2) == {"MAGICROGUE": (None, None, 3.05)}, "an empty book"
    assert [price["minutes"] for price in parsed.prices] == [30, 15, 10, 5, 4, 3, 2, 1, 0, -1, -2, -3, -4]


def test_levels_are_read_as_ladders_are_and_an_image_replaces_what_was_there() -> None:
    image = {
        "id": "1.195395419", "img": True,
        "rc": [{"id": 100, "batb": [[0, 2.9, 4], [1, 2.8, 4]], "batl": [[0, 3.1, 4]]}],
    }  # fmt: skip
    parsed = parse(
        message(70, definition=definition()),
        message(61, prices(2, 4.0, 5.0)),
        json.dumps({"op": "mcm", "pt": int(OFF.timestamp() * 1000) - 40 * 60_000, "mc": [image]}).encode(),
        message(20, {"id": 100, "batb": [[0, 3.0, 2]], "batl": [[0, 0, 0]]}),
        message(14, {"id": 100, "ltp": 3.0}),
    )
    assert at_minute(parsed, 60) == {"YOUREOFF": (4.0, 5.0, None)}
    assert at_minute(parsed, 30) == {"MAGICROGUE": (2.9, 3.1, None)}
    assert at_minute(parsed, 15) == {"MAGICROGUE": (3.0, None, None)}


def test_prices_count_while_the_market_is_open() -> None:
    parsed = parse(
        message(70, definition=definition()),
        message(61, prices(1, 4.0, 5.0)),
        message(30.5, definition=definition(status="SUSPENDED")),
        message(29.5, definition=definition()),
        message(0.5, definition=definition(status="SUSPENDED")),
        message(-0.5, {"id": 100, "atb": [[4.0, 0]], "ltp": 9.0}),
        message(-5, definition=settled()),
    )
    assert [price["minutes"] for price in parsed.prices] == [60, 15, 10, 5, 4, 3, 2, 1]


def test_minutes_count_to_the_time_that_was_due_last() -> None:
    later: dict[str, Any] = {"marketTime": "2022-03-01T02:20:00.000Z"}
    parsed = parse(
        message(70, definition=definition()),
        message(62, prices(1, 4.0, 5.0)),
        message(20, definition=definition(**later)),
        message(-25, definition=settled(**later)),
    )
    assert parsed.records[0]["off_at"] == dt.datetime(2022, 3, 1, 2, 20)
    assert [price["minutes"] for price in parsed.prices][:3] == [60, 30, 15]


def test_markets_of_other_kinds_are_left_out_and_counted_and_other_sports_refused(tmp_path: Path) -> None:
    kinds = ("MATCH_BET", "EXACTA", "QUINELLA", "MATCH_BET")
    for number, kind in enumerate(kinds):
        write_stream(tmp_path, f"1.19500000{number}.bz2", *whole_race(marketType=kind))
    write_stream(tmp_path, "1.195000009.bz2", *whole_race(eventTypeId="7"))
    write_stream(tmp_path, "1.195395419.bz2", *whole_race())
    report = import_files(empty(tmp_path), [tmp_path])
    assert report.left_out == {"EXACTA": 1, "MATCH_BET": 2, "QUINELLA": 1}
    assert [report.n_files(status) for status in (FileStatus.LEFT_OUT, FileStatus.IMPORTED)] == [4, 1]
    assert [str(problem) for problem in report.problems if "horse racing" in problem.reason]


def test_a_file_of_many_markets_is_read_market_by_market() -> None:
    second = whole_race("1.195395499", name="R2 452m Gr5", marketTime="2022-03-01T02:20:00.000Z",
                        eventName="Devonport (AUS) 1st Mar")  # fmt: skip
    first = whole_race()
    parsed = parse(
        *itertools.chain(*zip(first, second, strict=True)), *whole_race("1.7", marketType="EXACTA")
    )
    assert {record["race_key"] for record in parsed.records} == {"betfair:195395419", "betfair:195395499"}
    assert parsed.left_out == {"EXACTA": 1}
    assert {price["race_key"] for price in parsed.prices} == {"betfair:195395419", "betfair:195395499"}


def test_broken_lines_are_refused_with_their_number_and_the_rest_is_taken() -> None:
    lines = list(whole_race())
    lines[2:2] = [
        b'{"op":"mcm","pt":1,"mc":[{"id":"1.195395419","rc":[{"atb":7,"id":100}]}]}',
        b"{not JSON",
        b"[]",
    ]
    parsed = parse_stream(input_file(recording(*lines) + lines[-1][:50]))
    assert {problem.line for problem in parsed.problems} == {3, 4, 5, 8}
    assert len(parsed.records) == 3
    assert all(record["is_race_whole"] for record in parsed.records)


def test_definitions_that_make_no_race_are_refused_with_the_rule() -> None:
    rules: dict[str, dict[str, Any]] = {
        "a race's name has its distance": {"name": "Final"},
        "marketTime is a time": {"marketTime": "soon"},
        "a market has a venue": {"venue": "", "eventName": "Trap challenge"},
        "a market's definition names": {"runners": [{"id": 1}]},
        "a runner's status is": {"runners": [runner(1, "Sir Tick", "FLYING")]},
    }
    for rule, what in rules.items():
        parsed = parse(*(message(60, definition=definition() | what),))
        assert not parsed.records
        assert rule in str(parsed.problems[0])


def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(FileRefused, match="a line of a recorded stream"):
        list(messages(Content.of(b'{"op":"mcm"' + b" " * (33 * 1024 * 1024))))


def test_a_long_recording_is_read_in_bounded_memory() -> None:
    lines = [message(70, definition=definition())]
    lines += [message(69.0, prices(1, 2.0 + i % 100 / 50, 9.0, pad=f"{i}" * 500)) for i in range(5_000)]
    raw = recording(*lines, message(-5, definition=settled()))
    packed = bz2.compress(raw, 1)
    del lines
    file = input_file(packed)
    tracemalloc.start()
    parsed = parse_stream(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(raw) > 10_000_000
    assert peak < len(raw) / 2
    assert at_minute(parsed, 60)


def empty(folder: Path) -> Engine:
    return open_database(f"sqlite:///{folder / 'races.db'}", create=True)


def stored_prices(engine: Engine) -> list[Any]:
    columns = "date, key, race_key, minutes, at, back, lay, last, volume"
    query = f"SELECT {columns} FROM runnerprice JOIN dog ON id = dog_id"
    with engine.connect() as connection:
        return sorted(map(str, connection.execute(text(query))))


def test_files_in_any_packing_give_the_same_and_undo_takes_races_and_prices_out(tmp_path: Path) -> None:
    raw = recording(*whole_race())
    plain = tmp_path / "1.195395419"
    plain.write_bytes(raw)
    (tmp_path / "1.195395419.gz").write_bytes(gzip.compress(raw))
    packed = write_stream(tmp_path, "1.195395419.bz2", *whole_race())
    with tarfile.open(tmp_path / "day.tar", "w") as tar:
        tar.add(packed, "BASIC/2022/Mar/1/31270458/1.195395419.bz2")
    found = []
    for number, name in enumerate(("1.195395419", "1.195395419.gz", "1.195395419.bz2", "day.tar")):
        folder = tmp_path / str(number)
        folder.mkdir()
        engine = empty(folder)
        before = content(engine), stored_prices(engine)
        assert [file.status for file in import_files(engine, [tmp_path / name]).files] == [
            FileStatus.IMPORTED
        ]
        found.append((content(engine), stored_prices(engine)))
        undo_import(engine, "1")
        assert (content(engine), stored_prices(engine)) == before
        engine.dispose()
    assert found[0][1]
    assert all(one == found[0] for one in found)


def test_a_longer_recording_replaces_the_word_of_the_shorter_in_either_order(tmp_path: Path) -> None:
    lines = whole_race()
    half = [*lines[:2], message(20, prices(2, 3.8, 4.2))]
    files = [write_stream(tmp_path, "half.bz2", *half), write_stream(tmp_path, "whole.bz2", *lines)]
    found = []
    for order in (files, files[::-1]):
        folder = tmp_path / order[0].stem
        folder.mkdir()
        engine = empty(folder)
        for path in order:
            import_files(engine, [path])
        again = import_files(engine, files)
        assert [file.status for file in again.files] == [FileStatus.ALREADY_IMPORTED] * 2
        found.append((content(engine), stored_prices(engine)))
        engine.dispose()
    assert found[0] == found[1]
    alone = empty(tmp_path)
    import_files(alone, [files[1]])
    assert content(alone) == found[0][0]


@pytest.fixture(scope="module")
def win_files(real_data: Path) -> list[Path]:
    """Every fourth of the WIN markets: all of them take ten seconds."""
    found = []
    for path in sorted((real_data / "betfair_stream").glob("*.bz2")):
        with bz2.open(path) as file:
            if b'"marketType":"WIN"' in file.readline():
                found.append(path)
    return found[::4]


@pytest.fixture(scope="module")
def samples(win_files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Engine:
    engine = empty(tmp_path_factory.mktemp("samples"))
    report = import_files(engine, win_files)
    assert report.n_files(FileStatus.IMPORTED) == len(win_files) == 9
    assert report.problems.n == 0
    return engine


def last_definition(path: Path) -> dict[str, Any]:
    change = json.loads(bz2.decompress(path.read_bytes()).splitlines()[-1])["mc"][0]
    return {"id": change["id"].removeprefix("1.")} | change["marketDefinition"]


def test_samples_give_the_results_of_their_final_definitions_and_books_that_sum_to_one_at_the_off(
    samples: Engine, win_files: list[Path]
) -> None:
    query = """SELECT r.market_id, d.name, run.rug, run.won, run.bsp, run.is_scratched FROM race r
               JOIN run ON run.race_id = r.id JOIN dog d ON d.id = run.dog_id"""
    with samples.connect() as connection:
        stored = {(market, rug): rest for market, name, rug, *rest in connection.execute(text(query))}
    n_runners = 0
    for last in map(last_definition, win_files):
        is_run = any(one["status"] == "WINNER" for one in last["runners"])
        for one in last["runners"]:
            n_runners += 1
            rug = int(one["name"].partition(".")[0])
            won, bsp, is_scratched = stored.pop((last["id"], rug))
            assert bool(is_scratched) == (one["status"] == "REMOVED")
            assert won == ({"WINNER": True, "LOSER": False}.get(one["status"]) if is_run else None)
            assert bsp == (None if one["status"] == "REMOVED" else one.get("bsp"))
    assert not stored
    assert n_runners > 50
    query = "SELECT race_key, minutes, back, lay FROM runnerprice WHERE minutes = 0"
    books: dict[tuple[str, int], list[float]] = defaultdict(list)
    with samples.connect() as connection:
        for race_key, minutes, back, lay in connection.execute(text(query)):
            books[race_key, minutes].append((1 / back + 1 / lay) / 2)
    at_off = [sum(chances) for (_, minutes), chances in books.items() if minutes == 0]
    assert len(at_off) > 5
    assert all(0.9 < book < 1.1 for book in at_off)


def test_a_place_market_joins_the_race_of_its_dogs_in_either_order(tmp_path: Path) -> None:
    win = write_stream(tmp_path, "1.195395419.bz2", *whole_race())
    ended = [
        runner(number, name, "WINNER" if number < 3 else "LOSER", bsp=1.5)
        for number, name in enumerate(DOGS, 1)
    ]
    about = {"marketType": "PLACE", "name": "To Be Placed", "numberOfWinners": 2}
    place = write_stream(
        tmp_path, "1.195395420.bz2",
        message(60, definition=definition(**about), market="1.195395420"),
        message(-5, definition=definition(*ended, status="CLOSED", **about), market="1.195395420"),
    )  # fmt: skip
    found = []
    for order in ([win, place], [place, win]):
        folder = tmp_path / order[0].stem
        folder.mkdir()
        engine = empty(folder)
        alone = None
        for path in order:
            report = import_files(engine, [path])
            assert report.n_files(FileStatus.IMPORTED) == 1
            alone = alone or content(engine)
        with engine.connect() as connection:
            runs = connection.execute(text("SELECT won, placed, place_bsp, bsp FROM run ORDER BY rug")).all()
        assert [tuple(run) for run in runs] == [(1, 1, 1.5, 3.0), (0, 1, 1.5, 4.0), (0, 0, 1.5, 5.0)]
        found.append(content(engine))
        undo_import(engine, str(order[1]))
        assert content(engine) == alone
        engine.dispose()
    assert found[0] == found[1]


def test_a_recording_may_be_larger_than_other_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MAX_BYTES", 2_000)
    monkeypatch.setattr(contents, "MAX_RECORDED_BYTES", 5_000)
    raw = recording(*whole_race())
    assert 2_000 < len(raw) < 5_000
    assert len(parse_stream(input_file(raw)).records) == 3
    for bytes_of_other in (raw * 3, b"x" + raw):
        with pytest.raises(FileRefused, match="a file has at most"):
            input_file(bytes_of_other)
