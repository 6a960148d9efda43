"""Deprecated: ``client`` is now ``greyhound_client``; this name is not installed, it works in a checkout."""

import importlib
import sys
import warnings
from typing import Any

import greyhound_client
from greyhound_client import *  # noqa: F403

_MODULES = {
    "awaiting": "async_client",
    "batch": "endpoints",
    "blocking": "client",
    "calling": "transport",
    "calls": "endpoints",
    "errors": "errors",
    "models": "models",
}

warnings.warn("the package `client` is now `greyhound_client`", DeprecationWarning, stacklevel=2)
for _old, _new in _MODULES.items():
    globals()[_old] = sys.modules[f"{__name__}.{_old}"] = importlib.import_module(f"greyhound_client.{_new}")


def __getattr__(name: str) -> Any:
    return getattr(greyhound_client, name)
