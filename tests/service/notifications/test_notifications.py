"""Notifications reach each channel, once, whatever other channels do; and their secrets reach nobody else."""

import datetime as dt
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import ValidationError
from sqlalchemy import Engine, select, update
from standardwebhooks.webhooks import Webhook

from greyhound.cli import main
from model_registry.history import PromotionRecord
from racing.database.engine import open_database
from racing.database.monitor_tables import Notification
from racing.database.outbox import add_notification
from racing.experiments.decisions import GUARD
from service.automation.notify_tasks import deliver_task
from service.notifications.changes import RegistryChanges
from service.notifications.channels import make_channels, shown_url
from service.notifications.delivery import MAX_AGE, deliver
from service.notifications.message import Message, NotSent
from service.serving.state import RejectedVersion
from service.settings import ServiceSettings
from tests.service.notifications.receivers import http_receiver, mail_server

SECRET = "whsec_" + "c2VjcmV0" * 4
PASSWORD = "hunter2Secret"
TABLE: Any = Notification.__table__  # type: ignore[attr-defined]
WAIT_S = 60.0


@pytest.fixture(params=["sqlite", "postgresql"])
def outbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with one notification on both engines."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    yield from _with_one(url)


@pytest.fixture
def small_outbox(tmp_path: Path) -> Iterator[Engine]:
    """The same on SQLite alone."""
    yield from _with_one(f"sqlite:///{tmp_path / 'a.db'}")


def _with_one(url: str) -> Iterator[Engine]:
    engine = open_database(url, create=True)
    put(engine, "alarm:1")
    yield engine
    engine.dispose()


def put(engine: Engine, key: str, kind: Any = "alarm") -> None:
    with engine.begin() as connection:
        add_notification(
            connection, key=key, kind=kind, title="It drifts", text="PSI .3", details={"psi": 0.3}
        )


def rows(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(select(TABLE).order_by(TABLE.c.id)))


def make_due(engine: Engine) -> None:
    """Let the pause after a failure, or a claim, be over."""
    with engine.begin() as connection:
        connection.execute(update(TABLE).values(next_at=dt.datetime(2020, 1, 1)))


def message(key: str = "alarm:1") -> Message:
    return Message(
        key=key, kind="alarm", title="It drifts", text="PSI .3", details={}, at=dt.datetime(2026, 3, 1)
    )


def test_a_webhook_is_signed_as_the_standards_library_verifies_it() -> None:
    with http_receiver() as receiver:
        (channel,) = make_channels([], receiver.url, SECRET)
        channel.send(message())
    _, headers, body = receiver.requests[0]
    payload = Webhook(SECRET).verify(body, headers)
    assert payload["type"] == "alarm"
    assert payload["data"]["title"] == "It drifts"
    assert headers["webhook-id"] == "alarm:1"
    with pytest.raises(Exception, match="signature"):
        Webhook("whsec_" + "b3RoZXJz" * 4).verify(body, headers)


@pytest.mark.parametrize(
    ("status", "why"), [(500, "HTTP 500"), (302, "HTTP 302, and redirects are not followed")]
)
def test_what_refuses_or_redirects_is_reported_and_not_followed(status: int, why: str) -> None:
    with http_receiver(status) as receiver:
        url = f"json://{PASSWORD}@127.0.0.1:{receiver.port}/"
        webhook, by_apprise = make_channels([url], receiver.url, SECRET)[::-1]
        for channel, expected in ((webhook, why), (by_apprise, f"HTTP {status}")):
            with pytest.raises(NotSent) as refused:
                channel.send(message())
            assert str(refused.value) == expected
    assert len(receiver.requests) == 2
    with pytest.raises(NotSent, match="no connection"):  # it is closed now
        webhook.send(message())


def test_each_channel_gets_a_message_once_and_a_failed_one_is_tried_again_alone(outbox: Engine) -> None:
    with http_receiver() as good, http_receiver(500) as bad:
        channels = make_channels([f"json://127.0.0.1:{bad.port}/"], good.url, SECRET)
        (first,) = deliver(outbox, channels)
        assert (first.result, first.error) == ("failed", "json (127.0.0.1): HTTP 500")
        assert deliver(outbox, channels) == []  # its pause is not over
        bad.status = 200
        make_due(outbox)
        (second,) = deliver(outbox, channels)
        assert second.result == "delivered"
        assert deliver(outbox, channels) == []
    assert [len(good.requests), len(bad.requests)] == [1, 2]
    assert bad.bodies[1]["message"].startswith("PSI .3")
    (row,) = rows(outbox)
    assert (row.n_attempts, row.error, row.delivered_at is not None) == (2, None, True)


