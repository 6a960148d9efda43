"""Log lines: one way for ours, uvicorn's and every library's, as JSON or as text."""

import atexit
import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii as quoted
from types import MappingProxyType
from typing import Any

from racing.domain.plain_text import visible
from racing.redaction import redact_passwords
from service.observability.line_writer import LineWriter
from service.settings import ServiceSettings

REQUESTS = "greyhound.request"
_LEVELS = {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "critical"}
_NONE: Mapping[str, Any] = MappingProxyType({})


class RequestRecord(logging.LogRecord):
    """A record about a request; ``request`` holds the fields of its line, in order."""

    def __init__(
        self,
        level: int,
        message: str,
        arguments: tuple[Any, ...],
        request: Mapping[str, Any],
        error: Any = None,
    ) -> None:
        super().__init__(REQUESTS, level, "", 0, message, arguments, error)
        self.request = request


class JsonFormatter(logging.Formatter):
    """One JSON object a line, in ASCII."""

    def __init__(self) -> None:
        super().__init__()
        self._second = (0, "")

    def format(self, record: logging.LogRecord) -> str:
        """Return a record's line."""
        request = getattr(record, "request", _NONE)
        message = record.getMessage()
        shown = message if request else redact_passwords(message)
        line = (
            f'{{"time":"{self._time(record.created)}","level":"{_LEVELS.get(record.levelno, "info")}"'
            f',"logger":{quoted(record.name)},"message":{quoted(shown)}'
        )
        for name, value in request.items():
            line += f',"{name}":{quoted(value) if type(value) is str else value}'
        if record.exc_info:
            line += f',"trace":{quoted(redact_passwords(self.formatException(record.exc_info)))}'
        return line + "}\n"

    def _time(self, created: float) -> str:
        """Return RFC 3339 in UTC, with milliseconds."""
        second, shown = self._second
        now = int(created)
        if now != second:
            shown = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
            self._second = now, shown
        return f"{shown}.{int((created - now) * 1000):03d}Z"


class TextFormatter(logging.Formatter):
    """For people: a line that begins with the time of day here; a trace follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record's line."""
        message = visible(record.getMessage(), is_one_line=True)  # nobody else's line feeds or colours
        request = getattr(record, "request", None)
        shown = f"  {request['duration_ms']} ms  {visible(request['request_id'])}" if request else ""
        line = f"{time.strftime('%H:%M:%S', time.localtime(record.created))} "
        line += f"{_LEVELS.get(record.levelno, 'info'):<8}{redact_passwords(message)}{shown}\n"
        if record.exc_info:
            line += visible(redact_passwords(self.formatException(record.exc_info))) + "\n"
        return line


class LineHandler(logging.Handler):
    """Hands lines to a writer; it may be called from any thread, and never waits."""

    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self.writer = writer

    def createLock(self) -> None:  # noqa: N802 (logging's name)
        """Take no lock: a deque needs none."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """Format a record and hand it on."""
        try:
            self.writer.put(self.format(record), at_once=record.levelno >= logging.WARNING)
        except Exception:  # logging must not break what is logged
            self.handleError(record)


def configure(settings: ServiceSettings, *, fd: int = 2) -> LineWriter:
    """Let everything that this process logs go the same way; once a process, before it serves."""
    os.environ.setdefault("MLFLOW_CONFIGURE_LOGGING", "false")  # it would write in a form of its own
    writer = LineWriter(fd, on_dropped=_log_dropped)
    handler = LineHandler(writer)
    is_text = settings.log_format == "text" or (settings.log_format == "auto" and os.isatty(fd))
    handler.setFormatter(TextFormatter() if is_text else JsonFormatter())
    for costly in ("logThreads", "logProcesses", "logMultiprocessing", "logAsyncioTasks"):
        setattr(logging, costly, False)  # no line shows them, and they double what a record costs
    root = logging.getLogger()
    root.handlers[:] = [handler]
    level = settings.log_level.upper()
    root.setLevel(level if level in ("DEBUG", "ERROR") else logging.WARNING)
    logging.getLogger("greyhound").setLevel(level)
    for name in ("greyhound", "uvicorn", "uvicorn.error", "uvicorn.access", "mlflow", "alembic"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("uvicorn.error").addFilter(is_news)
    logging.captureWarnings(True)
    threading.excepthook = _log_thread
    sys.unraisablehook = _log_unraisable
    atexit.register(writer.close)
    return writer


def is_news(record: logging.LogRecord) -> bool:
    """Return whether an error was not logged before: the line of its request has the trace already."""
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    return not getattr(error, "_is_logged", False)


def writers() -> list[LineWriter]:
    """Return where the lines of this process go, if :func:`configure` was called."""
    return [handler.writer for handler in logging.getLogger().handlers if isinstance(handler, LineHandler)]


def _log_dropped(n: int) -> None:
    logging.getLogger("greyhound.service").warning("%d log lines were dropped: nobody took them", n)


def _log_thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_type is SystemExit or failed.exc_value is None:
        return
    name = failed.thread.name if failed.thread else "unknown"
    trace = (failed.exc_type, failed.exc_value, failed.exc_traceback)
    logging.getLogger("greyhound.service").error("the thread %s failed", name, exc_info=trace)


def _log_unraisable(failed: "sys.UnraisableHookArgs") -> None:
    """Log what was raised where nobody can catch it, as while an object is deleted."""
    trace = (failed.exc_type, failed.exc_value or failed.exc_type(), failed.exc_traceback)
    what = failed.err_msg or "an exception was ignored"
    logging.getLogger("greyhound.service").error("%s: %.200r", what, failed.object, exc_info=trace)
