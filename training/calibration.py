"""From a member's log odds to honest probabilities: Platt or isotonic, and how far a race sharpens them."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar  # type: ignore[import-untyped]
from sklearn.isotonic import IsotonicRegression  # type: ignore[import-untyped]

from model_registry.artifact.spec import Calibration, Isotonic, Platt
from racing.probabilities import race_level, share_within_race
from training.objective import race_losses

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Races = NDArray[np.int64]


_MIN_SLOPE = 0.01
_LARGEST_EXPONENT, _LEAST_SPREAD = 3.0, 0.01


def fit_calibration(method: str, log_odds: Floats, won: Flags) -> Calibration:
    """Fit the calibration of a name: ``platt``, ``isotonic`` or ``none``."""
    match method:
        case "platt":
            return fit_platt(log_odds, won)
        case "isotonic":
            return fit_isotonic(log_odds, won)
        case "none":
            return None
    raise ValueError(f"calibration must be platt, isotonic or none, got {method!r}")


def fit_platt(log_odds: Floats, won: Flags) -> Platt:
    """Fit score = sigmoid(slope * log_odds + intercept) (Platt 1999).

    The slope is at least 0.01: below 0 the order of the runners would turn around. The loss is convex, and is
    searched within bounds: Newton's steps swing without end on log odds that are far from the scores.
    """
    target = np.clip(won, 1 / (len(won) + 2), 1 - 1 / (len(won) + 2))  # Platt's own guard against certainty
    # Log odds of a known middle and spread: the two numbers then hardly depend on each other.
    middle, spread = float(np.mean(log_odds)), max(float(np.std(log_odds)), 1e-6)
    x = (log_odds - middle) / spread

    def loss(numbers: Floats) -> tuple[float, Floats]:
        z = numbers[0] * x + numbers[1]
        error = _sigmoid(z) - target
        away = numbers - [spread, middle]  # from slope 1 and intercept 0; keeps constant log odds solvable
        total = np.logaddexp(0, z).sum() - z @ target + 5e-4 * away @ away
        return float(total) / len(x), (np.array([error @ x, error.sum()]) + 1e-3 * away) / len(x)

    found = minimize(
        loss,
        np.array([spread, middle]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(_MIN_SLOPE * spread, None), (None, None)],
        options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 500},
    )
    slope = max(float(found.x[0]) / spread, _MIN_SLOPE)
    return Platt(slope, float(found.x[1]) - slope * middle)


def fit_isotonic(log_odds: Floats, won: Flags) -> Isotonic:
    """Fit a rising table of scores (Zadrozny and Elkan 2002), its ends off 0 and 1."""
    fitted = IsotonicRegression(y_min=1e-4, y_max=1 - 1e-4).fit(log_odds, won)
    knots, places = np.unique(np.asarray(fitted.X_thresholds_, np.float64), return_index=True)
    scores = np.maximum.accumulate(np.asarray(fitted.y_thresholds_, np.float64)[places])
    return Isotonic(tuple(knots.tolist()), tuple(scores.tolist()))


def calibrated_log_odds(calibration: Calibration, log_odds: Floats) -> Floats:
    """Return the log odds of the calibrated scores."""
    match calibration:
        case Platt(slope, intercept):
            return slope * log_odds + intercept
        case Isotonic(knots, scores):
            score = np.clip(np.interp(log_odds, knots, scores), 1e-6, 1 - 1e-6)
            odds: Floats = np.log(score) - np.log1p(-score)
            return odds
        case None:
            return log_odds


def calibrated_scores(calibration: Calibration, log_odds: Floats) -> Floats:
    """Return calibrated scores in [0, 1], each runner judged on its own."""
    if isinstance(calibration, Isotonic):
        return np.interp(log_odds, calibration.log_odds, calibration.score)
    return _sigmoid(calibrated_log_odds(calibration, log_odds))


def fit_exponent(log_odds: Floats, target: Floats | Flags, race: Races) -> float:
    """Return the sharing exponent of the greatest likelihood, for whole races or the known parts of them.

    It lies within 0.2..3, and may be larger where the log odds of a race hardly differ: a calibration of
    scores shrinks those that come with a level of their race, which says nothing within it.
    ``target`` is what each runner should be given of its race: who won, or a share.
    """
    spread = float(np.std(log_odds - race_level(log_odds, race)))
    largest = _LARGEST_EXPONENT / min(max(spread, _LEAST_SPREAD), 1.0)

    def loss(log_exponent: float) -> float:
        shared = share_within_race(log_odds, race, float(np.exp(log_exponent)))
        return float(race_losses(shared, target, race).mean())

    found = minimize_scalar(
        loss, bounds=(np.log(0.2), np.log(largest)), method="bounded", options={"xatol": 1e-4}
    )
    return float(np.exp(found.x))


def _sigmoid(x: Floats) -> Floats:
    # tanh never overflows, unlike 1 / (1 + exp(-x))
    return 0.5 * (1.0 + np.tanh(0.5 * x))
