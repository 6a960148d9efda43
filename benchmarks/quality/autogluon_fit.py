"""Fit AutoGluon on the rows in a folder: ``python -I autogluon_fit.py FOLDER SECONDS``, in its environment.

Nothing of ours is imported here: the folder holds ``features.json`` (names, and which are categorical),
``train.npy`` with ``won.npy``, and the rows to score, ``calibration.npy`` and ``test.npy``. Beside them it
writes ``calibration_log_odds.npy``, ``test_log_odds.npy`` and ``fit.json``.
"""

import argparse
import importlib.metadata
import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from autogluon.tabular import TabularPredictor  # type: ignore[import-not-found]

PRESETS = "good_quality"
LABEL = "won"


def main() -> None:
    """Fit and score; write how long it took and which of its models it retained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--cpus", default="auto", help="how many processor cores to use")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    train = _rows(folder, "train")
    train[LABEL] = np.load(folder / "won.npy").astype(np.int64)
    models = folder / "models"
    cpus = arguments.cpus if arguments.cpus == "auto" else int(arguments.cpus)
    try:
        predictor, seconds = _fit(train, models, arguments.seconds, cpus)
        stacking = "as the preset has it"
    except Exception as error:
        # Its trial of stacking can take all the time and leave no model: then it is given all of it again.
        print(f"without a trial of stacking, since with it: {error}", flush=True)
        predictor, seconds = _fit(train, models, arguments.seconds, cpus, dynamic_stacking=False)
        stacking = "without its trial of stacking, which left no time for a model"
    for part in ("calibration", "test"):
        p = predictor.predict_proba(_rows(folder, part), as_multiclass=False).to_numpy(np.float64)
        p = np.clip(p, 1e-9, 1 - 1e-9)
        np.save(folder / f"{part}_log_odds.npy", np.log(p) - np.log1p(-p))
    board = predictor.leaderboard(silent=True)[["model", "score_val", "fit_time"]]
    fit: dict[str, Any] = {
        "version": importlib.metadata.version("autogluon.tabular"),
        "presets": PRESETS,
        "stacking": stacking,
        "time_limit_s": arguments.seconds,
        "seconds": seconds,
        "rows": len(train),
        "best": predictor.model_best,
        "card_ms": _card_ms(predictor, _rows(folder, "test")),
        "models": json.loads(board.to_json(orient="records")),
    }
    (folder / "fit.json").write_text(json.dumps(fit, indent=2))
    shutil.rmtree(models, ignore_errors=True)


def _fit(
    train: pd.DataFrame, models: Path, seconds: float, cpus: int | str, **settings: Any
) -> tuple[TabularPredictor, float]:
    shutil.rmtree(models, ignore_errors=True)
    began = time.monotonic()
    predictor = TabularPredictor(
        label=LABEL, problem_type="binary", eval_metric="log_loss", path=str(models), verbosity=2
    )
    predictor.fit(train, presets=PRESETS, time_limit=seconds, num_cpus=cpus, **settings)
    return predictor, time.monotonic() - began


def _card_ms(predictor: TabularPredictor, rows: pd.DataFrame) -> float:
    """Return the milliseconds that eight runners take: a tenth of single calls is quicker."""
    predictor.persist()
    took = []
    for start in range(0, min(len(rows), 400) - 7, 8):
        began = time.perf_counter()
        predictor.predict_proba(rows.iloc[start : start + 8], as_multiclass=False)
        took.append(time.perf_counter() - began)
    return 1000 * float(np.percentile(took, 10))


def _rows(folder: Path, part: str) -> pd.DataFrame:
    features = json.loads((folder / "features.json").read_text())
    rows = pd.DataFrame(np.load(folder / f"{part}.npy"), columns=features["names"])
    for name in features["categorical"]:
        # codes, not amounts; an unknown one stays missing
        rows[name] = rows[name].astype("Int64").astype("category")
    return rows


if __name__ == "__main__":
    main()
