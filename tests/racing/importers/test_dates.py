"""Race days: every way to write one day is that day, and a file has one order of day and month."""

import datetime as dt

import pytest

from racing.domain.errors import FileRefused
from racing.domain.track_time import latest_day
from racing.importers.files.csv_file import csv_of
from racing.importers.files.dates import DateOrder, FileDates, NotADate
from racing.importers.formats.results import parse_results
from racing.importers.records.source_record import RowRefused
from tests.racing.importers.builders import RESULTS_HEADER, results_row


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-05",
        "2026/03/05",
        "2026-03-05T00:00:00.000Z",
        "2026-03-05 00:00:00",
        "2026-03-05 00:00:00.000000000",
        "2026-03-05T00:00:00+11:00",
        "5/03/2026",
        "05/03/2026 0:00",
        "05.03.2026",
        "05-03-2026",
        "5 Mar 2026",
        "05-Mar-2026",
        "5 March 2026",
    ],
)
def test_every_way_to_write_a_day_is_that_day(text: str) -> None:
    assert FileDates().date(text, 2) == dt.date(2026, 3, 5)


@pytest.mark.parametrize(
    "text",
    ["0", "45000", "20251301", "nan", "2026-02-30", "2026-3", "5/3/26", "31/02/2026", "1970-01-01"],
)
def test_what_is_no_date_is_refused_with_the_value(text: str) -> None:
    with pytest.raises(NotADate, match=text):
        FileDates().date(text, 2)


@pytest.mark.parametrize("text", ["2026-03-04T13:00:00Z", "2026-03-05 18:33:00", "2026-03-05T00:00:01+11:00"])
def test_a_time_other_than_midnight_is_refused_for_its_day_depends_on_the_zone(text: str) -> None:
    with pytest.raises(NotADate, match="depends on the zone"):
        FileDates().date(text, 2)


def test_a_race_of_today_is_taken_wherever_it_is_today() -> None:
    FileDates().date(latest_day().isoformat(), 2)
    assert latest_day() >= dt.datetime.now(dt.timezone(dt.timedelta(hours=13))).date()
    with pytest.raises(NotADate, match="between 1990-01-01 and today"):
        FileDates().date((latest_day() + dt.timedelta(days=2)).isoformat(), 2)


def parse(order: DateOrder, *dates: str) -> list[dt.date]:
    rows = [results_row(f"Dog {n}", 1, "1", race_id=f"r{n}", date=date) for n, date in enumerate(dates)]
    file = csv_of("\n".join((RESULTS_HEADER, *rows)).encode(), "r.csv", order)
    parsed = parse_results(file)
    assert parsed.problems.n == 0
    return [dt.date(1970, 1, 1) + dt.timedelta(days=record["bucket"] // 1500) for record in parsed.records]


AMBIGUOUS, MONTH_FIRST, DAY_FIRST = "03/04/2026", "03/28/2026", "28/03/2026"
MARCH_4, APRIL_3, MARCH_28 = dt.date(2026, 3, 4), dt.date(2026, 4, 3), dt.date(2026, 3, 28)


def test_one_date_that_cannot_be_day_first_makes_the_whole_file_doubtful() -> None:
    with pytest.raises(FileRefused, match=r"'03/28/2026' on line 3 .*--dates month-first"):
        parse(DateOrder.DEFAULT, AMBIGUOUS, MONTH_FIRST)


def test_a_day_to_come_makes_a_file_doubtful_where_month_first_it_is_past() -> None:
    in_june = FileDates(latest=dt.date(2026, 6, 15))
    with pytest.raises(FileRefused, match=r"'03/12/2026' on line 7 .*--dates month-first"):
        in_june.date("03/12/2026", 7)
    with pytest.raises(NotADate, match="today, got 2026-09-08"):  # to come in either order: one row's slip
        in_june.date("08/09/2026", 8)
    with pytest.raises(NotADate, match="today, got 2026-12-03"):
        FileDates(DateOrder.DAY_FIRST, latest=dt.date(2026, 6, 15)).date("03/12/2026", 7)


@pytest.mark.parametrize(
    ("order", "dates", "days"),
    [
        (DateOrder.DEFAULT, (AMBIGUOUS, DAY_FIRST), [APRIL_3, MARCH_28]),
        (DateOrder.DAY_FIRST, (AMBIGUOUS, DAY_FIRST), [APRIL_3, MARCH_28]),
        (DateOrder.MONTH_FIRST, (AMBIGUOUS, MONTH_FIRST), [MARCH_4, MARCH_28]),
        (DateOrder.AUTO, (AMBIGUOUS, MONTH_FIRST), [MARCH_4, MARCH_28]),
        (DateOrder.AUTO, (AMBIGUOUS, DAY_FIRST), [APRIL_3, MARCH_28]),
        (DateOrder.AUTO, ("2026-03-04", "04/04/2026"), [MARCH_4, dt.date(2026, 4, 4)]),
        (DateOrder.MONTH_FIRST, ("2026-03-04", AMBIGUOUS), [MARCH_4, MARCH_4]),
    ],
)
def test_the_order_of_a_file_decides_all_its_dates(
    order: DateOrder, dates: tuple[str, ...], days: list[dt.date]
) -> None:
    assert parse(order, *dates) == days


@pytest.mark.parametrize(
    ("order", "dates", "reason"),
    [
        (DateOrder.MONTH_FIRST, (AMBIGUOUS, DAY_FIRST), "--dates day-first"),
        (DateOrder.DAY_FIRST, (AMBIGUOUS, MONTH_FIRST), "--dates month-first"),
        (DateOrder.AUTO, (DAY_FIRST, MONTH_FIRST), "in two orders"),
        (DateOrder.AUTO, (AMBIGUOUS,), "no date of it tells their order"),
    ],
)
def test_a_file_whose_dates_are_not_in_that_order_is_refused(
    order: DateOrder, dates: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(FileRefused, match=reason):
        parse(order, *dates)


def test_a_date_that_is_none_refuses_its_row_only() -> None:
    rows = [results_row("A", 1, "1"), results_row("B", 2, "2", date="0")]
    parsed = parse_results(csv_of("\n".join((RESULTS_HEADER, *rows)).encode(), "r.csv"))
    assert [record["dog_name"] for record in parsed.records] == ["A"]
    with pytest.raises(RowRefused, match="'0'"):
        parsed.date_of("0", 3)
