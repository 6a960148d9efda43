"""The steps of the rating filter, compiled where there was a C compiler, else numpy's."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING or find_spec("racing.ops._filter") is None:
    from racing.ops.plain_filter import abilities as abilities
    from racing.ops.plain_filter import explain as explain
else:
    from racing.ops._filter import abilities as abilities
    from racing.ops._filter import explain as explain
