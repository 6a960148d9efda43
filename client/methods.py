"""How a call becomes a method of a client, with the call's name, signature and words."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_args

Method = TypeVar("Method", bound=Callable[..., Any])


def named_after(describe: Callable[..., Any], method: Method) -> Method:
    """Return a method that looks like the call that it makes, to ``help`` and to editors."""
    told = inspect.signature(describe)
    client = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    (answer,) = get_args(told.return_annotation)
    method.__name__ = describe.__name__
    method.__doc__ = describe.__doc__
    method.__signature__ = told.replace(  # type: ignore[attr-defined]
        parameters=[client, *told.parameters.values()], return_annotation=answer
    )
    return method
