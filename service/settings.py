"""What can be set on the service, from the environment (``GREYHOUND_*``) or by the caller."""

import base64
import datetime as dt
import hashlib
import re
from ipaddress import ip_network
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from racing.database.outbox import KINDS, Kind


def address_fingerprint(address: str) -> str:
    """Return 64 hexadecimal digits for the address of a database or registry, whatever user and password.

    Files on disk that belong to one address are distinguished from those of another by it.
    """
    url = urlsplit(address)
    return hashlib.sha256(url._replace(netloc=url.netloc.rpartition("@")[2]).geturl().encode()).hexdigest()


class ServiceSettings(BaseSettings):
    """Settings of one service; frozen, built once by the caller, and passed to ``create_app``."""

    model_config = SettingsConfigDict(
        env_prefix="GREYHOUND_", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    database: str | None = Field(
        default="sqlite:///var/greyhound.db",
        description="URL of the race database. Without it, or while it is away, a card is answered from the "
        "form that its runners carry.",
    )
    registry: str | None = Field(
        default=None,
        description="URI of the MLflow registry; empty means the registry's own default "
        "(`sqlite:///var/mlflow.db`).",
    )
    champion_poll_s: float = Field(
        default=2.0, gt=0, le=60, description="Seconds between two polls of the registry's champion alias."
    )
    retry_s: float = Field(
        default=10.0,
        gt=0,
        description="Seconds before a champion that could not be fetched, because the registry was away, is "
        "tried again. A champion that is broken is not tried again until the alias moves.",
    )
    registry_timeout_s: float = Field(
        default=5.0,
        gt=0,
        description="Seconds that the registry has for an answer; serving never waits for it.",
    )
    load_timeout_s: float = Field(
        default=60.0,
        gt=0,
        description="Seconds that a new champion has to be fetched, loaded and tried; then it is refused, "
        "and tried again after `retry_s`.",
    )
    model_budget_ms: float = Field(
        default=50.0,
        gt=0,
        description="Milliseconds that a model may take for its golden card; a slower one is refused.",
    )
    experiments_poll_s: float = Field(
        default=2.0,
        gt=0,
        le=60,
        description="Seconds between two reads of the experiment that runs: its start, its end and another "
        "share take effect within that time.",
    )
    kept_champion: str = Field(
        default="var/champion",
        description="Folder in which the last good champion is stored, for a start while the registry is "
        "away; empty stores none.",
    )
    webhook_secret: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="Secret of MLflow's webhooks, at least 16 characters, as given to `greyhound models "
        "webhook add`; without it `POST /webhooks/mlflow` answers 403.",
    )
    database_poll_s: float = Field(
        default=2.0,
        gt=0,
        description="Seconds between two polls of the race database: is it there, did an import change it.",
    )
    replayed_day: dt.date | None = Field(
        default=None,
        description="A day that is played again, as 2026-03-31: events of cards, scratchings and results are "
        "those of races about that day, rather than about today. `greyhound day` sets it.",
    )
    max_body_bytes: int = Field(
        default=256 * 1024, ge=1024, description="A request with a longer body is refused with 413."
    )
    max_batch_bytes: int = Field(
        default=32 * 1024 * 1024, ge=1024, description="The same for the body of a batch of cards."
    )
    max_batch_cards: int = Field(
        default=5000, ge=1, description="Cards in one batch; one with more is refused with 413."
    )
    queue: int = Field(
        default=64,
        ge=1,
        le=10_000,
        description="Predictions that may wait for their turn; one more is refused with 503 and Retry-After.",
    )
    max_followers: int = Field(
        default=100,
        ge=0,
        le=10_000,
        description="Streams of `GET /events` that a process takes at once; one more is refused with 503.",
    )
    header_timeout_s: float = Field(
        default=10.0,
        gt=0,
        description="Seconds in which the head of a request must arrive; a slower one is refused with 408.",
    )
    body_timeout_s: float = Field(
        default=10.0,
        gt=0,
        description="Seconds in which the body of a request must arrive; a slower one is refused with 408. A "
        "batch may take so long for each GREYHOUND_MAX_BODY_BYTES, and must not pause for so long.",
    )
    batch_timeout_s: float = Field(
        default=120.0,
        gt=0,
        description="Seconds in which the body of a batch must have arrived at any pace, and for which in "
        "all a client may keep an answer waiting for the network.",
    )
    body_budget_bytes: int = Field(
        default=128 * 1024 * 1024,
        ge=4096,
        description="Bytes that the bodies of all requests of a process may hold together, packed and "
        "unpacked, until they are answered; a request beyond it is refused with 503 and Retry-After. At "
        "least three times GREYHOUND_MAX_BATCH_BYTES; batches use two thirds, so that cards are still "
        "answered.",
    )
    write_timeout_s: float = Field(
        default=10.0,
        gt=0,
        description="Seconds in which a client must take up an answer that no longer fits into the network's "
        "buffers; a slower one is cut off.",
    )
    keep_alive_s: int = Field(
        default=75,
        gt=0,
        description="Seconds for which a connection without requests is left open; longer than the load "
        "balancer in front keeps it, so that never both close it at once.",
    )
    max_connections: int = Field(
        default=1000,
        ge=1,
        description="Connections open at once, a worker. At the limit the one idle for longest makes room; "
        "where none is idle a new one is refused with 503.",
    )
    drain_s: float = Field(
        default=0.0,
        ge=0,
        description="Seconds for which it still serves, though not ready, after the signal to stop: as long "
        "as load balancers need to notice.",
    )
    grace_s: float = Field(
        default=1.5,
        gt=0,
        description="Seconds that requests in flight then have to finish.",
    )
    database_timeout_s: float = Field(
        default=2.0,
        gt=0,
        description="Seconds in which the race database must answer; a slower one counts as away.",
    )
    log_format: Literal["auto", "json", "text"] = Field(
        default="auto",
        description="Form of the log lines on standard error; `auto` is text on a terminal, else JSON.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="What is logged; `info` has a line for each request."
    )
    metrics_directory: str | None = Field(
        default=None,
        description="Folder, empty at the start, in which the worker processes of one service keep their "
        "metrics together, so that each can report those of all. `greyhound serve --workers` sets it.",
    )
    root_path: str = Field(
        default="", description="Path under which a reverse proxy shows the service, e.g. `/greyhound`."
    )
    protect: Literal["changes", "everything"] = Field(
        default="changes",
        description="What takes an API key: `changes` (promotions, rollbacks, results), or "
        "`everything` but the health routes.",
    )
    keys_poll_s: float = Field(
        default=1.0,
        gt=0,
        le=60,
        description="Seconds between two reads of the API keys in the database: a new key works, and a "
        "revoked one stops working, within that time.",
    )
    keys_max_age_s: float = Field(
        default=3600.0,
        gt=0,
        description="Seconds for which the API keys that were read last are believed while the race database "
        "does not answer. Then no key is let in (503) until it does: a revocation stays unseen for so "
        "long at most.",
    )
    failed_keys_per_minute: int = Field(
        default=10,
        ge=1,
        le=10_000,
        description="Keys that are none which an address may try in a minute, before it is answered "
        "with 429.",
    )
    rate_per_s: float = Field(
        default=0.0,
        ge=0,
        le=1e6,
        description="Requests a second that a client (by its key, else its address) may make in the long "
        "run, before it is answered with 429; 0 is no limit. Each process counts by itself.",
    )
    rate_burst: int = Field(
        default=100, ge=1, le=1_000_000, description="Requests that a client may make at once, under a rate."
    )
    cors_origins: tuple[str, ...] = Field(
        default=(),
        description="Origins whose pages may call the service from a browser, as a JSON list such as "
        '`["https://races.example"]`; none by default.',
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="Addresses or networks of reverse proxies whose `X-Forwarded-For` and "
        '`X-Forwarded-Proto` are believed, as a JSON list such as `["127.0.0.1", "10.0.0.0/8"]`; none by '
        "default. The client is the first address from the right that is not among them.",
    )
    hsts_s: int = Field(
        default=0,
        ge=0,
        description="Seconds for which browsers shall only come by HTTPS (Strict-Transport-Security); set it "
        "only where TLS is in front of all of the host. 0 sends no such header.",
    )
    log_predictions: bool = Field(
        default=True,
        description="Keep every answered card in the race database, see docs/how-to/prediction-log.md; "
        "needs a database.",
    )
    log_interval_s: float = Field(
        default=0.5,
        gt=0,
        le=10,
        description="Seconds between two writes of the prediction log. An answer is in the database or on "
        "disk at most twice as long after it was given, and a `kill -9` loses no older one.",
    )
    log_queue_bytes: int = Field(
        default=64 * 1024 * 1024,
        ge=1024 * 1024,
        description="Bytes of answers that wait in memory to be logged; beyond it answers go unlogged, and "
        "are counted.",
    )
    spool: str = Field(
        default="var/spool",
        description="Folder in which the prediction log waits on disk while the race database is away.",
    )
    spool_bytes: int = Field(
        default=1024 * 1024 * 1024,
        ge=1024 * 1024,
        description="Bytes that one process may spool; beyond it answers wait in memory, then go unlogged.",
    )

    seal_grace_h: float = Field(
        default=6.0,
        ge=0,
        le=24 * 365,
        description="Hours after the end of a day (UTC) before its predictions are sealed: what was spooled "
        "until then is in the record, see docs/explanation/track-record.md.",
    )
    log_days: int = Field(
        default=0,
        ge=0,
        le=36_500,
        description="Days that logged predictions stay; a month (UTC) of which all are older is deleted with "
        "its outcomes and scores. 0 for ever.",
    )
    automation: bool = Field(
        default=True,
        description="Whether this process may change the champion by itself, by an experiment's policy, a "
        "probation or a fuse; `off` in every replica, or `greyhound automation off`, stops all of it.",
    )
    monitor_every_s: float = Field(
        default=600.0,
        gt=0,
        le=86_400,
        description="Seconds between two looks of the monitor at the prediction log; one process of all "
        "replicas looks, in a process of its own.",
    )
    retrain_after_weeks: float = Field(
        default=13.0,
        gt=0,
        le=520,
        description="Weeks after the last race day that the champion learnt from, after which retraining is "
        "due; earlier if its gap to the market has become worse.",
    )
    guard_poll_s: float = Field(
        default=60.0,
        gt=0,
        le=3600,
        description="Seconds between two looks of the guard at the verdicts of the experiment that runs.",
    )
    probation: bool = Field(
        default=False,
        description="Whether a promotion that does not say is on probation: the champion before goes on in "
        "shadow, and comes back by itself if it is better.",
    )
    probation_races: int = Field(
        default=1000,
        ge=1,
        le=1_000_000,
        description="Races after which a version has passed its probation.",
    )
    fuse_hours: float = Field(
        default=24.0,
        ge=0,
        le=8760,
        description="Hours after a promotion in which a version that fails at its work (errors, no numbers, "
        "late answers) is rolled back at once; 0 is never.",
    )
    fuse_model_ms: float = Field(
        default=50.0,
        gt=0,
        description="Milliseconds that the model of a freshly promoted version may take for a card (95th "
        "percentile of the latest), before its fuse blows.",
    )
    count_inputs: bool = Field(
        default=True,
        description="Count the features of answered cards by day and version, to compare them with the "
        "training's, see docs/explanation/inputs.md; stored by day where there is a database.",
    )
    inputs_interval_s: float = Field(
        default=30.0,
        gt=0,
        le=3600,
        description="Seconds between two writes of the counts of inputs; a `kill -9` loses what was counted "
        "since the last.",
    )
    inputs_retention_days: int = Field(
        default=400, ge=30, description="Days for which the counts of inputs stay in the database."
    )

    inference_protocols: bool = Field(
        default=False,
        description="Whether `POST /invocations` (MLflow) and `/v2/...` (Open Inference Protocol) are "
        "answered too, for clients that send features, see docs/how-to/other-servers-protocols.md.",
    )

    notify: tuple[SecretStr, ...] = Field(
        default=(),
        description="Where notifications go, as a JSON list of Apprise's URLs such as "
        '`["mailto://user:password@example.com", "slack://TokenA/TokenB/TokenC"]`; see '
        "docs/how-to/notifications.md.",
    )
    notify_kinds: tuple[Kind, ...] = Field(
        default=KINDS,
        description="Kinds of notifications that are sent, as a JSON list; all by default.",
    )
    notify_webhook_url: SecretStr | None = Field(
        default=None,
        description="URL that gets notifications as signed webhooks (standardwebhooks.com); needs "
        "GREYHOUND_NOTIFY_WEBHOOK_SECRET.",
    )
    notify_webhook_secret: SecretStr | None = Field(
        default=None,
        description="Secret by which outgoing webhooks are signed: `whsec_` and 24 to 64 bytes in base64.",
    )

    @model_validator(mode="after")
    def _webhooks_are_signed(self) -> "ServiceSettings":
        """Refuse a URL without a secret, and a secret that nobody could sign with."""
        url, secret = self.notify_webhook_url, self.notify_webhook_secret
        if (url is None) != (secret is None):
            raise ValueError("notify_webhook_url and notify_webhook_secret are set together, or neither is")
        if url is not None and not re.match(r"https?://[^/]", url.get_secret_value()):
            raise ValueError("notify_webhook_url must begin with http:// or https://")
        if secret is not None:
            rule = "notify_webhook_secret must be whsec_ and 24 to 64 bytes in base64"
            prefix, _, text = secret.get_secret_value().partition("_")
            try:
                n_bytes = len(base64.b64decode(text + "==", validate=False)) if prefix == "whsec" else 0
            except ValueError as error:
                raise ValueError(rule) from error
            if not 24 <= n_bytes <= 64:
                raise ValueError(rule)
        return self

    @model_validator(mode="after")
    def _a_batch_fits_the_budget(self) -> "ServiceSettings":
        """Refuse a budget that no batch in gzip fits: it is held packed and unpacked for a while."""
        if self.body_budget_bytes < 3 * self.max_batch_bytes:
            rule = f"body_budget_bytes must be at least three times max_batch_bytes ({self.max_batch_bytes})"
            raise ValueError(f"{rule}, got {self.body_budget_bytes}")
        return self

    @field_validator("root_path")
    @classmethod
    def _one_slash_in_front(cls, path: str) -> str:
        """Take `greyhound/` for `/greyhound`."""
        path = path.strip("/")
        if not re.fullmatch(r"[\w.~/-]*", path, re.ASCII):
            raise ValueError(f"a root path has letters, digits and . ~ _ - / only, got {path[:60]!r}")
        return f"/{path}" if path else ""

    @field_validator("trusted_proxies")
    @classmethod
    def _are_addresses(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse what is no address or network, and so would never be trusted."""
        for proxy in proxies:
            try:
                ip_network(proxy.strip())
            except ValueError as error:
                rule = "a trusted proxy is an IP address or a network such as 10.0.0.0/8"
                raise ValueError(f"{rule}, got {proxy[:60]!r}") from error
        return proxies

    @field_validator("cors_origins")
    @classmethod
    def _as_browsers_send_them(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse what no browser would ever send, and so would open nothing in silence."""
        for origin in origins:
            if origin != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/?#@\sA-Z]+", origin):
                rule = "an origin is `*` or SCHEME://HOST[:PORT] in small letters, without path or last slash"
                raise ValueError(f"{rule}, got {origin[:80]!r}")
        return origins
