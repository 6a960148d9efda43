"""Fit TabM on the rows in a folder: ``python -I tabm_fit.py FOLDER SECONDS``, in its environment.

TabM (Gorishniy, Kotelnikov and Babenko, 2025) is an MLP that is an ensemble by itself. Nothing of ours is
imported here; the folder is as :mod:`benchmarks.quality.autogluon_fit` has it. It learns on one thread from
the earlier nine tenths of the rows and stops where the last tenth gets no better, or the time is over.
"""

import argparse
import copy
import importlib.metadata
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import tabm  # type: ignore[import-not-found]
import torch

SHAPE = {"n_blocks": 2, "d_block": 128, "k": 16, "dropout": 0.1}
BATCH, RATE, DECAY, STOPS_AFTER = 1024, 0.002, 0.0003, 4
EPOCHS = 100


def main() -> None:
    """Fit and score; write how long it took, and how long a card of eight takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("seconds", type=float)
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    torch.set_num_threads(1)
    torch.manual_seed(0)
    features = json.loads((folder / "features.json").read_text())
    rows = {part: np.load(folder / f"{part}.npy") for part in ("train", "calibration", "test")}
    is_code = np.array([name in features["categorical"] for name in features["names"]])
    scaled = _scaled({part: values[:, ~is_code] for part, values in rows.items()})
    codes, sizes = _codes({part: values[:, is_code] for part, values in rows.items()})
    won = torch.as_tensor(np.load(folder / "won.npy").astype(np.float32))
    began = time.monotonic()
    model = tabm.TabM.make(n_num_features=scaled["train"].shape[1], cat_cardinalities=sizes, d_out=1, **SHAPE)
    n_epochs = _fit(model, scaled["train"], codes["train"], won, arguments.seconds)
    seconds = time.monotonic() - began
    for part in ("calibration", "test"):
        p = np.clip(_probabilities(model, scaled[part], codes[part]), 1e-9, 1 - 1e-9)
        np.save(folder / f"{part}_log_odds.npy", np.log(p) - np.log1p(-p))
    fit: dict[str, Any] = {
        "version": importlib.metadata.version("tabm"),
        "shape": SHAPE,
        "time_limit_s": arguments.seconds,
        "seconds": seconds,
        "epochs": n_epochs,
        "rows": len(won),
        "card_ms": _card_ms(model, scaled["test"], codes["test"]),
    }
    (folder / "fit.json").write_text(json.dumps(fit, indent=2))


def _scaled(parts: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """Return columns of mean 0 and deviation 1 by the training rows, cut at 4; unknown is 0 beside a mark."""
    train = parts["train"]
    n_known = np.maximum((~np.isnan(train)).sum(axis=0), 1)
    mean = np.nansum(train, axis=0) / n_known
    deviation = np.sqrt(np.nansum((train - mean) ** 2, axis=0) / n_known)
    marked = np.isnan(train).any(axis=0)
    done = {}
    for part, values in parts.items():
        unknown = np.isnan(values)
        standard = np.clip((values - mean) / np.maximum(deviation, 1e-6), -4, 4)
        both = np.concatenate([np.where(unknown, 0, standard), unknown[:, marked]], axis=1)
        done[part] = torch.as_tensor(both.astype(np.float32))
    return done


def _codes(parts: dict[str, np.ndarray]) -> tuple[dict[str, torch.Tensor], list[int]]:
    """Return codes from 1, 0 where unknown or never seen in training, and how many there are."""
    most = np.nan_to_num(parts["train"]).max(axis=0, initial=0).astype(np.int64)
    done = {}
    for part, values in parts.items():
        code = np.nan_to_num(values, nan=-1).astype(np.int64) + 1
        done[part] = torch.as_tensor(np.where((code < 0) | (code > most + 1), 0, code))
    return done, [int(n) + 2 for n in most]


def _fit(model: Any, rows: torch.Tensor, codes: torch.Tensor, won: torch.Tensor, seconds: float) -> int:
    """Fit until the last tenth of the rows gets no better; return the epochs."""
    ends = time.monotonic() + seconds
    n = int(0.9 * len(won))
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY)
    loss_of = torch.nn.functional.binary_cross_entropy_with_logits
    best, best_state, worse, epoch = np.inf, None, 0, 0
    while epoch < EPOCHS and worse < STOPS_AFTER and time.monotonic() < ends:
        epoch += 1
        model.train()
        for batch in torch.randperm(n).split(BATCH):
            optimizer.zero_grad()
            odds = model(rows[batch], codes[batch]).squeeze(-1)
            loss_of(odds, won[batch][:, None].expand_as(odds)).backward()
            optimizer.step()
            if time.monotonic() > ends:
                break
        p = np.clip(_probabilities(model, rows[n:], codes[n:]), 1e-9, 1 - 1e-9)
        late = won[n:].numpy()
        loss = float(-np.mean(late * np.log(p) + (1 - late) * np.log1p(-p)))
        print(f"epoch {epoch}: {loss:.5f}", flush=True)
        worse += 1
        if loss < best:
            best, best_state, worse = loss, copy.deepcopy(model.state_dict()), 0
    model.load_state_dict(best_state)
    return epoch


def _probabilities(model: Any, rows: torch.Tensor, codes: torch.Tensor) -> np.ndarray:
    """Return the mean of the members' probabilities."""
    model.eval()
    with torch.inference_mode():
        parts = [
            model(some, of_some).squeeze(-1).sigmoid().mean(dim=1)
            for some, of_some in zip(rows.split(8192), codes.split(8192), strict=True)
        ]
    return torch.cat(parts).double().numpy()


def _card_ms(model: Any, rows: torch.Tensor, codes: torch.Tensor) -> float:
    took = []
    for start in range(0, min(len(rows), 2400) - 7, 8):
        began = time.perf_counter()
        _probabilities(model, rows[start : start + 8], codes[start : start + 8])
        took.append(time.perf_counter() - began)
    return 1000 * float(np.percentile(took, 10))


if __name__ == "__main__":
    main()
