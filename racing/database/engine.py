"""Open the race database: SQLite in a file by default, PostgreSQL by URL, always at the newest schema."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from racing.database.schema_version import newest_schema, schema_of
from racing.database.statement_timeout import limit_statements
from racing.domain.errors import DatabaseUnavailable

BUSY_TIMEOUT_S = 10.0  # a writer holds the lock for a batch of rows, about 2 s
CONNECT_TIMEOUT_S = 10
# A server that the network has lost is noticed within some 20 s, not hours.
_KEEP_ALIVE = {
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


def open_database(url: str, *, create: bool = False, statement_timeout_s: float | None = None) -> Engine:
    """Open the database, bring its schema up to date and return its engine.

    With ``statement_timeout_s`` the database itself ends each statement that takes longer, with an
    :class:`~sqlalchemy.exc.OperationalError`, so that a read that nobody waits for takes nothing from others.
    Bringing the schema up to date is exempt.

    Raises
    ------
    DatabaseUnavailable
        If it is absent (and not to be created), no database, locked, out of reach, or newer than we are.
    """
    parsed = parse_address(url)
    _check_file(parsed, create)
    engine = _engine(parsed, create=create)
    try:
        with engine.connect() as connection:
            revision, n_tables = schema_of(connection)
            if revision != newest_schema():
                from racing.database.migrating import migrate

                _check_revision(parsed, revision, n_tables, create)
                migrate(connection)
    except DBAPIError as error:
        engine.dispose()
        raise DatabaseUnavailable(f"the database {_shown(parsed)} {_why(error)}") from error
    except DatabaseUnavailable:
        engine.dispose()
        raise
    if statement_timeout_s is not None:
        engine.dispose()  # connections that are open have no limit yet
        limit_statements(engine, statement_timeout_s)
    return engine


def upgrade(url: str) -> None:
    """Bring the schema of the database up to date, creating the database where it is a file."""
    open_database(url, create=True).dispose()


def make_tables(url: str, revision: str) -> None:
    """Make the tables of a revision in an empty database, as a backup of it has them.

    Raises
    ------
    DatabaseUnavailable
        If the revision is not one of ours.
    """
    from racing.database.migrating import migrate

    parsed = parse_address(url)
    check_revision(parsed, revision)
    engine = _engine(parsed, create=True)
    try:
        with engine.connect() as connection:
            migrate(connection, revision)
    finally:
        engine.dispose()


def check_revision(url: URL, revision: str) -> None:
    """Raise :class:`DatabaseUnavailable` if a schema is newer than this program."""
    from racing.database.migrating import is_known

    if not is_known(revision):
        rule = f"has schema {revision}, newer than this program's {newest_schema()}"
        raise DatabaseUnavailable(f"the database {_shown(url)} {rule}; upgrade the program")


def require_newest_schema(url: str) -> None:
    """Return if the database is there and its schema is up to date; change nothing.

    Raises
    ------
    DatabaseUnavailable
        If it is absent, out of reach, empty, older or newer than we are.
    """
    parsed = parse_address(url)
    _check_file(parsed, create=False)
    engine = _engine(parsed, create=False)
    try:
        with engine.connect() as connection:
            revision, n_tables = schema_of(connection)
            _check_revision(parsed, revision, n_tables, create=False)
    except DBAPIError as error:
        raise DatabaseUnavailable(f"the database {_shown(parsed)} {_why(error)}") from error
    finally:
        engine.dispose()
    if revision != (newest := newest_schema()):
        rule = f"has schema {revision}, older than this program's {newest}"
        raise DatabaseUnavailable(f"the database {_shown(parsed)} {rule}; `greyhound migrate` upgrades it")


def parse_address(url: str) -> URL:
    """Return the address of a database in parts; :class:`DatabaseUnavailable` if it is none of ours."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:  # a port that is no number is the latter
        rule = "a database URL reads sqlite:///PATH or postgresql://USER@HOST/NAME"
        raise DatabaseUnavailable(f"{rule}, and this one does not") from error
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise DatabaseUnavailable(f"the database must be sqlite or postgresql, got {parsed.drivername!r}")
    return parsed


def _check_file(url: URL, create: bool) -> None:
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return
    path = Path(url.database)
    if path.is_dir():
        raise DatabaseUnavailable(f"the database {path} is a folder, not a file")
    if path.exists():
        return
    if not create:
        raise DatabaseUnavailable(
            f"there is no database at {path}; `greyhound import` or `simulate` makes one"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnavailable(f"cannot make the folder of {path}: {error.strerror}") from error


def _engine(url: URL, *, create: bool) -> Engine:
    arguments: dict[str, Any]
    if url.get_backend_name() == "sqlite":
        arguments = {"timeout": BUSY_TIMEOUT_S}
    else:
        arguments = {"connect_timeout": CONNECT_TIMEOUT_S, **_KEEP_ALIVE}
    try:
        engine = create_engine(url, connect_args=arguments)
    except NoSuchModuleError as error:
        raise DatabaseUnavailable(f"there is no driver for {url.drivername!r}") from error
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
        if not create:
            event.listen(engine, "do_connect", _open_existing)
    return engine


def _open_existing(_: Any, __: Any, arguments: list[Any], options: dict[str, Any]) -> None:
    """Open a file only if it is there: SQLite would make an empty one where it was moved away meanwhile."""
    path = arguments[0]
    if path != ":memory:" and not options.get("uri"):
        arguments[0], options["uri"] = f"file:{quote(str(path))}?mode=rw", True


def _set_pragmas(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


def _check_revision(url: URL, revision: str | None, n_tables: int, create: bool) -> None:
    if revision is None:
        if n_tables:
            raise DatabaseUnavailable(f"the database {_shown(url)} holds other tables than ours")
        if not create:
            raise DatabaseUnavailable(f"the database {_shown(url)} is empty; import or simulate races first")
        return
    check_revision(url, revision)


def _shown(url: URL) -> str:
    """Return the URL for a message: without its password, and without its query, which may hold one too."""
    if url.get_backend_name() == "sqlite":
        return url.database or "in memory"
    return url.set(query={}).render_as_string()


def _why(error: DBAPIError) -> str:
    message = " ".join(str(error.orig).split())
    if "not a database" in message:
        return "is not an SQLite database"
    if "locked" in message:
        return f"is locked by another process (waited {BUSY_TIMEOUT_S:.0f} s)"
    if "unable to open" in message or "readonly" in message:
        return f"cannot be opened: {message}"
    if "disk" in message:
        return f"cannot be written: {message}"
    return f"cannot be reached: {message}"
