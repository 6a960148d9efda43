"""Queries of the race database for requests: in threads of their purpose, with a time-out."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine

from racing.domain.errors import DatabaseUnavailable
from service.errors import NoAnswerInTime
from service.race_database import RaceDatabase
from service.thread_pools import ThreadPool

Result = TypeVar("Result")


async def run_query(database: RaceDatabase, threads: ThreadPool, query: Callable[[Engine], Result]) -> Result:
    """Return what a query returns, run in one of some threads.

    Raises
    ------
    racing.domain.errors.DatabaseUnavailable
        If there is no database, or if it does not answer in time.
    service.errors.Overloaded
        If too many requests wait for these threads already.
    """

    def run() -> Result:
        with database.engine() as engine:
            return query(engine)

    try:
        return await threads.call(run)
    except NoAnswerInTime as error:
        raise DatabaseUnavailable(str(error)) from None
