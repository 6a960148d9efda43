"""What can be set on the service, from the environment (``GREYHOUND_*``) or by the caller."""

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
    root_path: str = Field(
        default="", description="Path under which a reverse proxy shows the service, e.g. `/greyhound`."
    )
    log_predictions: bool = Field(
        default=True,
        description="Keep every answered card in the race database, see docs/prediction-log.md; needs a "
        "database.",
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
