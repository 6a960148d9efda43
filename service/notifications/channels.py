"""The channels of notifications: Apprise's services by URL, and signed webhooks.

A URL of either holds secrets, so it leaves this module only towards its host: a channel is shown by its kind,
and by its host where a host is certainly all that it is.
"""

import hashlib
import json
import logging
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import urlsplit

from service.notifications.message import Message, NotSent

TIMEOUT_S = (5.0, 10.0)
"""To connect, and between two bytes of an answer; how long all may take is bounded in `delivery`."""
_WITH_HOST = {"json", "jsons", "xml", "xmls", "form", "forms", "mailto", "mailtos", "http", "https"}
"""Kinds of URLs whose host is one; that of ``slack://`` is a token."""
_ICONS = {"alarm": "warning", "rollback": "warning", "refusal": "failure", "promotion": "success"}


class Channel(Protocol):
    """Takes messages to somewhere; blocking."""

    @property
    def name(self) -> str:
        """Kind, and host if that is no secret."""

    @property
    def fingerprint(self) -> str:
        """Tells channels apart, in the outbox."""

    def send(self, message: Message) -> None:
        """Send a message, or raise :class:`~service.notifications.message.NotSent`."""


def make_channels(
    urls: Sequence[str], webhook_url: str | None = None, webhook_secret: str | None = None
) -> list[Channel]:
    """Return the channels that are set; nothing is opened."""
    channels: list[Channel] = [AppriseChannel(url) for url in dict.fromkeys(urls)]
    if webhook_url and webhook_secret:
        channels.append(WebhookChannel(webhook_url, webhook_secret))
    return channels


def shown_url(url: str) -> str:
    """Return kind and host of a URL, only the kind where what stands in the host's place may be a secret."""
    kind = re.match(r"([a-z][a-z0-9+.-]{0,20})://", url, re.IGNORECASE)
    if kind is None:
        return "an unknown kind"
    scheme = kind[1].lower()
    # A password with @, / or ? that is not escaped would make another part of it the host.
    is_plain = re.fullmatch(r"[^:]+://([^@/?]*@)?[^@/?]+(/[^@?]*)?(\?(\w+=[^&]*&?)*)?", url) is not None
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    return f"{scheme} ({host})" if scheme in _WITH_HOST and is_plain and host else scheme


@dataclass(frozen=True)
class AppriseChannel:
    """One of the services that Apprise knows: mail, Slack, Telegram and a hundred more."""

    url: str = field(repr=False)

    @property
    def name(self) -> str:
        """Kind, and host if that is no secret."""
        return shown_url(self.url)

    @property
    def fingerprint(self) -> str:
        """Tells channels apart, in the outbox."""
        return _fingerprint(self.url)

    def send(self, message: Message) -> None:
        """Send a message by Apprise; its time-outs are those of the URL, some seconds by default."""
        statuses: list[str] = []

        def note_status(entry: Any, _: object) -> None:
            statuses.extend(re.findall(r"error=([0-9]{3})\b", entry.message))

        logging.getLogger("apprise").addFilter(_without_urls)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # plugins import modules that Python is to lose
                is_sent = self._apprise.notify(
                    title=message.title,
                    body=f"{message.text}\n\n{message.kind}, {message.key}",
                    notify_type=_ICONS.get(message.kind, "info"),
                    body_format="text",
                    log_callback=note_status,
                )
        except NotSent:
            raise
        except Exception as error:  # of a plugin's
            raise NotSent(type(error).__name__) from None
        if not is_sent:
            raise NotSent(f"HTTP {statuses[-1]}" if statuses else "Apprise could not deliver it")

    @cached_property
    def _apprise(self) -> Any:
        import apprise  # a second, and many modules: only where something is sent

        asset = apprise.AppriseAsset(app_id="Greyhound", http_redirects=False, async_mode=False)
        sender = apprise.Apprise(asset=asset)
        if not sender.add(self.url):
            raise NotSent("Apprise does not take this URL")
        return sender


@dataclass(frozen=True)
class WebhookChannel:
    """A URL that gets JSON, signed as https://www.standardwebhooks.com has it."""

    url: str = field(repr=False)
    secret: str = field(repr=False)

    @property
    def name(self) -> str:
        """Kind and host."""
        return f"webhook, {shown_url(self.url)}"

    @property
    def fingerprint(self) -> str:
        """Tells channels apart, in the outbox."""
        return _fingerprint("webhook " + self.url)

    def send(self, message: Message) -> None:
        """Post a message; any answer but 2xx is a failure, a redirect as well."""
        import requests
        from standardwebhooks.webhooks import Webhook

        body = webhook_body(message)
        now = datetime.now(UTC)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "greyhound",
            "webhook-id": message.key,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(self.secret).sign(message.key, now, body),
        }
        try:
            with requests.post(
                self.url,
                data=body.encode(),
                headers=headers,
                timeout=TIMEOUT_S,
                allow_redirects=False,
                stream=True,  # of an answer only the status is read
            ) as answer:
                status = answer.status_code
        except requests.Timeout:
            raise NotSent("it did not answer in time") from None
        except requests.ConnectionError:
            raise NotSent("no connection") from None
        except (requests.RequestException, ValueError) as error:  # its text would hold the URL
            raise NotSent(type(error).__name__) from None
        if not 200 <= status < 300:
            hint = ", and redirects are not followed" if 300 <= status < 400 else ""
            raise NotSent(f"HTTP {status}{hint}")


def webhook_body(message: Message) -> str:
    """Return the JSON of a message."""
    data = {"title": message.title, "text": message.text, "details": dict(message.details)}
    at = message.at.replace(tzinfo=UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return json.dumps({"type": message.kind, "timestamp": at, "data": data})


def _without_urls(record: logging.LogRecord) -> bool:
    """Leave of a line that Apprise logs a status alone: a line may hold the URL, with its secrets."""
    found = re.search(r"error=[0-9]{3}\b", record.getMessage())
    record.msg, record.args = found[0] if found else "(not shown: it may hold a secret)", ()
    record.exc_info = record.exc_text = record.stack_info = None
    return True


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
