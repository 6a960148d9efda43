"""Webhooks of the registry: MLflow's tracking server notifies services at once that an alias moved."""

from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.entities.webhook import Webhook as MlflowWebhook
from mlflow.entities.webhook import WebhookEvent, WebhookEventStr

from model_registry.errors import RegistryUnavailable
from model_registry.mlflow_store.store import MlflowStore

EVENTS: tuple[WebhookEventStr, ...] = ("model_version_alias.created", "model_version_alias.deleted")

_MAX_PAGES = 100


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that is notified."""

    id: str
    url: str
    is_active: bool


class Webhooks:
    """The webhooks of a tracking server that report moved aliases.

    A registry that is a database has none: no server is there to send them, and services poll it.
    """

    def __init__(self, uri: str | None = None) -> None:
        self._store = MlflowStore(uri)

    def put(self, url: str, *, secret: str) -> Webhook:
        """Notify ``url`` of every move of an alias from now on, once, signed with this secret only."""
        before = [hook for hook in self.all() if hook.url == url]
        about = "a greyhound service follows the champion"
        with self._store.errors():
            added = self._client().create_webhook("greyhound", url, _events(), about, secret=secret)
        for hook in before:
            self.remove(hook.id)
        return _webhook(added)

    def all(self) -> list[Webhook]:
        """Return every webhook that reports moved aliases."""
        found: list[MlflowWebhook] = []
        token = None
        with self._store.errors():
            for _ in range(_MAX_PAGES):
                page = self._client().list_webhooks(page_token=token)
                found += page
                token = page.token
                if not token:
                    break
            else:
                raise RegistryUnavailable(f"its list of webhooks has more than {_MAX_PAGES} pages")
        return [_webhook(hook) for hook in found if {str(event) for event in hook.events} & set(EVENTS)]

    def remove(self, webhook_id: str) -> None:
        """Remove a webhook: its address is notified no more."""
        with self._store.errors():
            self._client().delete_webhook(webhook_id)

    def try_out(self, webhook_id: str) -> str | None:
        """Let the server send an example now; return why that failed, None if the service took it."""
        with self._store.errors():
            result = self._client().test_webhook(webhook_id)
        if result.success:
            return None
        return " ".join(str(result.error_message or f"it answered {result.response_status}").split())[:300]

    def _client(self) -> MlflowClient:
        if not self._store.uri.startswith(("http://", "https://")):
            rule = "webhooks are sent by an MLflow tracking server, http(s)://...; services poll a database"
            raise RegistryUnavailable(f"{rule}, and {self._store} is one")
        return self._store.client


def _events() -> list[WebhookEvent | WebhookEventStr]:
    return [WebhookEvent.from_str(name) for name in EVENTS]


def _webhook(hook: MlflowWebhook) -> Webhook:
    return Webhook(hook.webhook_id, hook.url, hook.status.is_active())
