"""What the race database holds: races that were run, those to come, and rows that wait for theirs."""

import datetime as dt
from pathlib import Path

from racing.data_summary import data_summary, short_summary
from racing.database.engine import open_database
from racing.importers.import_files import import_files
from tests.racing.importers.builders import BETFAIR_HEADER, betfair_row, write
from tests.racing.importers.test_betfair_official import HEADER, row


def test_races_to_come_and_waiting_rows_are_counted_apart(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'db'}", create=True)
    assert data_summary(engine).n_races == 0
    # Two days ahead by UTC is ahead everywhere.
    ahead = str(dt.datetime.now(dt.UTC).date() + dt.timedelta(days=2))
    to_come = [row(name, n, "", market="261000001", date=ahead, bsp="") for n, name in enumerate("ABC", 1)]
    run = [betfair_row("Sir Tick", 1, won="1.0"), betfair_row("Anna", 2)]
    files = [
        write(tmp_path, "run.csv", BETFAIR_HEADER, *run),
        write(tmp_path, "ANZ_Greyhounds_2025_07.csv", HEADER, *to_come),
        # Race 4 is known with another winner, race 5 is not known.
        write(tmp_path, "results_2025-07-03.csv", "Track,Race,Winner", "Ballarat,4,2", "Ballarat,5,1"),
    ]
    import_files(engine, files)
    for summary in (short_summary(engine), data_summary(engine)):
        assert (summary.n_races, summary.n_whole, summary.n_races_to_come) == (1, 1, 1)
        assert (summary.n_waiting, summary.n_contradicting) == (2, 1)
        assert (str(summary.first_day), str(summary.last_day), summary.n_days) == ("2025-07-03",) * 2 + (1,)
    assert (summary.n_runs, summary.n_runs_to_come) == (2, 3)
    assert (summary.n_races_without_off, summary.n_races_without_prices) == (1, 0)
