"""How long importing takes: ``python -m benchmarks.imports ../shared/data/betfair``.

Official monthly files are made from the model files of a folder, a row for a row, with every column filled;
what the model files do not have is made up. They are imported into a fresh database, then rated. Seconds are
of the processor (CPU), so that a busy machine does not show, and by the clock beside it.
"""

import argparse
import csv
import gzip
import random
import re
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from racing.data_summary import data_summary, short_summary
from racing.database.engine import open_database
from racing.importers.import_files import import_files
from racing.ratings import update_ratings

HEADER = (
    "LOCAL_MEETING_DATE,SCHEDULED_RACE_TIME,ACTUAL_OFF_TIME,TRACK,STATE_CODE,RACE_NO,WIN_MARKET_ID,WIN_MARKET_NAME,"
    "PLACE_MARKET_ID,RACING_TYPE,DISTANCE,RACE_TYPE,SELECTION_ID,TAB_NUMBER,SELECTION_NAME,WIN_RESULT,WIN_BSP,"
    "PLACE_RESULT,PLACE_BSP,WIN_BSP_VOLUME,WIN_PREPLAY_MAX_PRICE_TAKEN,WIN_PREPLAY_MIN_PRICE_TAKEN,"
    "WIN_PREPLAY_LAST_PRICE_TAKEN,WIN_PREPLAY_WEIGHTED_AVERAGE_PRICE_TAKEN,WIN_PREPLAY_VOLUME,"
    "WIN_INPLAY_MAX_PRICE_TAKEN,WIN_INPLAY_MIN_PRICE_TAKEN,WIN_LAST_PRICE_TAKEN,"
    "WIN_INPLAY_WEIGHTED_AVERAGE_PRICE_TAKEN,WIN_INPLAY_VOLUME,PLACE_BSP_VOLUME,PLACE_MAX_PRICE_TAKEN,"
    "PLACE_MIN_PRICE_TAKEN,PLACE_LAST_PRICE_TAKEN,PLACE_WEIGHTED_AVERAGE_PRICE_TAKEN,PLACE_PREPLAY_VOLUME,"
    "BEST_AVAIL_BACK_AT_SCHEDULED_OFF,BEST_AVAIL_LAY_AT_SCHEDULED_OFF,BACK_MARKET_PERCENTAGE_AT_SCHEDULED_OFF,"
    "LAY_MARKET_PERCENTAGE_AT_SCHEDULED_OFF"
)
_COLUMNS = HEADER.split(",")
_RACE_NAME = re.compile(r"^R(\d+)\s+(\d{3,4})(?:m\s*|\s+)(.*)$")
_RESULTS = {"1": "WINNER", "1.0": "WINNER", "0": "LOSER", "0.0": "LOSER"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the files, import and rate them, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imports", description=__doc__)
    parser.add_argument("folder", type=Path, help="of Betfair's monthly model files")
    parser.add_argument("--months", type=int, default=17, help="files to use, the newest first")
    parser.add_argument("--database", help="URL; by default a fresh SQLite file")
    parser.add_argument("--no-ratings", action="store_true", help="only import")
    chosen = parser.parse_args(arguments)
    table = Table("step", "rows", "CPU s", "s", box=None)
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "ANZ_Greyhounds.zip"
        n_rows = make_official_files(sorted(chosen.folder.glob("*.csv.gz"))[-chosen.months :], archive)
        engine = open_database(chosen.database or f"sqlite:///{folder}/races.db", create=True)
        steps: list[tuple[str, Callable[[], object]]] = [
            ("import", lambda: import_files(engine, [archive])),
            ("import again", lambda: import_files(engine, [archive])),
            ("ratings", lambda: update_ratings(engine)),
            ("short summary", lambda: short_summary(engine)),
            ("data summary", lambda: data_summary(engine)),
        ]
        for name, step in steps:
            if name == "ratings" and chosen.no_ratings:
                continue
            began, began_cpu = time.perf_counter(), time.process_time()
            step()
            cpu_s, clock_s = time.process_time() - began_cpu, time.perf_counter() - began
            table.add_row(name, f"{n_rows:,}", f"{cpu_s:.1f}", f"{clock_s:.1f}")
        engine.dispose()
    Console().print(table)


def make_official_files(model_files: Sequence[Path], archive: Path) -> int:
    """Write official files made from model files into a zip; return the number of their rows."""
    n_rows = 0
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        for path in model_files:
            lines = [HEADER, *(",".join(row) for row in _official_rows(path))]
            n_rows += len(lines) - 1
            out.writestr(path.name.removesuffix(".gz"), "\n".join(lines) + "\n")
    return n_rows


def _official_rows(path: Path) -> Iterator[list[str]]:
    rng = random.Random(path.name)
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            named = _RACE_NAME.match(row["Race Name"])
            if named is None or "," in row["Dog"]:
                continue
            number = int(named[1])
            minute = rng.randrange(24) if number == 1 else number * 24 % 60
            off = f"{11 + number:02d}:{minute:02d}:00.000"
            yield _official_row(row, named, off, rng)


def _official_row(row: dict[str, str], named: re.Match[str], off: str, rng: random.Random) -> list[str]:
    bsp = float(row["WIN_BSP"] or 0)
    prices = [f"{max(bsp * rng.uniform(0.7, 1.4), 1.01):.2f}" if bsp else "" for _ in range(8)]
    volumes = [f"{rng.uniform(1, 5000):.2f}" for _ in range(4)]
    highest, lowest, last, mean, back, lay, place_last, place_mean = prices
    fields = {
        "LOCAL_MEETING_DATE": row["Date"],
        "SCHEDULED_RACE_TIME": off,
        "ACTUAL_OFF_TIME": off,
        "TRACK": row["Track"],
        "RACE_NO": named[1],
        "WIN_MARKET_ID": row["MarketId"],
        "WIN_MARKET_NAME": row["Race Name"],
        "RACING_TYPE": "Greyhounds",
        "DISTANCE": named[2],
        "RACE_TYPE": named[3],
        "SELECTION_ID": row["SelectionId"],
        "TAB_NUMBER": row["Rug"],
        "SELECTION_NAME": row["Dog"],
        "WIN_RESULT": _RESULTS.get(row["WIN_RESULT"], "REMOVED"),
        "WIN_BSP": row["WIN_BSP"],
        "PLACE_RESULT": _RESULTS.get(row["PLACE_RESULT"], "REMOVED"),
        "PLACE_BSP": row["PLACE_BSP"],
        "WIN_BSP_VOLUME": volumes[0],
        "WIN_PREPLAY_MAX_PRICE_TAKEN": highest,
        "WIN_PREPLAY_MIN_PRICE_TAKEN": lowest,
        "WIN_PREPLAY_LAST_PRICE_TAKEN": last,
        "WIN_PREPLAY_WEIGHTED_AVERAGE_PRICE_TAKEN": mean,
        "WIN_PREPLAY_VOLUME": volumes[1],
        "PLACE_BSP_VOLUME": volumes[2],
        "PLACE_LAST_PRICE_TAKEN": place_last,
        "PLACE_WEIGHTED_AVERAGE_PRICE_TAKEN": place_mean,
        "PLACE_PREPLAY_VOLUME": volumes[3],
        "BEST_AVAIL_BACK_AT_SCHEDULED_OFF": back,
        "BEST_AVAIL_LAY_AT_SCHEDULED_OFF": lay,
        "BACK_MARKET_PERCENTAGE_AT_SCHEDULED_OFF": "0.96",
        "LAY_MARKET_PERCENTAGE_AT_SCHEDULED_OFF": "1.06",
    }
    return [fields.get(name, "") for name in _COLUMNS]


if __name__ == "__main__":
    main()
