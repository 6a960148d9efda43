"""The connection to an MLflow store: its address, whether it is there, and its errors as ours."""

import logging
import os
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from model_registry.errors import RegistryError, RegistryUnavailable
from model_registry.mlflow_store.readers import ClientReader, DatabaseReader
from model_registry.mlflow_store.writers import ClientWriter, DatabaseWriter
from racing.redaction import shown, without_secrets

if TYPE_CHECKING:
    from mlflow import (
        MlflowClient,  # takes 1.5 s of processor to import: only what writes versions waits for that
    )

DEFAULT_URI = "sqlite:///var/mlflow.db"
EXPERIMENT = "greyhound"

log = logging.getLogger("greyhound.registry")
_EXPECTED = (sa.exc.SQLAlchemyError, OSError, ImportError)
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
# An answer within seconds or none: MLflow's own defaults retry for minutes. A user's own setting wins.
_SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    # A server may say "come back tomorrow", or send elsewhere.
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",
    "MLFLOW_ALLOW_HTTP_REDIRECTS": "false",
    "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false",  # of any size, from any address that the server names
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # Standard output is the command's: under --json it holds one JSON object.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
# No pool: of a file that was deleted and made anew, it would read the deleted one for ever.
_SQLITE_SETTINGS = {"MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "NullPool"}


class MlflowStore:
    """One MLflow store by its address; nothing is opened before :attr:`client` is first used."""

    def __init__(self, uri: str | None = None, *, create: bool = False) -> None:
        given = uri or os.environ.get("GREYHOUND_REGISTRY") or DEFAULT_URI
        self._url = _database_url(given)
        self._create = create
        self._lock = threading.Lock()
        self._client: MlflowClient | None = None
        #: The file of an SQLite store, else None.
        self.path = _sqlite_path(self._url)
        if self._url is None:
            self.uri = given
        else:
            # Absolute: the address means the same file wherever the process goes.
            absolute = self._url.set(database=str(self.path)) if self.path else self._url
            self.uri = absolute.render_as_string(hide_password=False)

    def __str__(self) -> str:
        return shown(self.uri)

    @property
    def folder(self) -> Path:
        """Where artifacts and caches lie: beside an SQLite file, else ``var``."""
        return self.path.parent if self.path else Path("var").absolute()

    @property
    def client(self) -> "MlflowClient":
        """MLflow's client of a store that is there."""
        self._check_file()
        with self._lock:
            if self._client is None:
                self._client = self._open()
            return self._client

    @property
    def reader(self) -> DatabaseReader | ClientReader:
        """What reads a store that is there: of a database its tables, without MLflow."""
        if self._url is None or self._create:
            return ClientReader(self.client)
        self._check_file()
        with self.errors():
            return self._database_reader

    @property
    def writer(self) -> DatabaseWriter | ClientWriter:
        """What writes aliases and tags of the model: of a database into its tables, without MLflow."""
        if self._url is None or self._create:
            return ClientWriter(self.client)
        self._check_file()
        with self.errors():
            return DatabaseWriter(self._database)

    @property
    def is_server(self) -> bool:
        """Whether it is reached over HTTP, by MLflow's client only."""
        return self._url is None

    @cached_property
    def _database_reader(self) -> DatabaseReader:
        return DatabaseReader(self._database)

    @cached_property
    def _database(self) -> sa.Engine:
        assert self._url is not None
        engine = self._engine(self._url)
        weakref.finalize(self, engine.dispose)  # its connections end with the store
        self._check_tables(engine)
        return engine

    def _engine(self, url: sa.URL) -> sa.Engine:
        if self.path:
            return sa.create_engine(url.set(database=str(self.path)), poolclass=sa.NullPool)
        return sa.create_engine(url, pool_pre_ping=True)

    def _check_file(self) -> None:
        if self.path and not self.path.exists() and not self._create:
            raise RegistryUnavailable(f"there is no registry at {self}; `greyhound train` makes one")

    def experiment(self, name: str = EXPERIMENT) -> str:
        """Return the id of an experiment, made if absent, whose artifacts lie where the store's do."""
        with self.errors():
            found = self.client.get_experiment_by_name(name)
            if found is not None:
                return str(found.experiment_id)
            location = (self.folder / "artifacts").as_uri() + f"/{name}" if self.path else None
            from mlflow.exceptions import MlflowException

            try:
                return str(self.client.create_experiment(name, artifact_location=location))
            except MlflowException as error:
                found = self.client.get_experiment_by_name(name)  # another process was faster
                if found is None:
                    raise RegistryUnavailable(f"{self}: {_first_line(error)}") from error
                return str(found.experiment_id)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raise what MLflow, the database or the network say as :class:`RegistryUnavailable`.

        What an answer that is none of a registry's makes of MLflow's own code is among it, whatever that is.
        """
        try:
            yield
        except RegistryError:
            raise
        except Exception as error:
            if not (isinstance(error, _EXPECTED) or _is_mlflows(error)):
                log.debug("the registry's answer cannot be read", exc_info=True)
            why = without_secrets(f"{self}: {_first_line(error)}", self.uri)
            raise RegistryUnavailable(why) from error

    def _open(self) -> "MlflowClient":
        for name, value in (_SETTINGS | (_SQLITE_SETTINGS if self.path else {})).items():
            os.environ.setdefault(name, value)
        # "Creating initial tables", "Context impl SQLiteImpl", and the traces of errors that we report.
        logging.getLogger("mlflow.store").setLevel(logging.CRITICAL)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # its retries are logged with the whole address
        with self.errors():
            if self.path and not self.path.exists():
                self._make(self.path)
            elif self._url is not None:
                engine = self._engine(self._url)
                self._check_tables(engine)
                engine.dispose()
            from mlflow import MlflowClient

            from model_registry.mlflow_store.bounded_http import install

            install()
            return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def _check_tables(self, engine: sa.Engine) -> None:
        """Refuse a store without tables: MLflow's client would make them for a mere reader."""
        if not sa.inspect(engine).has_table("registered_model_aliases") and not self._create:
            raise RegistryUnavailable(f"{self} is not an MLflow registry: it has no registered_model_aliases")

    def _make(self, path: Path) -> None:
        """Make an SQLite store under another name first: a service never sees half of its tables."""
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        try:
            artifacts = (path.parent / "artifacts").as_uri()
            SqlAlchemyStore(f"sqlite:///{draft}", artifacts).engine.dispose()  # type: ignore[no-untyped-call]
            try:
                os.link(draft, path)  # unlike a rename, fails if another process was faster
            except FileExistsError:
                return
        finally:
            draft.unlink(missing_ok=True)


def _database_url(uri: str) -> sa.URL | None:
    if uri.startswith(("http://", "https://")):
        return None
    try:
        url = sa.make_url(uri)
    except (sa.exc.ArgumentError, ValueError):  # a port that is no number is the latter
        url = None
    if url is None or url.get_backend_name() not in _DATABASES:
        # No echo of the whole: what is meant as an address may hold a password.
        kinds = ", ".join(f"{name}://" for name in (*_DATABASES, "http", "https"))
        raise RegistryUnavailable(f"a registry's address starts with {kinds}; got {uri.partition(':')[0]!r}")
    if url.get_backend_name() == "sqlite" and (not url.database or url.database == ":memory:"):
        raise RegistryUnavailable("an SQLite registry needs a file, e.g. sqlite:///var/mlflow.db")
    return url


def _sqlite_path(url: sa.URL | None) -> Path | None:
    if url is None or url.get_backend_name() != "sqlite":
        return None
    return Path(str(url.database)).absolute()


def _is_mlflows(error: Exception) -> bool:
    """Say whether MLflow raised it, which it has not where it was never imported."""
    exceptions = sys.modules.get("mlflow.exceptions")
    return exceptions is not None and isinstance(error, exceptions.MlflowException)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
