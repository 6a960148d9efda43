"""Features by month as other tools hand them in; test_train_score_evaluate.py shows the commands."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from greyhound.parquet import scores
from greyhound.parquet.features import VERSION_KEY
from racing.domain.errors import FileRefused

FEATURE = "early_speed"


def batches(tmp_path, race_ids, *, metadata=None):
    """Return the races of each batch of a month in which two files lie."""
    for place, ids in enumerate(race_ids):
        columns = {"race_id": pa.array(ids), "run_id": pa.array(range(len(ids)))}
        columns |= {"date": pa.array([0] * len(ids), pa.date32()), FEATURE: pa.array([0.0] * len(ids))}
        table = pa.table(columns).replace_schema_metadata(metadata)
        pq.write_table(table, tmp_path / f"part-{place}.parquet")
    return [batch["race_id"].to_pylist() for batch in scores._whole_races(tmp_path, [FEATURE])]


def test_no_batch_tears_a_race_though_it_begins_in_one_file_and_ends_in_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(scores, "ROWS_AT_ONCE", 3)
    found = batches(tmp_path, [[5, 5, 9, 9, 9, 9, 9, 2], [2, 2, 7]])
    assert [race for batch in found for race in batch] == [5, 5, 9, 9, 9, 9, 9, 2, 2, 2, 7]
    assert sum(len(set(batch)) for batch in found) == 4


@pytest.mark.parametrize(
    ("race_ids", "metadata", "message"),
    [
        ([[1, 1, 2, 2, 1]], None, "those of race 1 do not"),
        ([[1, 1, 2, 2, 3], [1, 1]], None, "those of race 1 do not"),
        ([[1, 1]], {VERSION_KEY: b"0"}, "features of version 0"),
    ],
)
def test_torn_races_and_features_of_another_version_are_refused(tmp_path, race_ids, metadata, message):
    with pytest.raises(FileRefused, match=message):
        batches(tmp_path, race_ids, metadata=metadata)


def test_columns_that_the_model_needs_are_named_where_they_are_missing(tmp_path):
    pq.write_table(pa.table({"race_id": [1], "run_id": [1]}), tmp_path / "part.parquet")
    with pytest.raises(FileRefused, match=f"needs the columns date, {FEATURE}"):
        list(scores._whole_races(tmp_path, [FEATURE]))
