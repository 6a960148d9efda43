"""Files of fair prices, a format for each tool that reads them; see docs/how-to/export-ratings.md."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from greyhound.exports.rated_runners import RatedRunner


@dataclass(frozen=True, slots=True)
class RatingsFormat:
    """A format: its columns, and a runner's cells in their order."""

    columns: tuple[str, ...]
    cells: Callable[[RatedRunner], tuple[object, ...]]
    title: str


def _betfair(runner: RatedRunner) -> tuple[object, ...]:
    market, price = runner.market_id or "", _price(runner)
    return runner.track, market, runner.race_number or "", "", runner.name, runner.number or "", price


def _bet_angel(runner: RatedRunner) -> tuple[object, ...]:
    command = f"SET_SV FOR:SELECTION NAME:FairPrice VALUE:{_price(runner)}"
    return runner.selection, _price(runner), command


def _csv(runner: RatedRunner) -> tuple[object, ...]:
    off_at = "" if runner.off_at is None else f"{runner.off_at:%Y-%m-%dT%H:%M:%SZ}"
    return (
        runner.race_id, runner.date, runner.track, "" if runner.race_number is None else runner.race_number,
        runner.distance_m, off_at, runner.market_id or "", runner.selection, runner.number or "", runner.box,
        runner.name, f"{runner.win_probability:.6f}", f"{runner.place_probability:.6f}",
        f"{runner.fair_price:.4f}", runner.model_version,
    )  # fmt: skip


def _price(runner: RatedRunner) -> str:
    return f"{runner.fair_price:.2f}"


FORMATS = {
    "betfair": RatingsFormat(
        (
            "meetings.name", "meetings.races.bfExchangeMarketId", "meetings.races.number",
            "meetings.races.runners.bfExchangeSelectionId", "meetings.races.runners.name",
            "meetings.races.runners.number", "meetings.races.runners.ratedPrice",
        ),
        _betfair,
        "columns of the Betfair Hub's own ratings; selection ids are not stored and stay empty",
    ),
    "gruss": RatingsFormat(
        ("Runner", "Rating"),
        lambda runner: (runner.selection, _price(runner)),
        "runner and rating, for the sheet RATINGS of Gruss Betting Assistant",
    ),
    "betangel": RatingsFormat(
        ("Runner", "Rating", "Command"),
        _bet_angel,
        "runner, rating and the command of a stored value, for a sheet of Bet Angel",
    ),
    "csv": RatingsFormat(
        (
            "race_id", "date", "track", "race_number", "distance_m", "off_at", "market_id", "selection",
            "number", "box", "runner", "win_probability", "place_probability", "fair_price", "model_version",
        ),
        _csv,
        "all that is known",
    ),
}  # fmt: skip


def ratings_file(name: str, runners: Sequence[RatedRunner]) -> str:
    """Return the text of a file in one of :data:`FORMATS`."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180, which Excel writes too
    writer.writerow(FORMATS[name].columns)
    writer.writerows([_plain(cell) for cell in FORMATS[name].cells(runner)] for runner in runners)
    return text.getvalue()


def _plain(cell: object) -> object:
    """Return a cell that a spreadsheet takes for text: names are strangers' and may begin as a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
