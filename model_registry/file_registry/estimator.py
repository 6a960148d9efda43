"""``ExportedModel`` by the module name that ``.joblib`` files of earlier releases hold."""

import warnings

from model_registry.file_export.estimator import ExportedModel

__all__ = ["ExportedModel"]

warnings.warn(
    "this model was exported by an earlier release; `greyhound models export` writes it anew",
    DeprecationWarning,
    stacklevel=2,
)