def test_a_channel_that_hangs_holds_up_no_other_and_is_tried_again(small_outbox: Engine) -> None:
    put(small_outbox, "alarm:2")
    with http_receiver() as good, http_receiver(None) as hanging:
        channels = make_channels([f"json://127.0.0.1:{good.port}/"], hanging.url, SECRET)
        outcomes = deliver(small_outbox, channels, round_s=1.0)
        assert len(good.requests) == 2
        assert {(one.result, one.error) for one in outcomes} == {
            ("failed", "webhook, http (127.0.0.1): it takes too long")
        }


def test_what_fails_for_a_day_is_given_up_and_what_nobody_wants_is_not_sent(small_outbox: Engine) -> None:
    put(small_outbox, "verdict:1", kind="verdict")
    with http_receiver(500) as receiver:
        channels = make_channels([], receiver.url, SECRET)
        pauses = []
        for _ in range(4):
            deliver(small_outbox, channels, ["alarm"])
            row = rows(small_outbox)[0]
            pauses.append(
                round((row.next_at - dt.datetime.now(dt.UTC).replace(tzinfo=None)).total_seconds(), -1)
            )
            make_due(small_outbox)
        assert pauses == sorted(pauses)
        assert pauses[-1] > 2 * pauses[0]
        with small_outbox.begin() as connection:
            nearly = dt.datetime.now(dt.UTC).replace(tzinfo=None) - MAX_AGE + dt.timedelta(seconds=20)
            connection.execute(update(TABLE).values(at=nearly))
        (last,) = deliver(small_outbox, channels, ["alarm"])
        assert last.result == "given up"
        make_due(small_outbox)
        assert deliver(small_outbox, channels, ["alarm"]) == []
    assert len(receiver.requests) == 5
    alarm, verdict = rows(small_outbox)
    assert (alarm.given_up_at is not None, alarm.error) == (True, "webhook, http (127.0.0.1): HTTP 500")
    assert verdict.error == "its kind is not wanted"


def test_two_replicas_deliver_each_message_once(outbox: Engine) -> None:
    for number in range(2, 12):
        put(outbox, f"alarm:{number}")
    url = outbox.url.render_as_string(hide_password=False)
    with http_receiver() as receiver:
        start = threading.Barrier(3)

        def replica() -> None:
            mine = open_database(url)
            start.wait(WAIT_S)
            deliver(mine, make_channels([], receiver.url, SECRET))
            mine.dispose()

        replicas = [threading.Thread(target=replica) for _ in range(3)]
        for one in replicas:
            one.start()
        for one in replicas:
            one.join(WAIT_S)
    ids = [headers["webhook-id"] for _, headers, _ in receiver.requests]
    assert sorted(ids) == sorted(f"alarm:{number}" for number in range(1, 12))


def test_a_process_killed_between_sending_and_noting_leaves_a_message_that_is_sent_again(
    small_outbox: Engine,
) -> None:
    with http_receiver(None) as receiver:
        code = f"""
from racing.database.engine import open_database
from service.notifications.channels import make_channels
from service.notifications.delivery import deliver
deliver(open_database({str(small_outbox.url)!r}), make_channels([], {receiver.url!r}, {SECRET!r}))
"""
        process = subprocess.Popen([sys.executable, "-c", code])
        end = time.monotonic() + WAIT_S
        while not receiver.requests and time.monotonic() < end:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(WAIT_S)
        receiver.status = 200
        channels = make_channels([], receiver.url, SECRET)
        assert deliver(small_outbox, channels) == []  # it is claimed by the process that was killed
        make_due(small_outbox)
        (again,) = deliver(small_outbox, channels)
        assert again.result == "delivered"
        ids = [headers["webhook-id"] for _, headers, _ in receiver.requests]
        assert ids == ["alarm:1", "alarm:1"]


def test_mail_goes_by_apprise() -> None:
    with mail_server() as (port, mails):
        url = f"mailto://ada:{PASSWORD}@127.0.0.1:{port}?from=ada@example.com&to=bob@example.com"
        (channel,) = make_channels([url])
        channel.send(message())
    (mail,) = mails
    assert "bob@example.com" in mail
    assert "Subject: It drifts" in mail
    assert channel.name == "mailto (127.0.0.1)"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"mailto://ada:{PASSWORD}@example.com", "mailto (example.com)"),
        (f"jsons://ada:{PASSWORD}@example.com:8443/x?y={PASSWORD}", "jsons (example.com)"),
        (f"slack://{PASSWORD}/b/c", "slack"),
        (f"mailto://ada:a@{PASSWORD}@example.com", "mailto"),
        (f"mailto://ada:a/b@{PASSWORD}", "mailto"),
        (f"json://[{PASSWORD}", "json"),
        (PASSWORD, "an unknown kind"),
    ],
)
def test_a_channel_is_shown_by_its_kind_and_by_its_host_where_that_is_no_secret(url: str, shown: str) -> None:
    assert shown_url(url) == shown
    assert PASSWORD not in repr(make_channels([url]))


