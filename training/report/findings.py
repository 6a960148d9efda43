"""What takes long to find out of the judged model; nothing that serves hangs on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from model_registry.artifact import LoadedModel
from racing.features.topics import topic_of
from training.data.splits import Split
from training.evaluation.importance import Importance, permutation_importance
from training.evaluation.written_model import TestEvaluation
from training.report.content import LearningCurve
from training.report.learning import learning_curve
from training.report.loss_metric import loss_metric_for
from training.search.candidates import Candidates
from training.search.choice import Choice
from training.search.settings import SearchSettings

LEARNING_CURVE_SHARE = 0.1
"""Of the training's time so far, what the learning curve may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What more races bring, and what each feature carries."""

    curve: LearningCurve
    importance: Importance


def find(
    candidates: Candidates,
    choice: Choice,
    split: Split,
    settings: SearchSettings,
    categorical: Sequence[int],
    judged: LoadedModel,
    evaluated: TestEvaluation,
    seconds: float,
) -> Findings:
    """Return the findings, given the columns that hold codes and how long the training has lasted."""
    features = judged.spec.features
    return Findings(
        curve=learning_curve(
            candidates,
            choice,
            split,
            settings,
            categorical,
            loss_metric_for(split.test, evaluated.evaluation),
            LEARNING_CURVE_SHARE * seconds,
        ),
        importance=permutation_importance(
            split.test,
            {name: _topic(name) for name in features},
            judged.probabilities,
            judged.scores,
            settings.seed,
        ),
    )


def _topic(feature: str) -> str:
    try:
        return topic_of(feature)
    except ValueError:  # a table of other features than ours
        return "other"
