"""Recordings of an exchange stream, as Betfair writes them, of races that are made up."""

import bz2
import datetime as dt
import json
from pathlib import Path
from typing import Any

OFF = dt.datetime(2022, 3, 1, 2, 0, tzinfo=dt.UTC)
DOGS = ("Magic Rogue", "Youre Off", "Castle Town")


def at(minutes: float) -> int:
    """Return a time so many minutes before the off, in milliseconds since 1970."""
    return int((OFF - dt.timedelta(minutes=minutes)).timestamp() * 1000)


def runner(number: int, name: str, status: str = "ACTIVE", **more: Any) -> dict[str, Any]:
    """Return a runner of a definition; its selection is 100 times its number."""
    numbered = f"{number}. {name}" if number else name
    return {"status": status, "sortPriority": number, "id": 100 * number, "name": numbered, **more}


def definition(*runners: dict[str, Any], **other: Any) -> dict[str, Any]:
    """Return a market's definition, by default of a race to come in Devonport."""
    if not runners:
        runners = tuple(runner(number, name) for number, name in enumerate(DOGS, 1))
    return {
        "eventTypeId": "4339", "marketType": "WIN", "numberOfWinners": 1, "status": "OPEN",
        "marketTime": f"{OFF:%Y-%m-%dT%H:%M:%S}.000Z", "venue": "Devonport", "countryCode": "AU",
        "timezone": "Australia/Sydney", "name": "R1 452m Gr6", "eventName": "Devonport (AUS) 1st Mar",
        "runners": list(runners),
    } | other  # fmt: skip


def settled(winner: int = 1, **other: Any) -> dict[str, Any]:
    """Return the last definition of a market: a winner, and starting prices 3, 4, 5."""
    runners = [
        runner(number, name, "WINNER" if number == winner else "LOSER", bsp=2.0 + number)
        for number, name in enumerate(DOGS, 1)
    ]
    return definition(*runners, status="CLOSED", **other)


def message(minutes: float, *changes: dict[str, Any], market: str = "1.195395419", **defined: Any) -> bytes:
    """Return a message of a time before the off: what changed of runners, or a ``definition``."""
    change: dict[str, Any] = {"id": market}
    if defined:
        change["marketDefinition"] = defined["definition"]
    if changes:
        change["rc"] = list(changes)
    return json.dumps({"op": "mcm", "clk": "1", "pt": at(minutes), "mc": [change]}).encode()


def prices(number: int, back: float, lay: float, **more: Any) -> dict[str, Any]:
    """Return what changed of a runner: one price to back and one to lay."""
    return {"id": 100 * number, "atb": [[back, 10]], "atl": [[lay, 10]], **more}


def recording(*lines: bytes) -> bytes:
    """Return the bytes of a recording."""
    return b"\n".join(lines) + b"\n"


def whole_race(market: str = "1.195395419", **other: Any) -> tuple[bytes, ...]:
    """Return the messages of a race whose prices stand from 70 minutes before the off until it."""
    opened = [prices(number, 1.9 + number, 2.1 + number, ltp=2.0 + number, tv=50.0) for number in (1, 2, 3)]
    return (
        message(71, market=market, definition=definition(**other)),
        message(70, *opened, market=market),
        message(-0.5, market=market, definition=definition(status="SUSPENDED", **other)),
        message(-5, market=market, definition=settled(**other)),
    )


def write_stream(folder: Path, name: str, *lines: bytes) -> Path:
    """Write a recording, packed as Betfair does where its name says so, and return its path."""
    path = folder / name
    raw = recording(*lines)
    path.write_bytes(bz2.compress(raw) if name.endswith(".bz2") else raw)
    return path
