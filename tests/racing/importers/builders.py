"""Files as the sources write them, and the content of a database apart from its ids."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from racing.importers.records.source_record import FACTS

FORM_HEADER = "Dog Name,Sex,PLC,BOX,WGT,DIST,DATE,TRACK,G,TIME,WIN,BON,1 SEC,MGN,W/2G,PIR,SP"
BETFAIR_HEADER = (
    "Date,Track,Race Name,Race,MarketId,SelectionId,Rug,Dog,Rated Price,Early Speed,"
    "WIN_RESULT,WIN_BSP,PLACE_RESULT,PLACE_BSP,WIN_VALUE"
)
RESULTS_HEADER = "race_id,date,track,distance_m,grade,runner,box,finish_position,time_s,starting_price"


def form_row(
    name: str = "", *, place: str = "2", box: str = "4", date: str = "2025-07-03", **other: str
) -> str:
    """Return a row of a form guide; ``name`` like ``3. Sir Tick``."""
    fields = {
        "weight": "30.1", "distance": "450", "track": "BAL", "grade": "Grade 5", "time": "25.60",
        "winner_s": "25.40", "split": "6.61", "margin": "3.0", "winner": "Fast Anna",
        "calls": "432", "sp": "4.5$",
    } | other  # fmt: skip
    f = fields
    return (
        f"{name},D,{place},{box},{f['weight']},{f['distance']},{date},{f['track']},{f['grade']},{f['time']},"
        f"{f['winner_s']},25.1,{f['split']},{f['margin']},{f['winner']},{f['calls']},{f['sp']}"
    )


def betfair_row(dog: str, rug: int, *, won: str = "0.0", market: str = "77", **other: str) -> str:
    """Return a row of a Betfair file."""
    f = {
        "date": "2025-07-03",
        "track": "Ballarat",
        "race": "R4 450m Gr5",
        "bsp": "5.2",
        "rated": "6.0",
    } | other
    race = f"{f['date']},{f['track']},{f['race']},4,{market}"
    return f"{race},1,{rug},{dog},{f['rated']},,{won},{f['bsp']},{won},,"


def results_row(dog: str, box: int, place: str, **other: str) -> str:
    """Return a row of a results file."""
    f = {"race_id": "r1", "date": "2025-07-03", "track": "Ballarat", "time": "25.5"} | other
    return f"{f['race_id']},{f['date']},{f['track']},450,Grade 5,{dog},{box},{place},{f['time']},4.0"


def write(folder: Path, name: str, *lines: str) -> Path:
    """Write a file of these lines and return its path."""
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def content(engine: Engine) -> dict[str, Any]:
    """Return all that the database says of races, in an order and in text that know no ids."""
    facts = ", ".join(f"r.{name}" for name in FACTS)
    queries = {
        "runs": f"SELECT d.key, r.date, a.distance_m, a.market_id, a.source_key, {facts} FROM run r "
        "JOIN race a ON a.id = r.race_id JOIN dog d ON d.id = r.dog_id",
        "races": "SELECT a.date, t.name, a.distance_m, a.number, a.grade, a.market_id, a.source_key, "
        "a.is_whole FROM race a JOIN track t ON t.id = a.track_id",
        "dogs": "SELECT key, name, sex, sire, dam, born FROM dog",
        "waiting": "SELECT f.name, w.line, w.track, w.race_number, w.dog_key, w.rug, w.is_joined, w.reason "
        "FROM waitingrow w JOIN sourcefile f ON f.id = w.file_id",
        "tracks": "SELECT t.name, t.state, x.alias FROM track t JOIN trackalias x ON x.track_id = t.id",
    }
    with engine.connect() as connection:
        return {
            name: sorted(str(tuple(row)) for row in connection.execute(text(query)))
            for name, query in queries.items()
        }
