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
        "metrics together, so that each can tell those of all. `greyhound serve --workers` sets it.",
    )
    root_path: str = Field(
        default="", description="Path under which a reverse proxy shows the service, e.g. `/greyhound`."
    )
