"""The family: what a net is fitted with, and how long."""

from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np
import optuna

from racing.domain.runs import WINDOW
from training.data.training_set import TrainingSet
from training.errors import FamilyUnavailable
from training.families.family import Params, Setting
from training.families.field_net.member import FieldNetMember
from training.families.field_net.scales import learn_scales
from training.families.field_net.shape import Shape

_ROWS_OF_RUNS = 40_000  # the latest runners' runs say enough of means and deviations


class FieldNet:
    """Attention over each dog's runs, then over the field; one recipe, that no search changes.

    Nets of other numbers begin with other weights and see the races in another order: a blend of them errs
    less than each.
    """

    has_focal_loss = False
    reads_field = True
    n_trials = 1
    defaults: ClassVar[Params] = {
        "n_layers": 1, "n_epochs": 10, "races_a_step": 256, "rate": 0.002, "weight_decay": 0.03,
        "dropout": 0.1, "run_dropout": 0.1,
    }  # fmt: skip

    def __init__(self, number: int = 1) -> None:
        self.number = number
        self.name = "field_net" if number == 1 else f"field_net_{number}"

    @property
    def is_available(self) -> bool:
        """Return whether torch is installed."""
        return find_spec("torch") is not None

    def suggest(self, trial: optuna.trial.BaseTrial) -> dict[str, Any]:
        """Return the recipe: a fit takes minutes, and its settings were found on other races."""
        return dict(self.defaults)

    def n_steps(self, params: Params) -> int:
        """Return the epochs of a fit."""
        return int(params["n_epochs"])

    def fit(self, train: TrainingSet, params: Params, setting: Setting) -> FieldNetMember:
        """Return a net fitted on the training set's races, on one thread: two wait for each other.

        Raises
        ------
        FamilyUnavailable
            If torch is not installed.
        """
        if not self.is_available:
            raise FamilyUnavailable(
                "field_net needs torch: pip install 'greyhound[nets]', or leave it out of --families"
            )
        from training.families.field_net.fitting import Recipe, fit_weights

        recipe = {name: value for name, value in params.items() if name != "n_layers"}
        shape = _shape(train, setting, params["n_layers"])
        seed = setting.seed + self.number - 1
        weights = fit_weights(train, shape, Recipe(**recipe), seed, setting.on_step)
        return FieldNetMember(shape, weights)


class LongFieldNet(FieldNet):
    """A net that is fitted for longer: alone it is no better, in a blend with others it is."""

    defaults: ClassVar[Params] = {**FieldNet.defaults, "n_epochs": 14}


def _shape(train: TrainingSet, setting: Setting, n_layers: int) -> Shape:
    runs = train.run_features
    n_run_columns = 0 if runs is None else runs.shape[1] // WINDOW
    of_run = np.zeros((1, 0), np.float32)
    if runs is not None:
        latest = slice(-_ROWS_OF_RUNS, None) if train.run_rows is None else train.run_rows[-_ROWS_OF_RUNS:]
        single = runs[latest].reshape(-1, n_run_columns)
        of_run = single[~np.isnan(single).all(axis=1)]
    return Shape(
        n_features=train.features.shape[1],
        n_run_columns=n_run_columns,
        n_runs=WINDOW if n_run_columns else 0,
        static=learn_scales(train.features, tuple(setting.categorical)),
        of_run=learn_scales(of_run),
        n_layers=n_layers,
    )
