"""Names that the client had before still work, with a warning."""

import importlib
import sys

import pytest

import greyhound_client
from greyhound_client import GreyhoundClient, RetryPolicy, endpoints, transport


def test_the_name_and_argument_before_retry_policy_are_accepted() -> None:
    with pytest.warns(DeprecationWarning, match="RetryPolicy"):
        assert greyhound_client.Patience is RetryPolicy
    policy = RetryPolicy(n_tries=1)
    with pytest.warns(DeprecationWarning, match="retry_policy"), GreyhoundClient(patience=policy) as client:
        assert client.retry_policy is policy
    with pytest.raises(AttributeError, match="no attribute 'Anything'"):
        _ = greyhound_client.Anything


def test_in_a_checkout_the_package_client_is_the_same_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "client"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.warns(DeprecationWarning, match="now `greyhound_client`"):
        old = importlib.import_module("client")
    assert old.GreyhoundClient is GreyhoundClient
    assert importlib.import_module("client.calls") is endpoints
    assert importlib.import_module("client.calling") is transport
    with pytest.warns(DeprecationWarning, match="RetryPolicy"):
        assert old.Patience is RetryPolicy
    for name in [name for name in sys.modules if name.partition(".")[0] == "client"]:
        del sys.modules[name]
