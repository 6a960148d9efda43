"""The same run in several files is one run, whichever came first, and a file can be taken out again."""

import itertools
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from racing.database.engine import open_database
from racing.domain.errors import FileRefused
from racing.importers.import_files import import_betfair, import_form_guides, import_results
from racing.importers.undo import imported_files, undo_import
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

IMPORTERS = {"betfair": import_betfair, "form": import_form_guides, "results": import_results}


def new_database(folder: Path, name: str) -> Engine:
    return open_database(f"sqlite:///{folder / name}.db", create=True)


def make_files(folder: Path) -> dict[str, tuple[str, Path]]:
    """Three files of one race and more: apostrophes, a reserve, a dog that only one source knows."""
    betfair = write(
        folder,
        "betfair.csv",
        BETFAIR_HEADER,
        betfair_row("Fast Anna", 1, won="1.0"),
        betfair_row("Nalas Ghost", 4),
        betfair_row("Late Comer", 9),
        betfair_row("Stay Home", 6, won="", bsp=""),
        betfair_row("Other Race", 2, won="1.0", market="78"),
    )
    form = write(
        folder,
        "form.csv",
        FORM_HEADER,
        form_row("1. Nala's Ghost"),
        form_row(date="2025-06-20", track="W/PK"),
        form_row("3. Fast Anna", place="1", box="1", time="25.40", winner="Nala's Ghost"),
        form_row("4. Unlisted Dog", place="3", box="7", margin="5"),
        form_row("5. Late Comer", place="4", box="9", winner_s="25.41"),
    )
    again = write(folder, "again.csv", FORM_HEADER, form_row("7. Nala's Ghost", weight="", sp="4.5"))
    results = write(
        folder,
        "results.csv",
        RESULTS_HEADER,
        results_row("FAST ANNA", 1, "1", time="25.40"),
        results_row("LATE COMER", 3, "2"),
        results_row("NEW DOG", 2, "1", race_id="r9", track="Nowhere Yet"),
    )
    return {
        "betfair": ("betfair", betfair),
        "form": ("form", form),
        "again": ("form", again),
        "results": ("results", results),
    }


def import_all(engine: Engine, files: list[tuple[str, Path]]) -> None:
    for kind, path in files:
        report = IMPORTERS[kind](engine, [path])
        assert not [str(problem) for problem in report.problems if problem.what != "fact"]


def test_the_order_of_import_does_not_matter(tmp_path: Path) -> None:
    files = make_files(tmp_path)
    contents = []
    for i, order in enumerate(itertools.permutations(files.values())):
        engine = new_database(tmp_path, f"order{i}")
        import_all(engine, list(order))
        contents.append(content(engine))
    assert len(contents[0]["runs"]) == 8
    assert all(one == contents[0] for one in contents)


@pytest.mark.parametrize("out", ["betfair", "form", "again", "results"])
def test_undo_leaves_what_the_other_files_say_alone(tmp_path: Path, out: str) -> None:
    files = make_files(tmp_path)
    without = new_database(tmp_path, "without")
    import_all(without, [entry for name, entry in files.items() if name != out])
    engine = new_database(tmp_path, "all")
    import_all(engine, list(files.values()))
    assert content(engine) != content(without) or out == "again"
    report = undo_import(engine, files[out][1].name)
    assert content(engine) == content(without)
    assert report.n_rows == {"betfair": 5, "form": 5, "again": 1, "results": 3}[out]
    assert len(imported_files(engine)) == 3


def test_a_run_in_two_sources_is_one_run_with_the_union_of_facts(tmp_path: Path) -> None:
    files = make_files(tmp_path)
    engine = new_database(tmp_path, "db")
    import_all(engine, [files["betfair"], files["form"]])
    with engine.connect() as connection:
        query = (
            "SELECT r.box, r.won, r.bsp, r.rated_price, r.time_s, r.weight_kg, r.starting_price, "
            "a.market_id, d.name FROM run r JOIN dog d ON d.id = r.dog_id JOIN race a ON a.id = r.race_id "
            "WHERE d.key = 'NALASGHOST' AND r.date = '2025-07-03'"
        )
        rows = connection.execute(text(query)).all()
    assert [tuple(row) for row in rows] == [(4, 0, 5.2, 6.0, 25.6, 30.1, 4.5, "77", "Nala's Ghost")]


