"""Passwords of the database and of the registry appear nowhere: in no answer, no page, no line of the log."""

import logging
from pathlib import Path

import pytest

from tests.service.builders import make_card, make_runner, running_service

SECRET = "hunter2%2FSecret"
PLAIN = "hunter2/Secret"
AWAY = "127.0.0.1:1"
ADDRESSES = {
    "a password": (f"postgresql://ada:{SECRET}@{AWAY}/x", f"postgresql://ada:{SECRET}@{AWAY}/x"),
    "a password of a tracking server": (f"postgres://ada:{SECRET}@{AWAY}/x", f"http://ada:{SECRET}@{AWAY}"),
    "a token as the user": (f"postgresql://ada:{SECRET}@{AWAY}:2/x", f"http://{SECRET}@{AWAY}"),
    "a password in the query": (
        f"postgresql://ada@{AWAY}/x?password={SECRET}",
        f"postgresql://ada@{AWAY}/x?password={SECRET}",
    ),
    "a token in the query": (f"sqlite:///gone/x.db?key={SECRET}", f"http://{AWAY}/?token={SECRET}"),
    "a port that is none": (f"postgresql://ada:{SECRET}@db:port/x", f"postgresql://ada:{SECRET}@db:port/x"),
    "no driver": (f"postgresql+none://ada:{SECRET}@{AWAY}/x", f"mysql+pymysql://ada:{SECRET}@{AWAY}/x"),
    "no scheme": (f"ada:{SECRET}@{AWAY}/x", f"ada:{SECRET}@{AWAY}/x"),
}


class Lines(logging.Handler):
    """Everything that is logged, at every level, with its traces."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record) + "\n"


@pytest.mark.parametrize("what", ADDRESSES)
def test_no_password_is_shown_to_anyone(
    what: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    database, registry = ADDRESSES[what]
    lines = Lines()
    names = ("", "uvicorn", "uvicorn.error", "mlflow", "alembic", "greyhound.service")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(lines)
        logger.setLevel(logging.DEBUG)
    try:
        with running_service(registry, database=database, keys_poll_s=0.05) as service:
            paths = [*service.client.get("/openapi.json").json()["paths"], "/docs", "/redoc", "/openapi.json"]
            paths.remove("/events")  # its answer has no end
            answers = [service.client.get(path.replace("{version}", "1")) for path in paths]
            answers.append(service.predict(make_card(runners=[make_runner(box, form=[]) for box in (1, 2)])))
            answers.append(
                service.client.post("/rollback", json={"reason": "x"}, headers={"X-API-Key": "gh_x"})
            )
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(lines)
            logger.setLevel(level)
    assert {answer.status_code for answer in answers} <= {200, 401, 404, 405, 422, 503}
    status = next(answer for answer in answers if "database_error" in answer.text).json()
    assert status["database_error"]
    assert status["registry"]["error"]
    texts = "\n".join(f"{answer.headers}\n{answer.text}" for answer in answers)
    printed = capfd.readouterr()
    for where in (texts, lines.text, printed.out, printed.err):
        assert SECRET not in where
        assert PLAIN not in where
