"""The steps of the rating filter, compiled where there was a C compiler, else numpy's."""

from typing import TYPE_CHECKING

from racing.ops.loops import IS_COMPILED

if TYPE_CHECKING or not IS_COMPILED:
    from racing.ops.plain_filter import abilities as abilities
    from racing.ops.plain_filter import explain as explain
    from racing.ops.plain_filter import settle as settle
else:
    from racing.ops._filter import abilities as abilities
    from racing.ops._filter import explain as explain
    from racing.ops._filter import settle as settle
