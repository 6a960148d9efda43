"""The artifact as an MLflow pyfunc, from code: ``mlflow models serve`` and Spark run this file.

Input: a row a runner with the model's feature columns, any of them absent or null where unknown, and
``race_id``, by which the rows are shared; without it all rows are one race. Output: ``win_probability``.
"""

from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
from mlflow.models import set_model

from model_registry.artifact import LoadedModel, load_artifact
from model_registry.feature_rows import probabilities_of_rows


class WinProbability(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined,misc]
    """Give each runner's win probability, summing to 1 within its race."""

    model: LoadedModel

    def load_context(self, context: Any) -> None:
        """Verify and load the artifact."""
        self.model = load_artifact(context.artifacts["model"])

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return one column, ``win_probability``, in the order of the rows."""
        columns = model_input.reindex(columns=list(self.model.spec.features))
        features = columns.to_numpy(np.float32, na_value=np.nan)
        race_id = model_input.get("race_id", None)
        if race_id is not None and race_id.isna().any():
            raise ValueError("race_id must be given for every row or for none")
        shared = probabilities_of_rows(self.model, features, None if race_id is None else race_id.to_numpy())
        return pd.DataFrame({"win_probability": shared}, index=model_input.index)


set_model(WinProbability())
