"""Others' prices are taken from files as people have them, the newest counts, and changed days are noted."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from racing.database.change_log import OUTCOMES, RATINGS, changes_for, remove_changes
from racing.database.engine import open_database
from racing.database.experiment_tables import ContestantPrice
from racing.domain.errors import FileRefused
from racing.importers.prices import import_prices, remove_prices
from racing.importers.report import FileStatus, ImportReport

PRICE = ContestantPrice.__table__  # type: ignore[attr-defined]
DAY = dt.date(2026, 3, 14)
PLAIN = """date,track,race_number,runner,price
2026-03-14,Sandown Park,3,Sir Tick,2.50
2026-03-14,Sandown Park,3,Nala's Ghost,4
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path / 'races.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    engine = open_database(url, create=True)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'races.db'}", create=True)
    yield engine
    engine.dispose()


def take(engine: Engine, tmp_path: Path, content: str | bytes, name: str = "tipster") -> ImportReport:
    file = tmp_path / "prices.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return import_prices(engine, [file], name)


def stored(engine: Engine) -> dict[str, float]:
    with engine.connect() as connection:
        rows = connection.execute(select(PRICE)).all()
    assert {(row.date, row.track, row.race_number) for row in rows} <= {(DAY, "SANDOWNPARK", 3)}
    return {row.runner: round(row.probability, 6) for row in rows}


def noted(engine: Engine) -> list[dt.date]:
    """The days noted for those who derive outcomes, and forget them; ratings have nothing of prices."""
    with engine.begin() as connection:
        assert not changes_for(connection, RATINGS)
        changes = changes_for(connection, OUTCOMES)
        remove_changes(connection, OUTCOMES, changes)
    return list(changes.values())


def test_imported_again_a_file_changes_nothing_and_no_day_is_noted(engine: Engine, tmp_path: Path):
    report = take(engine, tmp_path, PLAIN)
    assert (report.n_read, report.n_added, report.n_refused) == (2, 2, 0)
    assert stored(engine) == {"SIRTICK": 0.4, "NALASGHOST": 0.25}
    assert noted(engine) == [DAY]
    again = take(engine, tmp_path, PLAIN)
    assert (again.n_added, again.n_updated, again.n_known) == (0, 0, 2)
    assert noted(engine) == []


def test_the_newest_price_of_a_runner_counts_whatever_the_order_of_files(engine: Engine, tmp_path: Path):
    header = "date,track,race_number,runner,price,time\n"
    row = "2026-03-14,Sandown Park,3,Sir Tick,{},{}\n"
    noon = header + row.format(2, "2026-03-14T02:00Z") + row.format(8, "2026-03-13 23:00")
    take(engine, tmp_path, noon)
    assert stored(engine) == {"SIRTICK": 0.5}
    noted(engine)
    for older in ("2026-03-14T10:00+11:00", ""):
        assert take(engine, tmp_path, header + row.format(10, older)).n_known == 1
    assert stored(engine) == {"SIRTICK": 0.5}
    assert noted(engine) == []
    assert take(engine, tmp_path, header + row.format(5, "2026-03-14T03:00+00:00")).n_updated == 1
    assert stored(engine) == {"SIRTICK": 0.2}
    assert noted(engine) == [DAY]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "\ufeffDate;Venue;Race No;Dog Name;Fair Odds\n14/03/2026;Sandown;3;3. Sir Tick;2,5\n",
            {"SIRTICK": 0.4},
        ),
        ("day\ttrack\trace\ttrap\tp\n2026-03-14\tSandown Park\tR3\t4\t0.4\n", {"box:4": 0.4}),
        ("race_date,course,race,greyhound,rug,Win Probability\n2026-03-14,SAN,3,,4,40%\n", {"box:4": 0.4}),
        ("date,track,race,dog,odds,prob\n2026-03-14,Sandown Park,3,Sir Tick,9,0.4\n", {"SIRTICK": 0.4}),
        ("date,track,race,dog,odds\n2026-03-14,Sandown Park,3,Sir Tick,6/4F\n", {"SIRTICK": 0.4}),
    ],
    ids=["semicolons and commas", "boxes", "percent", "probability counts", "fractions"],
)
def test_usual_headers_and_spellings_are_read(
    sqlite: Engine, tmp_path: Path, content: str, expected: dict[str, float]
):
    take(sqlite, tmp_path, content)
    assert stored(sqlite) == expected


def test_bad_rows_are_refused_with_line_rule_and_value_and_stop_no_other(sqlite: Engine, tmp_path: Path):
    rows = (
        "2026-03-14,Sandown Park,3,Sir Tick,2.5,",
        "2026-02-30,Sandown Park,3,Sir Tick,2.5,",
        "2026-03-14,,3,Sir Tick,2.5,",
        "2026-03-14,Sandown Park,21,Sir Tick,2.5,",
        "2026-03-14,Sandown Park,3,,2.5,",
        "2026-03-14,Sandown Park,3,Sir Tick,0.5,",
        "2026-03-14,Sandown Park,3,Sir Tick,,",
        "2026-03-14,Sandown Park,3,Sir Tick,2.5,noon",
        "2026-03-14,Sandown Park,3,Sir Tick,2.5,2026-03-16T09:00Z",
        "2026-03-14,Sandown Park,3",
        "2099-01-01,Sandown Park,3,Sir Tick,2.5,",
    )
    report = take(sqlite, tmp_path, "date,track,race_number,runner,price,time\n" + "\n".join(rows))
    assert (report.n_read, report.n_added, report.n_refused) == (11, 1, 10)
    assert stored(sqlite) == {"SIRTICK": 0.4}
    assert [problem.line for problem in report.problems] == list(range(3, 13))
    reasons = [problem.reason for problem in report.problems]
    for reason, rule in zip(
        reasons,
        (
            "2026-02-30",
            "track must not be blank",
            "race_number must be 1..20, got '21'",
            "a row names the runner or its box",
            "price must be 1.",
            "price must be 1.",
            "a time is written",
            "a price is quoted before its race day is over",
            "a row has 6 fields, got 3",
            "2099",
        ),
        strict=True,
    ):
        assert rule in reason


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("date,track,runner,price\n2026-03-14,Sandown,Sir Tick,2\n", "race_number"),
        ("date,track,race,price\n2026-03-14,Sandown,3,2\n", "runner or box"),
        ("date,track,race,runner\n2026-03-14,Sandown,3,Sir Tick\n", "price or probability"),
        ("date,track,race,runner,price\n", "it has no rows"),
        ("", "empty"),
    ],
)
def test_a_file_without_what_is_needed_is_refused_whole(
    sqlite: Engine, tmp_path: Path, content: str, rule: str
):
    report = take(sqlite, tmp_path, content)
    assert report.n_files(FileStatus.REFUSED) == 1
    assert rule in report.problems[0].reason


def test_a_removed_list_is_gone_with_its_prices_and_its_days_are_noted(engine: Engine, tmp_path: Path):
    take(engine, tmp_path, PLAIN)
    noted(engine)
    assert remove_prices(engine, "tipster") == 2
    assert stored(engine) == {}
    assert noted(engine) == [DAY]
    with pytest.raises(FileRefused, match="must be there"):
        remove_prices(engine, "tipster")


def test_a_name_that_no_page_could_show_is_refused(sqlite: Engine, tmp_path: Path):
    for name in ("", "Tipster", "a b", "x" * 41, "../up"):
        with pytest.raises(FileRefused, match="name has 1 to 40"):
            take(sqlite, tmp_path, PLAIN, name)
