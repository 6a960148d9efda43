"""How far a retraining is, in a file that outlives its process, and the lock by which there is one at a time.

Two locks: a file's, which ends with its process, for this machine; and a lease in the race database for
other machines, which ends a minute after its process. The process that has the file's lock takes over a
lease of this machine.
"""

import datetime as dt
import fcntl
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Engine, delete, select

from greyhound.errors import RetrainingUnderWay
from racing.database.lease import hold_lease, release_lease
from racing.database.monitor_tables import Lease

LEASE = "retraining"
LEASE_S, RENEW_S = 60.0, 15.0
STALE = dt.timedelta(days=7)
"""An interrupted retraining that is older begins anew: there are newer races by then."""
_LEASES = Lease.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Begun:
    """A retraining that was begun and has not ended."""

    at: dt.datetime
    """When it began, UTC; also its name."""
    until: dt.date
    """Its last race day: races that are imported later must not change a search that is to be resumed."""
    is_training: bool = False
    version: int | None = None
    """What it registered."""
    gates_passed: bool | None = None
    verdict: str | None = None


class ProgressFile:
    """Reads and writes how far a retraining is; whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "retrain.json"
        self.journal = folder / "retrain.journal"
        """The search of the retraining that was begun, and of no other, so that it can always be resumed."""

    def read(self, now: dt.datetime) -> Begun | None:
        """Return what was begun and not ended, unless it is stale or cannot be read."""
        try:
            values = json.loads(self._path.read_text(encoding="utf-8"))
            begun = Begun(
                **values
                | {
                    "at": dt.datetime.fromisoformat(values["at"]),
                    "until": dt.date.fromisoformat(values["until"]),
                }
            )
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return begun if now - begun.at < STALE else None

    def begin(self, begun: Begun) -> None:
        """Note that one began, with a search in which nothing was tried yet."""
        self.journal.write_bytes(b"")
        self.write(begun)

    def write(self, begun: Begun) -> None:
        """Note how far it is."""
        text = json.dumps(asdict(begun), default=lambda value: value.isoformat())
        new = self._path.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        os.replace(new, self._path)

    def remove(self) -> None:
        """Note that it has ended."""
        self._path.unlink(missing_ok=True)
        self.journal.unlink(missing_ok=True)


@contextmanager
def one_at_a_time(folder: Path, engine: Engine) -> Iterator[None]:
    """Keep any other retraining of this database out.

    Raises
    ------
    greyhound.errors.RetrainingUnderWay
        If there is one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    host = socket.gethostname()
    holder = f"{host}:{os.getpid()}"
    with (folder / "retrain.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the process, however that ends
        except BlockingIOError:
            raise RetrainingUnderWay(f"another process retrains already ({lock.name} is locked)") from None
        with engine.begin() as connection:
            left = connection.scalar(select(_LEASES.c.holder).where(_LEASES.c.name == LEASE))
            if left is not None and left.rpartition(":")[0] == host:  # it is dead, or it had the file's lock
                connection.execute(delete(_LEASES).where(_LEASES.c.name == LEASE, _LEASES.c.holder == left))
        if not hold_lease(engine, LEASE, holder, seconds=LEASE_S):
            raise RetrainingUnderWay(
                f"another machine retrains already ({left}); one that died is over in {LEASE_S:.0f} s"
            )
        ended = threading.Event()
        renewing = threading.Thread(target=_renew, args=(engine, holder, ended), daemon=True)
        renewing.start()
        try:
            yield
        finally:
            ended.set()
            renewing.join(RENEW_S)
            release_lease(engine, LEASE, holder)


def _renew(engine: Engine, holder: str, ended: threading.Event) -> None:
    while not ended.wait(RENEW_S):
        try:
            hold_lease(engine, LEASE, holder, seconds=LEASE_S)
        except Exception:  # the database may be away for a while: the next one renews it
            continue
