"""The two names of MLflow's that are not public and that we use: a release without them fails here first."""

import inspect

from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.utils import request_utils

from model_registry.mlflow_store.bounded_http import BoundedAdapter, install


def test_a_storage_downloads_one_file_by_the_method_that_each_must_have() -> None:
    assert getattr(ArtifactRepository._download_file, "__isabstractmethod__", False)
    parameters = list(inspect.signature(ArtifactRepository._download_file).parameters)
    assert parameters == ["self", "remote_file_path", "local_path"]


def test_every_request_of_mlflows_is_sent_by_a_session_that_is_bounded() -> None:
    install()
    assert "_get_request_session(" in inspect.getsource(request_utils._get_http_response_with_retries)
    session = request_utils._get_request_session(
        max_retries=1,
        backoff_factor=1,
        backoff_jitter=0.0,
        retry_codes=frozenset({503}),
        raise_on_status=True,
        respect_retry_after_header=False,
    )
    assert {type(adapter) for adapter in session.adapters.values()} == {BoundedAdapter}
