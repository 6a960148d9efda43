"""The loops of :mod:`racing.ops`, compiled where there was a C compiler, else numpy's."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

IS_COMPILED = all(find_spec(f"racing.ops.{name}") for name in ("_loops", "_filter", "_trees", "_nets"))
"""All of them, or none is used."""

if TYPE_CHECKING or not IS_COMPILED:
    from racing.ops.plain import *  # noqa: F403
else:
    from racing.ops._loops import *  # noqa: F403
