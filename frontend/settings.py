"""The front end's settings: frozen, read once from the environment (``GREYHOUND_FRONTEND_*``), passed in."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from greyhound_client.transport import without_login


class FrontendSettings(BaseSettings):
    """Where the service is, and where pages are shown."""

    model_config = SettingsConfigDict(
        env_prefix="GREYHOUND_FRONTEND_", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    service: str = Field(
        default="http://127.0.0.1:8000",
        pattern=r"^https?://[^/?#]+[^?#]*$",
        repr=False,
        description="address of the service that the pages show",
    )
    public_service: str | None = Field(
        default=None,
        repr=False,
        pattern=r"^https?://[^/?#]+[^?#]*$",
        description="address under which people reach it, for links and `curl` lines; the same if empty",
    )
    host: str = Field(default="127.0.0.1", description="where to listen; 0.0.0.0 for all addresses")
    port: int = Field(default=5002, ge=0, le=65_535, description="port; 0 takes a free one")
    threads: int = Field(default=8, ge=1, le=256, description="requests that are answered at once")
    timeout_s: float = Field(default=5, gt=0, description="seconds that the service has for an answer")
    cache_s: float = Field(
        default=1,
        ge=0,
        le=60,
        description="seconds for which an answer of the service is shown to all visitors",
    )
    live_s: float = Field(default=2, ge=0.1, description="seconds between two refreshes of an open page")
    api_key: str | None = Field(
        default=None,
        repr=False,
        description="key with the scope `read`, where the service takes none without; changes always take a "
        "key that the person types",
    )

    @property
    def shown_service(self) -> str:
        """Return the address to show to people, without a slash at its end."""
        return without_login((self.public_service or self.service).rstrip("/"))

    @property
    def called_service(self) -> str:
        """Return the address that the pages call, without a name and password that may stand in it."""
        return without_login(self.service.rstrip("/"))
