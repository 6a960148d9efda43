"""One search in the environment of its code: ``python search_run.py FOLDER TRIALS SEED OUTPUT``.

Written against what every release has (``fit_candidates``, ``choose``, ``fit_again``), so that a checkout of
an older one runs it too. The folder holds the races as arrays, and ``codes.json``.
"""

import json
import resource
import sys
import time
from dataclasses import fields
from pathlib import Path

import numpy as np

from racing.race_table import RaceTable
from training.data.splits import split_by_time
from training.objective import race_losses, race_targets
from training.search.candidates import fit_again, fit_candidates
from training.search.choice import choose
from training.search.settings import SearchSettings


def main() -> None:
    """Search, choose, fit again; write seconds, and each test race's expected loss."""
    folder, n_trials, seed, output = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    names = [field.name for field in fields(RaceTable) if (folder / f"{field.name}.npy").exists()]
    table = RaceTable(**{name: np.load(folder / f"{name}.npy") for name in names})
    codes = json.loads((folder / "codes.json").read_text())
    split = split_by_time(table)
    settings = SearchSettings(n_trials=n_trials, seed=seed)
    began, cpu = time.monotonic(), _cpu_s()
    candidates = fit_candidates(split.train, split.calibration, settings, codes)
    odds = {candidate.name: candidate.unseen_log_odds for candidate in candidates}
    steps = {one.name: one.scoring_steps for one in candidates if hasattr(one, "scoring_steps")}
    choice = choose(odds, split.calibration, settings.calibration, *([steps] if steps else []))
    chosen = fit_again(candidates[choice.name], split.before_test, settings, codes)
    seconds, cpu_s = time.monotonic() - began, _cpu_s() - cpu
    targets = race_targets(split.test)
    races = split.test.take(targets.rows)
    losses = race_losses(chosen.probabilities(split.test)[targets.rows], targets.share, races.race)
    np.save(output.with_suffix(".npy"), losses)
    found = {"trials": n_trials, "seed": seed, "chosen": choice.name, "n_races": len(losses)}
    found |= {"seconds": seconds, "cpu_s": cpu_s, "loss": float(losses.mean())}
    output.write_text(json.dumps(found))


def _cpu_s() -> float:
    used = (resource.getrusage(of) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main()
