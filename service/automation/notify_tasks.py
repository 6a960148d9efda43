"""Two tasks: note what changed in the registry, and deliver what lies in the outbox."""

import logging

from pydantic import SecretStr
from sqlalchemy import Engine

from service.automation.tasks import PeriodicTask
from service.events.promotions import PromotionEvents
from service.notifications.changes import RegistryChanges
from service.notifications.delivery import n_due
from service.notifications.process import deliver_aside
from service.serving.watcher import AliasWatcher
from service.settings import ServiceSettings

log = logging.getLogger("greyhound.service")
DELIVER_S = 5.0
CHANGES_S = 15.0


def deliver_task(settings: ServiceSettings, *, every_s: float = DELIVER_S) -> PeriodicTask:
    """Return the task that delivers notifications to the channels that are set, if any is."""

    def deliver(engine: Engine) -> None:
        if not (settings.notify or settings.notify_webhook_url) or not n_due(engine):
            return
        outcomes = deliver_aside(
            database=engine.url.render_as_string(hide_password=False),
            urls=[url.get_secret_value() for url in settings.notify],
            webhook_url=_text(settings.notify_webhook_url),
            webhook_secret=_text(settings.notify_webhook_secret),
            kinds=settings.notify_kinds,
        )
        for one in outcomes:
            if one.result == "delivered":
                log.info("notification %s is delivered", one.key)
            else:
                again = "" if one.result == "given up" else ", it is tried again"
                log.warning("notification %s is %s%s: %s", one.key, one.result, again, one.error)

    return PeriodicTask("notifications", every_s, deliver)


def changes_task(watcher: AliasWatcher, *, every_s: float = CHANGES_S) -> PeriodicTask:
    """Return the task that notes promotions and rollbacks as events, and them and refusals in the outbox."""
    changes, events = RegistryChanges(), PromotionEvents()

    def note(engine: Engine) -> None:
        history = watcher.registry().history()
        events.note(engine, history)
        changes.note(engine, history, watcher.state.rejected)

    return PeriodicTask("registry-changes", every_s, note)


def _text(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
