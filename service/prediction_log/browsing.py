"""Reads of the race database for requests: each purpose in threads of its own, with a time-out."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Engine

from racing.domain.errors import DatabaseUnavailable
from service.errors import NoAnswerInTime
from service.thread_pools import ThreadPool

if TYPE_CHECKING:
    from service.running import Running

Answer = TypeVar("Answer")


async def in_time(
    service: "Running", work: Callable[[Engine], Answer], *, threads: ThreadPool | None = None
) -> Answer:
    """Return what the race database answers, in threads for stored races unless others are given.

    Raises
    ------
    racing.domain.errors.DatabaseUnavailable
        If there is none, or if it does not answer in time.
    service.errors.Overloaded
        If too many wait already.
    """

    def ask() -> Answer:
        with service.reads.engine() as engine:
            return work(engine)

    try:
        return await (threads or service.threads.stored_races).call(ask)
    except NoAnswerInTime as error:
        raise DatabaseUnavailable(str(error)) from None
