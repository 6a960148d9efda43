"""A model's probabilities of the runners in Parquet files of features, in batches of whole races."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from greyhound.parquet.features import FILE, VERSION_KEY
from greyhound.parquet.whole_parquet import whole_parquet
from model_registry.artifact import LoadedModel, load_files
from racing.domain.errors import FileRefused
from racing.features import FEATURE_VERSION
from training.engines.work import Data

ROWS_AT_ONCE = 20_000
_SCHEMA = pa.schema(
    [
        ("race_id", pa.int64()),
        ("run_id", pa.int64()),
        ("date", pa.date32()),
        ("win_probability", pa.float64()),
        ("model_version", pa.int32()),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """A registered version as its files, ready to travel."""

    version: int
    files: Mapping[str, bytes]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthScored:
    """How much there was in a month."""

    n_runners: int
    n_races: int


def months_in(folder: Path) -> tuple[str, ...]:
    """Return the months of a folder that hold files, in their order."""
    found = {path.parent.name.partition("=")[2] for path in folder.glob("month=*/*.parquet")}
    if not found:
        raise FileRefused(f"{folder} has no month=YYYY-MM/*.parquet; `greyhound export features` writes them")
    return tuple(sorted(found))


def score_month(data: Data[ModelFiles], month: tuple[str, str, str]) -> MonthScored:
    """Score a month, given with the folders of features and of probabilities; return how much there was."""
    source, target, name = month
    if "model" not in data.made:
        files = dict(data.value.files)
        data.made["model"] = load_files(files, data.value.digest, Path(f"version {data.value.version}"))
    model: LoadedModel = data.made["model"]
    folder = Path(target) / f"month={name}"
    folder.mkdir(parents=True, exist_ok=True)
    n_runners = n_races = 0
    with whole_parquet(folder / FILE, _SCHEMA) as writer:
        for batch in _whole_races(Path(source) / f"month={name}", list(model.spec.features)):
            race_id = batch["race_id"].to_numpy()
            race = np.cumsum(np.diff(race_id, prepend=race_id[0]) != 0)
            columns = [
                batch[feature].to_numpy().astype(np.float32, copy=False) for feature in model.spec.features
            ]
            probabilities = model.probabilities(np.stack(columns, axis=1), race)
            versions = np.full(len(race), data.value.version, np.int32)
            known = [batch[name].combine_chunks() for name in ("race_id", "run_id", "date")]
            arrays = [*known, pa.array(probabilities), pa.array(versions)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=_SCHEMA))
            n_runners, n_races = n_runners + len(race), n_races + int(race[-1]) + 1
    return MonthScored(n_runners=n_runners, n_races=n_races)


def _whole_races(folder: Path, features: list[str]) -> Iterator[pa.Table]:
    """Read a month in batches of whole races: the last race of a batch waits for the next one.

    Raises
    ------
    FileRefused
        If a column is missing, the features are of another version, or a race's rows do not stand together.
    """
    names = ["race_id", "run_id", "date", *features]
    rest: pa.Table | None = None
    ended: set[int] = set()
    for path in sorted(folder.glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            _check(path, file.schema_arrow, names)
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=names):
                rows = pa.Table.from_batches([batch]).select(names)
                rows = rows if rest is None else pa.concat_tables([rest, rows])
                race_id = rows["race_id"].to_numpy()
                begins = np.flatnonzero(np.diff(race_id, prepend=race_id[0] - 1))
                _note(path, race_id[begins[:-1]], int(race_id[-1]), ended)
                if begins[-1]:
                    yield rows.slice(0, begins[-1])
                rest = rows.slice(begins[-1])
    if rest is not None and len(rest):
        yield rest


def _check(path: Path, schema: pa.Schema, names: list[str]) -> None:
    if missing := [name for name in names if name not in schema.names]:
        raise FileRefused(f"{path}: the model needs the columns {', '.join(missing)}, which are not there")
    version = (schema.metadata or {}).get(VERSION_KEY)
    if version is not None and version.decode() != str(FEATURE_VERSION):
        raise FileRefused(
            f"{path}: features of version {version.decode()}, this release has {FEATURE_VERSION}; export anew"
        )


def _note(path: Path, complete: np.ndarray, last: int, ended: set[int]) -> None:
    again = ended.intersection([*complete.tolist(), last])
    ended.update(complete.tolist())
    of_batch = [*complete.tolist(), last]
    if len(set(of_batch)) < len(of_batch) or again:
        torn = min(again, default=last)
        raise FileRefused(
            f"{path}: the rows of a race must stand together, those of race {torn} do not: sort by race_id"
        )
