"""API keys in the race database: make, list, revoke, and read them."""

import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from racing.database.tables import ApiKey
from service.errors import KeyNotMade, NoSuchKey

SCOPES = {
    "read": "see which model serves and how good it is, where reading is behind keys",
    "predict": "have cards predicted, where predicting is behind keys",
    "results": "bring the results of races",
    "promote": "make a version the champion, and roll back",
}
_NAME = re.compile(r"[\w .@/:+-]{1,60}")
_KEY = ApiKey.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Key:
    """A key that was made with ``greyhound keys add``, without its text."""

    id: str
    name: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A key with its history."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: dt.datetime
    last_used: dt.datetime | None
    """To within some minutes; None if never."""
    revoked_at: dt.datetime | None


def add_key(engine: Engine, name: str, scopes: Iterable[str]) -> tuple[StoredKey, str]:
    """Make a key, and return it with its text, which cannot be had again.

    Raises
    ------
    service.errors.KeyNotMade
        If the name is taken or malformed, or a scope is unknown.
    """
    wanted = [scope for scope in SCOPES if scope in set(scopes)]
    if unknown := sorted(set(scopes) - SCOPES.keys()):
        raise KeyNotMade(f"a scope is one of {', '.join(SCOPES)}, got {unknown[0]!r}")
    if not wanted:
        raise KeyNotMade(f"a key needs a scope: {', '.join(SCOPES)}")
    if not _NAME.fullmatch(name) or name != name.strip():
        raise KeyNotMade(f"a name has 1..60 letters, digits, spaces and . @ / : + - _, got {name[:80]!r}")
    identity = secrets.token_hex(4)
    text = f"gh_{identity}_{secrets.token_urlsafe(32)}"
    values = {"id": identity, "name": name, "scopes": " ".join(wanted), "sha256": digest(text).hex()}
    with engine.begin() as connection:
        if _find(connection, _KEY.c.name, name):
            raise KeyNotMade(f"there is a key {name!r} already; revoke it, or take another name")
        connection.execute(insert(_KEY).values(created_at=_now(), **values))
        return _stored(connection, identity), text


def list_keys(engine: Engine) -> list[StoredKey]:
    """Return every key that was ever made, the oldest first."""
    with engine.connect() as connection:
        ids = connection.execute(select(_KEY.c.id).order_by(_KEY.c.created_at, _KEY.c.id)).scalars().all()
        return [_stored(connection, identity) for identity in ids]


def revoke_key(engine: Engine, key: str) -> StoredKey:
    """Revoke a key, by its id or its name; services refuse it within seconds.

    Raises
    ------
    service.errors.NoSuchKey
        If there is none, or it is revoked already.
    """
    with engine.begin() as connection:
        found = _find(connection, _KEY.c.id, key) or _find(connection, _KEY.c.name, key)
        if not found:
            raise NoSuchKey(f"there is no key {key[:80]!r} that is not revoked yet")
        connection.execute(update(_KEY).where(_KEY.c.id == found).values(revoked_at=_now()))
        return _stored(connection, found)


def read_keys(connection: Connection) -> dict[str, tuple[Key, bytes]]:
    """Return the keys that are not revoked, by id, each with the digest of its text."""
    columns = (_KEY.c.id, _KEY.c.name, _KEY.c.scopes, _KEY.c.sha256)
    rows = connection.execute(select(*columns).where(_KEY.c.revoked_at.is_(None)))
    return {
        identity: (Key(identity, name, frozenset(scopes.split())), bytes.fromhex(sha256))
        for identity, name, scopes, sha256 in rows
    }


def write_use(connection: Connection, ids: Iterable[str]) -> None:
    """Set when keys were last used to now."""
    connection.execute(update(_KEY).where(_KEY.c.id.in_(sorted(ids))).values(last_used=_now()))


def digest(text: str) -> bytes:
    """Return the digest that is stored of a key's text, which is random: it needs no salt or slow hash."""
    return hashlib.sha256(text.encode()).digest()


def _find(connection: Connection, column: Any, value: str) -> str | None:
    query = select(_KEY.c.id).where(column == value, _KEY.c.revoked_at.is_(None))
    found: str | None = connection.execute(query).scalar()
    return found


def _stored(connection: Connection, identity: str) -> StoredKey:
    row = connection.execute(select(_KEY).where(_KEY.c.id == identity)).one()
    return StoredKey(
        id=row.id,
        name=row.name,
        scopes=tuple(row.scopes.split()),
        created_at=_utc(row.created_at),
        last_used=row.last_used and _utc(row.last_used),
        revoked_at=row.revoked_at and _utc(row.revoked_at),
    )


def _utc(moment: dt.datetime) -> dt.datetime:
    """Return a stored moment in UTC; SQLite forgets the zone."""
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
