"""Stored races as a results CSV in our own columns: what ``greyhound import results`` reads."""

import csv
import os
import tempfile
from pathlib import Path

from sqlalchemy import Engine, text

COLUMNS = (
    "race_id", "date", "track", "distance_m", "race_number", "grade", "runner", "box", "weight_kg",
    "finish_position", "time_s", "first_split_s", "margin_lengths", "position_in_running", "starting_price",
    "bsp", "place_bsp", "rated_price", "true_probability",
)  # fmt: skip

_QUERY = """
SELECT race.id AS race_id, race.date, track.name AS track, race.distance_m, race.number AS race_number,
    race.grade, dog.name AS runner, run.box, run.weight_kg, run.finish_position, run.time_s,
    run.first_split_s, run.margin_lengths, run.position_in_running, run.starting_price, run.bsp,
    run.place_bsp, run.rated_price, run.true_probability
FROM run JOIN race ON race.id = run.race_id JOIN track ON track.id = race.track_id
    JOIN dog ON dog.id = run.dog_id
WHERE NOT run.is_scratched ORDER BY race.date, race.id, run.box, run.id
"""


def write_results(engine: Engine, path: Path) -> int:
    """Write every stored race, a row a runner, whole or not at all; return the number of rows."""
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.absolute().parent)
    try:
        with open(handle, "w", newline="", encoding="utf-8") as file, engine.connect() as connection:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            n_rows = 0
            for row in connection.execute(text(_QUERY)):
                writer.writerow([_shortened(value) for value in row])
                n_rows += 1
        os.chmod(draft, 0o644)
        os.replace(draft, path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return n_rows


def _shortened(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value
