"""What an exported ``.joblib`` file holds: an artifact's files behind the methods of a classifier.

``joblib.load`` needs greyhound with the extra ``training`` where the file is read. No estimator of another
library is in it, so no other library's version matters. Like every pickle, a joblib file may run code: load
only what you have exported.
"""

import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model_registry.artifact import LoadedModel, load_artifact, write_files
from racing.domain.cards import N_RUNNERS

Floats = NDArray[np.float64]


class ExportedModel:
    """A version of the registry as a binary classifier of runners: 1 wins, 0 loses.

    ``X`` has a row a runner: a data frame with the columns of ``feature_names_in_`` in any order, or an array
    with exactly these; NaN is unknown. Runners are judged beside their rivals: without ``race_id``, an array
    of the rows' races or a column of the data frame, all rows are one race.

    Attributes
    ----------
    version : int
        Its number in the registry.
    digest : str
        Of the artifact, proved whenever the file is loaded.
    """

    classes_ = np.array([0, 1])
    _estimator_type = "classifier"

    def __init__(self, files: Mapping[str, bytes], *, digest: str, version: int) -> None:
        self.version, self.digest, self._files = version, digest, dict(files)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is stored: the artifact's bytes, never what was made of them."""
        return {"version": self.version, "digest": self.digest, "_files": self._files}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the bytes, and prove them at once.

        Raises
        ------
        model_registry.errors.ArtifactBroken
            If they are not those of the digest.
        """
        self.__dict__.update(state)
        self.model  # noqa: B018

    def __repr__(self) -> str:
        return f"ExportedModel(version={self.version}, kind={self.model.spec.kind!r})"

    @cached_property
    def model(self) -> LoadedModel:
        """The artifact, verified and loaded."""
        with tempfile.TemporaryDirectory(prefix="greyhound-") as folder:
            write_files(Path(folder), self._files)
            return load_artifact(folder, digest=self.digest)

    @property
    def feature_names_in_(self) -> NDArray[np.object_]:
        """The columns of ``X``, in order."""
        return np.array(self.model.spec.features, dtype=object)

    @property
    def n_features_in_(self) -> int:
        """How many columns ``X`` has."""
        return len(self.model.spec.features)

    def predict_proba(self, X: Any, race_id: ArrayLike | None = None) -> Floats:  # noqa: N803
        """Return each runner's scores as columns loses, wins; wins of one race do not sum to 1."""
        features, race, back = self._by_race(X, race_id)
        wins = self.model.scores(features, race)[back]
        return np.column_stack([1 - wins, wins])

    def predict(self, X: Any, race_id: ArrayLike | None = None) -> NDArray[np.int64]:  # noqa: N803
        """Return 1 where the score is over a half: hardly ever, since even a favourite loses mostly."""
        return (self.predict_proba(X, race_id)[:, 1] > 0.5).astype(np.int64)

    def win_probability(self, X: Any, race_id: ArrayLike | None = None) -> Floats:  # noqa: N803
        """Return each runner's win probability, as the service does: scores shared within the race."""
        features, race, back = self._by_race(X, race_id)
        return self.model.probabilities(features, race)[back]

    def _by_race(
        self,
        rows: Any,
        race_id: ArrayLike | None,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.intp]]:
        """Return the rows with those of a race together, their races numbered, and the way back."""
        if hasattr(rows, "columns"):
            race_id = rows["race_id"] if race_id is None and "race_id" in rows.columns else race_id
            missing = [name for name in self.feature_names_in_ if name not in rows.columns]
            if missing:
                rule = f"X must have the columns of feature_names_in_, {len(missing)} are missing"
                raise ValueError(f"{rule}, the first {missing[0]!r}")
            rows = rows[list(self.feature_names_in_)]
        features = np.asarray(rows, np.float32)
        if features.ndim != 2 or features.shape[1] != self.n_features_in_:
            raise ValueError(f"X must be of shape (n_runners, {self.n_features_in_}), got {features.shape}")
        if race_id is None:
            if len(features) > N_RUNNERS[1]:
                rule = f"a race has {N_RUNNERS[1]} runners at most: give the rows' races as race_id"
                raise ValueError(f"{rule}, got {len(features)} rows without it")
            race_id = np.zeros(len(features))
        races = np.asarray(race_id)
        if races.shape != (len(features),):
            raise ValueError(f"race_id must be of shape ({len(features)},), got {races.shape}")
        numbered = np.unique(races, return_inverse=True)[1].astype(np.int64)
        order = np.argsort(numbered, kind="stable")
        return features[order], numbered[order], np.argsort(order, kind="stable")
