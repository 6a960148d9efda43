"""`greyhound watch`: a folder's files are imported once they are whole, each once, whatever happens."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from greyhound.cli import main
from racing.database.engine import open_database
from racing.importers.undo import imported_files
from racing.race_day.folder import WatchedFolder, is_open_for_writing
from tests.racing.importers.builders import RESULTS_HEADER, results_row, write

CARD = {
    "date": "2026-03-31", "track": "Ballarat", "distance_m": 450, "race_number": 4,
    "runners": [{"name": "Anna", "box": 1}, {"name": "Bela", "box": 2}],
}  # fmt: skip
LIMIT_S = 60.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    return incoming


def watch_once(folder: Path) -> Result:
    database = f"sqlite:///{folder.parent / 'races.db'}"
    return CliRunner().invoke(
        main, ["watch", str(folder), "--once", "--interval", "0.02", "--database", database]
    )


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def imported(folder: Path) -> list[str]:
    engine = open_database(f"sqlite:///{folder.parent / 'races.db'}")
    found = [Path(file.name).name for file in imported_files(engine)]
    engine.dispose()
    return found


def write_results(folder: Path, name: str, *dogs: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [results_row(dog, box, str(box)) for box, dog in enumerate(dogs, 1)]
    return write(folder, name, RESULTS_HEADER, *rows)


def wait_for(what: Callable[[], object]) -> None:
    until = time.monotonic() + LIMIT_S
    while not what():
        assert time.monotonic() < until, f"not within {LIMIT_S} s"
        time.sleep(0.05)


def test_good_files_are_taken_and_bad_ones_refused_with_the_reason_beside_them(folder: Path) -> None:
    (folder / "card.json").write_text(json.dumps(CARD))
    write_results(folder / "evening" / "vic", "results.csv", "Cora", "Dora")
    (folder / "page.csv").write_text("<html>not found</html>")
    (folder / "half.csv.part").write_text("race_id,da")
    (folder / ".hidden.csv").write_text("no file of ours")
    (folder / "link.csv").symlink_to(folder / "page.csv")
    result = watch_once(folder)
    assert result.exit_code == 0, result.output
    assert [name for name in names(folder) if not name.startswith(".")] == [
        "half.csv.part", "refused/page.csv", "refused/page.csv.reason.txt", "taken/card.json",
        "taken/evening/vic/results.csv",
    ]  # fmt: skip
    assert (folder / "link.csv").is_symlink()
    assert (folder / "refused" / "page.csv.reason.txt").read_text().strip()
    assert "taken/card.json: cards of races to come; 2 read, 2 added, 0 updated" in result.output
    assert sorted(imported(folder)) == ["card.json", "results.csv"]


def test_a_file_that_comes_again_is_not_imported_twice_and_a_name_that_exists_gets_a_number(
    folder: Path,
) -> None:
    for dogs in (("Anna", "Bela"), ("Anna", "Bela"), ("Cora", "Dora")):
        write_results(folder, "results.csv", *dogs)
        assert watch_once(folder).exit_code == 0
    assert [name for name in names(folder) if not name.startswith(".")] == [
        "taken/results (2).csv", "taken/results (3).csv", "taken/results.csv"
    ]  # fmt: skip
    assert imported(folder) == ["results.csv", "results.csv"]


def test_a_file_is_whole_when_two_looks_find_it_alike_and_nobody_writes_it(folder: Path) -> None:
    watched = WatchedFolder(folder)
    watched.prepare()
    path = folder / "growing.csv"
    path.write_text("a")
    assert watched.whole() == []
    with path.open("a") as file:
        file.write("b" * 10_000)
        file.flush()
        assert watched.whole() == []
        assert watched.whole() == [path]
        if is_open_for_writing(path):  # where the system can say it
            assert watched.take(path) is None
    assert watched.take(path) == folder / ".taking" / "growing.csv"
    assert watched.take(path) is None


def test_what_a_watcher_left_when_it_was_killed_is_imported_by_the_next(folder: Path) -> None:
    write_results(folder / ".taking", "results.csv", "Anna", "Bela")
    assert watch_once(folder).exit_code == 0
    assert [name for name in names(folder) if not name.startswith(".")] == ["taken/results.csv"]
    write_results(folder / ".taking", "results.csv", "Anna", "Bela")  # imported, and killed before the move
    assert watch_once(folder).exit_code == 0
    assert imported(folder) == ["results.csv"]


def test_of_two_watchers_that_take_from_one_folder_at_once_one_has_each_file(folder: Path) -> None:
    n = 200
    for number in range(n):
        (folder / f"{number}.csv").write_text(str(number))
    taken: list[Path] = []

    def take_all() -> None:
        watched = WatchedFolder(folder)
        watched.prepare()
        watched.whole()
        taken.extend(path for one in watched.whole() if (path := watched.take(one)))

    threads = [threading.Thread(target=take_all) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = [path for path in folder.iterdir() if path.is_file()]
    assert len(taken) == len({path.read_text() for path in taken}) == n
    assert left == []


def test_a_move_is_one_step_so_that_a_kill_leaves_a_file_at_one_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(self: Path, *_: object) -> None:
        raise Killed

    path = write_results(folder, "results.csv", "Anna", "Bela")
    watched = WatchedFolder(folder)
    watched.prepare()
    for ending in ("rename", "unlink"):
        with monkeypatch.context() as patch, contextlib.suppress(Killed):
            patch.setattr(Path, ending, kill)
            watched.take(path)
        assert len(list(folder.rglob("*.csv"))) == 1, ending


def test_it_watches_until_ctrl_c_and_another_stands_by(folder: Path) -> None:
    database = f"sqlite:///{folder.parent / 'races.db'}"
    command = [
        sys.executable,
        "-m",
        "greyhound",
        "watch",
        str(folder),
        "--interval",
        "0.05",
        "--database",
        database,
    ]
    one = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: (folder / ".taking" / ".lock").exists())
        write_results(folder, "first.csv", "Anna", "Bela")
        wait_for(lambda: (folder / "taken" / "first.csv").exists())
        refused = watch_once(folder)
        assert refused.exit_code == 3
        assert "another `greyhound watch` works on it" in refused.output
        one.send_signal(signal.SIGINT)
        out, _ = one.communicate(timeout=LIMIT_S)
    finally:
        one.kill()
    assert one.returncode == 130
    assert "taken/first.csv: results in our columns" in out
    assert os.listdir(folder / ".taking") == [".lock"]


def test_names_of_any_kind_and_length_are_moved_and_links_out_of_the_folder_are_not_followed(
    folder: Path,
) -> None:
    outside = write_results(folder.parent / "outside", "x.csv", "Anna", "Bela")
    (folder / "link.csv").symlink_to(outside)
    (folder / "linked").symlink_to(outside.parent)
    for number, name in enumerate(("new\nline.csv", "n" * 251 + ".csv")):
        write_results(folder, name, f"Cora {number}", f"Dora {number}")
    for _ in range(2):
        (folder / ("b" * 251 + ".csv")).write_text("<html>not found</html>")
        result = watch_once(folder)
        assert result.exit_code in (0, 3), result.output
    assert (folder / "taken" / "new\nline.csv").exists()
    assert (folder / "taken" / ("n" * 251 + ".csv")).exists()
    refused = sorted(path.name for path in (folder / "refused").iterdir())
    assert [name.endswith(".reason.txt") for name in refused].count(True) == 2
    assert len(refused) == 4
    assert all(len(name.encode()) <= 255 for name in refused)
    assert len(imported(folder)) == 2
    assert outside.exists()


def test_half_a_zip_half_a_card_and_an_empty_file_wait_for_their_end(folder: Path) -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("card.json", json.dumps(CARD))
    card = json.dumps(CARD | {"race_number": 5})
    halves = {"cards.zip": whole.getvalue()[:-30], "half.json": card[:-20].encode(), "empty.csv": b""}
    for name, content in halves.items():
        (folder / name).write_bytes(content)
    result = watch_once(folder)
    assert result.output.count("it has no end yet") == 3
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == sorted(halves)
    (folder / "cards.zip").write_bytes(whole.getvalue())
    (folder / "half.json").write_text(card)
    assert watch_once(folder).exit_code == 0
    assert {path.name for path in (folder / "taken").iterdir()} == {"cards.zip", "half.json"}
    assert (folder / "empty.csv").exists()


def test_a_watcher_that_is_killed_while_it_imports_loses_nothing_and_imports_nothing_twice(
    folder: Path,
) -> None:
    n = 12
    for number in range(n):
        write_results(folder, f"{number}.csv", f"Anna {number}", f"Bela {number}")
    database = f"sqlite:///{folder.parent / 'races.db'}"
    command = [sys.executable, "-m", "greyhound", "watch", str(folder)]
    one = subprocess.Popen([*command, "--interval", "0.01", "--database", database])
    try:
        wait_for(lambda: len(list((folder / ".taking").glob("*.csv"))) > 0)
    finally:
        one.kill()  # between the first file that it took and the last that it moved
        one.wait()
    assert watch_once(folder).exit_code == 0
    assert sorted(path.name for path in (folder / "taken").iterdir()) == sorted(f"{i}.csv" for i in range(n))
    assert sorted(imported(folder)) == sorted(f"{i}.csv" for i in range(n))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and move everything")
def test_what_may_not_be_read_or_moved_is_left_where_it_is_and_the_rest_is_taken(folder: Path) -> None:
    write_results(folder, "secret.csv", "Anna", "Bela").chmod(0)
    write_results(folder / "theirs", "fixed.csv", "Cora", "Dora")
    (folder / "theirs").chmod(0o500)
    (folder / "closed").mkdir(mode=0)
    write_results(folder, "good.csv", "Eva", "Finn")
    try:
        result = watch_once(folder)
    finally:
        for name in ("theirs", "closed"):
            (folder / name).chmod(0o700)
    assert result.exit_code == 0, result.output
    assert imported(folder) == ["good.csv"]
    assert (folder / "secret.csv").exists()
    assert (folder / "theirs" / "fixed.csv").exists()
    for name in ("secret.csv", "fixed.csv", "closed"):
        assert f"{name} is left where it is: " in result.output
