"""Questions about stored races: they wait in threads of their own, and never for long."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Engine

from racing.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from service.running import Running

Answer = TypeVar("Answer")


async def in_time(service: "Running", work: Callable[[Engine], Answer]) -> Answer:
    """Return what the race database answers.

    Raises
    ------
    racing.errors.DatabaseUnavailable
        If there is none, or if it does not answer in time.
    service.errors.Overloaded
        If too many wait already.
    """

    def ask() -> Answer:
        with service.reads.engine() as engine:
            return work(engine)

    try:
        return await service.browsers.call(ask)
    except TimeoutError:
        seconds = service.settings.database_timeout_s
        raise DatabaseUnavailable(f"the race database has not answered within {seconds:g} s") from None
