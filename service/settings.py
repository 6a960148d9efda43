"""What can be set on the service, from the environment (``GREYHOUND_*``) or by the caller."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Settings of one service; frozen, built once by the caller, and passed to ``create_app``."""

    model_config = SettingsConfigDict(env_prefix="GREYHOUND_", frozen=True, extra="forbid")

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
        default=2.0, gt=0, le=60, description="Seconds between two looks at the registry's champion alias."
    )
    retry_s: float = Field(
        default=10.0,
        gt=0,
        description="Seconds before a champion that could not be fetched, because the registry was away, is "
        "tried again. A champion that is broken is not tried again until the alias moves.",
    )
    database_poll_s: float = Field(
        default=2.0,
        gt=0,
        description="Seconds between two looks at the race database: is it there, did an import change it.",
    )
    max_body_bytes: int = Field(
        default=256 * 1024, ge=1024, description="A request with a longer body is refused with 413."
    )
    slow_request_s: float = Field(
        default=30.0,
        gt=0,
        description="Seconds after which a connection is closed whose request is not whole.",
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
        default=2.0,
        gt=0,
        le=60,
        description="Seconds between two looks at the API keys in the database: a new key works, and a "
        "revoked one stops working, within that time.",
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
        "default.",
    )
    hsts_s: int = Field(
        default=0,
        ge=0,
        description="Seconds for which browsers shall only come by HTTPS (Strict-Transport-Security); set it "
        "only where TLS is in front of all of the host. 0 sends no such header.",
    )
