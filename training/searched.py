"""What the search was allowed to spend and what came of it, for the artifact's ``training.json``."""

from typing import Any

from training.candidates import Candidate, Candidates, SearchSettings
from training.choice import Choice


def budget(settings: SearchSettings) -> dict[str, Any]:
    """Return what the search was allowed to spend."""
    return {
        "trials_per_family": settings.n_trials,
        "folds": settings.n_folds,
        "time_budget_s": settings.time_budget_s,
        "search_rows": settings.search_rows,
    }


def families(candidates: Candidates, choice: Choice, chosen: Candidate) -> list[dict[str, Any]]:
    """Return what came of each candidate: its trials, the loss that it was chosen by, and its weight."""
    weights = {member.name: member.weight for member in chosen.members}
    return [
        {
            "name": candidate.name,
            "trials": len(candidate.trials),
            "pruned": sum(trial.state == "pruned" for trial in candidate.trials),
            "best_trial_loss": candidate.best and candidate.best.loss,
            "loss": choice.losses.get(candidate.name),
            "is_chosen": candidate.name == chosen.name,
            "weight": weights.get(candidate.name),
            "imbalance": [kind for kind in candidate.imbalance if kind != "none"],
            "seconds": candidate.seconds,
        }
        for candidate in candidates
    ]