def test_the_other_runs_of_a_form_guide_race_join_the_betfair_race(tmp_path: Path) -> None:
    files = make_files(tmp_path)
    engine = new_database(tmp_path, "db")
    import_all(engine, [files["form"], files["betfair"]])
    with engine.connect() as connection:
        query = (
            "SELECT d.key FROM run r JOIN dog d ON d.id = r.dog_id JOIN race a ON a.id = r.race_id "
            "WHERE a.market_id = '77'"
        )
        keys = set(connection.scalars(text(query)))
    assert keys == {"FASTANNA", "NALASGHOST", "LATECOMER", "STAYHOME", "UNLISTEDDOG"}


def test_importing_again_adds_nothing_and_the_same_rows_in_another_file_add_nothing(tmp_path: Path) -> None:
    files = make_files(tmp_path)
    engine = new_database(tmp_path, "db")
    import_all(engine, list(files.values()))
    before = content(engine)
    again = import_form_guides(engine, [files["form"][1]])
    assert (again.n_read, again.n_added, again.files[0].status) == (0, 0, "already imported")
    copy = write(tmp_path, "copy.csv", *files["form"][1].read_text().splitlines(), "")
    report = import_form_guides(engine, [copy])
    assert (report.n_added, report.n_updated, report.n_known, report.first_day) == (0, 0, 5, None)
    assert content(engine) == before


def test_a_refused_file_and_refused_rows_leave_the_others_alone(tmp_path: Path) -> None:
    bad_rows = write(
        tmp_path,
        "bad.csv",
        FORM_HEADER,
        form_row("1. Good Dog"),
        form_row(date="2025-13-45"),
        form_row(distance="5000"),
        "2. Short Row,D,1",
        form_row("3. Other Dog"),
    )
    html = write(tmp_path, "page.csv", "<html><body>Error</body></html>")
    engine = new_database(tmp_path, "db")
    report = import_form_guides(engine, [html, tmp_path / "absent.csv", bad_rows])
    assert [file.status for file in report.files] == ["refused", "refused", "imported"]
    assert [(problem.line, problem.what) for problem in report.problems] == [
        (0, "file"), (0, "file"), (3, "row"), (4, "row"), (5, "row")
    ]  # fmt: skip
    assert "'2025-13-45'" in report.problems[2].reason
    assert len(content(engine)["runs"]) == 2


def test_an_interrupted_import_goes_on_where_it_stopped(tmp_path: Path) -> None:
    files = make_files(tmp_path)
    engine = new_database(tmp_path, "db")

    def stop(n_done: int, n_total: int) -> None:
        if n_done == 1:
            raise KeyboardInterrupt

    paths = [files["form"][1], files["again"][1]]
    with pytest.raises(KeyboardInterrupt):
        import_form_guides(engine, paths, on_progress=stop)
    assert len(imported_files(engine)) == 0
    assert content(engine)["runs"] == []
    import_form_guides(engine, paths)
    assert len(imported_files(engine)) == 2


def test_undo_names_what_it_does_not_know(tmp_path: Path) -> None:
    engine = new_database(tmp_path, "db")
    with pytest.raises(FileRefused, match=r"no imported file is 'nothing\.csv'"):
        undo_import(engine, "nothing.csv")


def test_postgresql_holds_the_same_as_sqlite(tmp_path: Path, postgresql_url: str) -> None:
    files = make_files(tmp_path)
    sqlite, postgresql = new_database(tmp_path, "db"), open_database(postgresql_url, create=True)

    def plain(engine: Engine) -> dict[str, object]:
        return {name: len(rows) for name, rows in content(engine).items()}

    for engine in (sqlite, postgresql):
        import_all(engine, list(files.values()))
    assert plain(postgresql) == plain(sqlite)
    for engine in (sqlite, postgresql):
        undo_import(engine, files["betfair"][1])
    assert plain(postgresql) == plain(sqlite)
    with postgresql.begin() as connection:
        connection.execute(text("INSERT INTO track (name) VALUES ('By Sequence')"))
    postgresql.dispose()