def test_secrets_of_channels_are_in_no_log_no_row_and_no_error(
    small_outbox: Engine,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG, logger="greyhound.service")
    caplog.set_level(logging.DEBUG, logger="apprise")
    with http_receiver(500) as receiver:
        urls = (
            f"json://ada:{PASSWORD}@127.0.0.1:{receiver.port}/",
            f"slack://{PASSWORD}",
            f"none://{PASSWORD}",
        )
        webhook = f"http://ada:{PASSWORD}@127.0.0.1:{receiver.port}/{PASSWORD}"
        settings = ServiceSettings(notify=urls, notify_webhook_url=webhook, notify_webhook_secret=SECRET)
        deliver_task(settings).run(small_outbox)
        monkeypatch.setenv("GREYHOUND_NOTIFY", json.dumps(urls))
        monkeypatch.setenv("GREYHOUND_NOTIFY_WEBHOOK_URL", webhook)
        monkeypatch.setenv("GREYHOUND_NOTIFY_WEBHOOK_SECRET", SECRET)
        tested = CliRunner().invoke(main, ["notify", "test"])
        listed = CliRunner().invoke(main, ["notify", "list", "--database", str(small_outbox.url)])
    assert len(receiver.requests) == 4
    assert tested.exit_code == 4
    assert "json (127.0.0.1): HTTP 500" in tested.output
    assert "json (127.0.0.1): HTTP 500" in listed.output
    assert "json (127.0.0.1): HTTP 500" in caplog.text
    everything = [
        caplog.text,
        *capfd.readouterr(),
        tested.output,
        listed.output,
        repr(rows(small_outbox)),
        repr(settings),
    ]
    for bad in (
        {"notify_webhook_url": webhook},
        {"notify_webhook_url": f"ftp:{PASSWORD}", "notify_webhook_secret": SECRET},
        {"notify_webhook_url": webhook, "notify_webhook_secret": PASSWORD},
        {"notify": PASSWORD},
    ):
        with pytest.raises(ValidationError) as refused:
            ServiceSettings(**{"notify_webhook_url": None, "notify_webhook_secret": None, **bad})
        everything.append(str(refused.value))
    assert not [text for text in everything if PASSWORD in text or SECRET in text]


def test_the_command_reports_each_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GREYHOUND_NOTIFY", raising=False)
    none = CliRunner().invoke(main, ["notify", "test"])
    assert (none.exit_code, "No channel is set" in none.output) == (4, True)
    with http_receiver() as receiver:
        monkeypatch.setenv("GREYHOUND_NOTIFY", json.dumps([f"json://127.0.0.1:{receiver.port}/"]))
        done = CliRunner().invoke(main, ["notify", "test", "--json"])
    assert json.loads(done.stdout) == {
        "channels": [{"channel": "json (127.0.0.1)", "sent": True, "error": None}]
    }
    assert done.exit_code == 0


def test_changes_by_people_and_refusals_are_noted_once_across_replicas(small_outbox: Engine) -> None:
    now = dt.datetime.now(dt.UTC)

    def change(number: int, hours_ago: float, **more: Any) -> PromotionRecord:
        values = {"action": "promote", "version": number, "previous": None, "reason": "better", "by": "ada",
                  "forced": False, "at": now - dt.timedelta(hours=hours_ago)}  # fmt: skip
        return PromotionRecord(number=number, **values | more)

    history = [change(1, 48), change(2, 2), change(3, 1, by=GUARD), change(4, 1, action="rollback"),
               change(5, 0, is_carried_out=False)]  # fmt: skip
    rejected = [
        RejectedVersion(2, "golden", "its golden card differs", now, True),
        RejectedVersion(2, "registry", "it is away", now, False),
    ]
    for replica in (RegistryChanges(), RegistryChanges()):
        replica.note(small_outbox, history, rejected)
        replica.note(small_outbox, history, rejected)
    noted = [(row.kind, row.title) for row in rows(small_outbox)[1:]]
    assert noted == [
        ("promotion", "Version 2 is champion now"),
        ("rollback", "Version 4 is champion again, by a rollback"),
        ("refusal", "Version 2 is refused by the service"),
    ]
