"""Leases: one process of many does a job, and another takes over when it dies."""

import datetime as dt

from sqlalchemy import Engine, delete, update

from racing.database.monitor_tables import Lease
from racing.database.upsert import insert_missing

_LEASE = Lease.__table__  # type: ignore[attr-defined]


def hold_lease(engine: Engine, name: str, holder: str, *, seconds: float) -> bool:
    """Take or renew a lease for some seconds; return whether it is ours.

    A holder that did not renew it in time has lost it. Clocks of the processes may differ by less than
    ``seconds``; what is done under a lease must bear being done twice.
    """
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    until = now + dt.timedelta(seconds=seconds)
    with engine.begin() as connection:
        mine = (_LEASE.c.name == name) & ((_LEASE.c.holder == holder) | (_LEASE.c.expires_at < now))
        taken = connection.execute(update(_LEASE).where(mine).values(holder=holder, expires_at=until))
        if taken.rowcount:
            return True
        row = {"name": name, "holder": holder, "expires_at": until}
        return insert_missing(connection, _LEASE, [row]) > 0


def release_lease(engine: Engine, name: str, holder: str) -> None:
    """Give a lease back, if it is ours, so that another process need not wait until it expires."""
    with engine.begin() as connection:
        connection.execute(delete(_LEASE).where(_LEASE.c.name == name, _LEASE.c.holder == holder))
