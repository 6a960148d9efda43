"""A limit to the time that a statement takes, in the database itself: who waited for it may be gone."""

import time
from typing import Any

from sqlalchemy import Engine, event

_N_STEPS = 50_000  # of SQLite's virtual machine between two looks at the clock, 1 to 5 ms


def limit_statements(engine: Engine, seconds: float) -> None:
    """End each statement of connections to come that takes longer than some seconds."""
    if engine.dialect.name == "postgresql":
        _limit_postgresql(engine, seconds)
    else:
        _limit_sqlite(engine, seconds)


def _limit_postgresql(engine: Engine, seconds: float) -> None:
    milliseconds = max(1, round(seconds * 1000))  # 0 would be no limit

    @event.listens_for(engine, "connect")
    def set_limit(connection: Any, _: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = {milliseconds}")
        connection.commit()


def _limit_sqlite(engine: Engine, seconds: float) -> None:
    @event.listens_for(engine, "connect")
    def watch(connection: Any, record: Any) -> None:
        def is_over() -> bool:
            return time.monotonic() > record.info.get("deadline", float("inf"))

        connection.set_progress_handler(is_over, _N_STEPS)

    @event.listens_for(engine, "before_cursor_execute")
    def begin(connection: Any, *_: Any) -> None:
        connection.info["deadline"] = time.monotonic() + seconds

    @event.listens_for(engine, "checkin")
    def end(_: Any, record: Any) -> None:
        record.info.pop("deadline", None)
