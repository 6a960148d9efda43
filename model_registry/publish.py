"""Making an artifact a version: logged as a pyfunc from code, so that MLflow's own tools can serve it too."""

import importlib.metadata
import logging
import shutil
import tempfile
import warnings
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion as MlflowVersion
from mlflow.exceptions import MlflowException
from mlflow.models.signature import ModelSignature
from mlflow.types.schema import ColSpec, DataType, Schema

from model_registry.artifact import LoadedModel, load_artifact
from model_registry.errors import ArtifactBroken
from model_registry.versions import tags_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of a type hint within MLflow itself
    import mlflow.pyfunc

CODE = Path(__file__).with_name("pyfunc.py")
DESCRIPTION = """\
Win probabilities of greyhound races. The version with the alias **champion** serves, one with **challenger**
might replace it. A version's source run has how it was made and how good it is; its tags have the figures,
and `gates` says whether it may serve.

`greyhound models promote N` and `rollback` move the alias: they prove the artifact first and keep a record
(the tags `promotion.*`). An alias that is moved by hand is followed too, without either.
"""
_PACKAGES = ("mlflow", "numpy", "onnxruntime", "pandas", "sqlalchemy")


def publish(
    client: MlflowClient, name: str, directory: Path, run_id: str, tags: dict[str, str], description: str
) -> MlflowVersion:
    """Check an artifact, upload it below a run, and return the version that it became."""
    if not directory.is_dir():
        raise ArtifactBroken(f"{directory} is not a directory")
    with tempfile.TemporaryDirectory() as scratch:
        # The copy is what is checked and what is uploaded, and its name is the same for every version.
        copy = Path(shutil.copytree(directory, Path(scratch) / "model", symlinks=True))
        model = load_artifact(copy)
        model.check_golden()
        saved = Path(scratch) / "pyfunc"
        _save_pyfunc(saved, copy, model)
        # One folder an upload: a run may register its candidates one after the other.
        folder = f"model-{model.digest[:12]}"
        client.log_artifacts(run_id, str(saved), folder)
    source = f"{client.get_run(run_id).info.artifact_uri}/{folder}"
    try:
        client.create_registered_model(name, description=DESCRIPTION)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    return client.create_model_version(
        name, source, run_id=run_id, tags=tags_of(model) | tags, description=description or None
    )


def signature_of(model: LoadedModel) -> ModelSignature:
    """Return the pyfunc's signature: a row a runner; without ``race_id`` all rows are one race."""
    features = [ColSpec(DataType.double, feature, required=False) for feature in model.spec.features]
    race = ColSpec(DataType.long, "race_id", required=False)
    output = ColSpec(DataType.double, "win_probability")
    return ModelSignature(inputs=Schema([race, *features]), outputs=Schema([output]))


def _save_pyfunc(path: Path, artifact: Path, model: LoadedModel) -> None:
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # hints to add type hints and an example; there is a signature
            mlflow.pyfunc.save_model(
                path,
                python_model=str(CODE),
                artifacts={"model": str(artifact)},
                signature=signature_of(model),
                pip_requirements=["greyhound", *(_pinned(package) for package in _PACKAGES)],
            )
    finally:
        logger.setLevel(level)


def _pinned(package: str) -> str:
    return f"{package}=={importlib.metadata.version(package)}"
