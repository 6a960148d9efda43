"""A model of nobody, registered under our name as any notebook does."""

from pathlib import Path
from typing import Any

from tests.forkserver import ROOT, run_python
from tests.service.builders import open_registry, point_alias_at

NAME = "greyhound-win"
# What a model needs is stated: MLflow finds it out by importing all anew, which takes half a minute.
REGISTERED = {"registered_model_name": NAME, "pip_requirements": ["scikit-learn"]}


def make_foreign_champion(uri: str, kind: str) -> int:
    """Register a model of sklearn or a pyfunc in a process of its own, point the alias at it; its version."""
    code = "import sys; from tests.service.foreign import main; main(*sys.argv[1:])"
    run_python(code, [uri, kind], imported="training", cwd=ROOT).check_returncode()
    version = open_registry(uri).versions()[0].version
    point_alias_at(uri, version)
    return version


def main(uri: str, kind: str) -> None:
    """Log and register a model."""
    import mlflow
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    class Halves(mlflow.pyfunc.PythonModel):  # type: ignore[misc,name-defined]
        def predict(self, context: Any, model_input: list[float], params: Any = None) -> list[float]:
            return [0.5 for _ in model_input]

    mlflow.set_tracking_uri(uri)
    folder = Path(uri.removeprefix("sqlite:///")).parent
    mlflow.create_experiment("notebook", artifact_location=(folder / "notebook").as_uri())
    mlflow.set_experiment("notebook")
    with mlflow.start_run():
        if kind == "sklearn":
            model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
            mlflow.sklearn.log_model(model, name="model", **REGISTERED)
        else:
            mlflow.pyfunc.log_model(name="model", python_model=Halves(), **REGISTERED)
