"""What a model version is: its artifact, the rules of its promotion, the MLflow registry that stores it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_registry.registry import ModelRegistry


def get_model_registry(uri: str | None = None, *, create: bool = False) -> "ModelRegistry":
    """Return the registry at an MLflow address; begin here.

    Parameters
    ----------
    uri : str, optional
        ``sqlite:///PATH``, ``postgresql://...`` or ``http(s)://...``; by default ``$GREYHOUND_REGISTRY``,
        else ``sqlite:///var/mlflow.db``. Artifacts of an SQLite registry lie in ``artifacts`` beside it.
    create : bool
        Make an SQLite registry that is not there; without it every call to an absent one raises
        :class:`~model_registry.errors.RegistryUnavailable`, and works as soon as it is there.
    """
    from model_registry.registry import (
        ModelRegistry,
    )  # MLflow takes a second to import; artifacts do not need it

    return ModelRegistry(uri, create=create)
