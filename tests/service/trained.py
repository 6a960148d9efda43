"""Builders of versions with the documents that a training leaves, and its report."""

from pathlib import Path
from typing import Any

from tests.service.builders import address, empty_registry, make_model, open_registry

BINS = [0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15, 0.19, 0.26, 0.45]
UNIFORM, MARKET = 1.97, 1.47
REPORT = (
    "<!doctype html><html lang=en><title>Report</title><style>h1{color:teal}</style><h1>NAME</h1>"
    "<script>document.querySelector('h1').textContent = 'taken over'</script>"
)


def figures(name: str, loss: float, model: float) -> dict[str, Any]:
    """One source of probabilities, judged."""
    gap = {"difference": model - loss, "low": model - loss - 0.05, "high": model - loss + 0.05}
    shown = {"auc": 0.5 + (UNIFORM - loss) / 2, "brier": 0.08 + loss / 80, "ece": 0.007, "log_loss": loss / 5}
    return {"name": name, "race_log_loss": loss, "top_pick_rate": 0.4, "model_minus_this": gap} | shown


def gate(name: str, passed: bool, value: float, rule: str, limit: float) -> dict[str, Any]:
    """One gate as an artifact has it."""
    reason = f"{value} must be {rule} {limit}"
    return {"name": name, "passed": passed, "reason": reason, "value": value, "rule": rule, "limit": limit}


def documents(loss: float = 1.59, *, is_simulated: bool = False, passes: bool = True) -> dict[str, Any]:
    """Summary, metrics and training of a model with this race log loss."""
    races = [figures("model", loss, loss), figures("uniform", UNIFORM, loss), figures("box only", 1.96, loss)]
    prices = [figures("rated price", 1.63, loss), figures("market (BSP/SP)", MARKET, loss)]
    parts = {
        "train": ("2025-01-01", "2025-10-31", 2700),
        "calibration": ("2025-11-01", "2025-12-31", 490),
        "test": ("2026-01-01", "2026-02-28", 800),
    }
    data = {
        name: {"from": first, "until": last, "races": n, "runners": 7 * n, "winners": n}
        for name, (first, last, n) in parts.items()
    }
    gates = [
        gate("better than uniform", True, -0.33, "below", 0),
        gate("calibrated", passes, 0.0072 if passes else 0.031, "at most", 0.015),
    ]
    return {
        "summary": {
            "success": True,
            "model_type": f"Ensemble (race log loss {loss:.2f})",
            "accuracy": 0.866,
            "auc_score": 0.778,
            "f1_score": 0.404,
            "last_trained": "2026-03-01T08:05:30Z",
            "features": 145,
            "samples": 18900,
            "class_balance": "SMOTE-NC",
            "calibration": "Platt Scaling",
            "optimization": "Optuna Bayesian (30 trials)",
            "is_simulated": is_simulated,
            "simulated_share": float(is_simulated),
            "gates_passed": passes,
            "gates": gates,
        },
        "metrics": {
            "race_log_loss": loss,
            "auc": 0.5 + (UNIFORM - loss) / 2,
            "ece": 0.007,
            "top_pick_rate": 0.4,
            "n_races": 800,
            "market_information": (UNIFORM - loss) / (UNIFORM - MARKET),
            "ece_by_chance": 0.0144,
            "races": {"n_races": 800, "n_runners": 5796, "rows": races},
            "beside_market": {"n_races": 790, "n_runners": 5700, "rows": races + prices},
            "runners": {"n_runners": 5796, "auc": 0.778, "ece": 0.0139, "balanced_f1": 0.71},
            "reliability": {
                "predicted": BINS,
                "observed": [share + 0.004 for share in BINS],
                "n_runners": [579] * len(BINS),
            },
            "calibration": {
                "ece_before": 0.31, "ece_after": 0.0139, "spread_before": 0.437, "spread_after": 0.32,
            },
            "places": None,
        },
        "training": {
            "data_hash": "d" * 64,
            "git_commit": "c" * 40,
            "data": data,
            "search": {"families": ["xgboost"], "trials": 30, "seed": 0, "calibration": "platt"},
            "choice": {"judged_by": "expected race log loss", "losses": {"xgboost": 1.61, "ensemble": 1.6}},
            "chosen": {"name": "ensemble"},
            "budget": {"trials_per_family": 30, "folds": 3, "time_budget_s": None, "search_rows": 60000},
            "families": [
                {"name": "xgboost", "trials": 30, "pruned": 4, "best_trial_loss": 1.62, "loss": 1.61,
                 "is_chosen": False, "weight": 1.0, "imbalance": ["smote_nc"], "seconds": 41.5},
                {"name": "ensemble", "trials": 0, "pruned": 0, "best_trial_loss": None, "loss": 1.6,
                 "is_chosen": True, "weight": None, "imbalance": ["smote_nc"], "seconds": 41.5},
            ],
            "baselines": {"base_rate": 0.139, "box_rates": [0.139] * 11},
            "versions": {"python": "3.11.7"},
            "seconds": 120.8,
        },
    }  # fmt: skip


def register_trained(
    registry_folder: Path, number: int, *, passes: bool = True, has_report: bool = True, **options: Any
) -> None:
    """Make the next version of a registry, of number ``number``, as a training would."""
    registry = open_registry(address(registry_folder))
    folder = registry_folder / f"trained-{number}"
    make_model(folder, exponent=number / 2, **documents(passes=passes, **options))
    made = registry.register(folder, description=f"Ensemble no. {number}")
    assert made.version == number
    registry.record_gates(number, [] if passes else ["calibrated: 0.031 must be at most 0.015"])
    if has_report:
        page = REPORT.replace("NAME", f"Report of version {number}")
        registry._store.client.log_text(made.run_id, page, "report.html")


def make_trained_registry(folder: Path, *losses: float, promote: int | None = 1, **options: Any) -> str:
    """A registry with one trained version a race log loss, and its address."""
    registry = empty_registry(folder)
    for number, loss in enumerate(losses, start=1):
        register_trained(folder, number, loss=loss, **options)
    if promote is not None:
        registry.promote(promote, reason="the first that passed", by="ada")
    return address(folder)
