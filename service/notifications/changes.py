"""Notifications of what the registry has: promotions and rollbacks by people, versions that were refused.

What the guard decides is notified with its decision (:mod:`racing.experiments.decisions`).
"""

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from racing.database.outbox import add_notification
from racing.experiments.decisions import GUARD

if TYPE_CHECKING:
    from model_registry.history import PromotionRecord
    from service.serving.state import RejectedVersion

RECENT = dt.timedelta(days=1)
"""Older ones are no news: the service may have been off, or be new here."""


class RegistryChanges:
    """Puts each recent change of the registry into the outbox once; its key is the same in every replica."""

    def __init__(self) -> None:
        self._noted: set[str] = set()

    def note(
        self,
        engine: Engine,
        history: "Sequence[PromotionRecord]",
        rejected: "Sequence[RejectedVersion]",
    ) -> None:
        """Note what is new in a history of promotions, and among the versions that were refused here."""
        since = dt.datetime.now(dt.UTC) - RECENT
        for record in history:
            if record.at > since and record.is_carried_out and record.by != GUARD:
                self._note_change(engine, record)
        for version in rejected:
            if version.why != "registry" and version.at > since:  # that is the registry's fault
                self._note_refusal(engine, version, history)

    def _note_change(self, engine: Engine, record: "PromotionRecord") -> None:
        # Not the number in the history, which can change once when two promote at the same time.
        key = f"{record.action}:{record.version}:{record.at:%Y%m%dT%H%M%S.%f}"
        if key in self._noted:
            return
        before = "" if record.previous is None else f" instead of version {record.previous}"
        forced = " Gates that it failed were overruled." if record.forced else ""
        what = "is champion now" if record.action == "promote" else "is champion again, by a rollback"
        with engine.begin() as connection:
            add_notification(
                connection,
                key=key,
                kind="promotion" if record.action == "promote" else "rollback",
                title=f"Version {record.version} {what}",
                text=f"By {record.by}{before}: {record.reason}.{forced}",
                details={
                    "number": record.number,
                    "version": record.version,
                    "previous": record.previous,
                    "by": record.by,
                    "reason": record.reason,
                    "forced": record.forced,
                    "at": record.at.isoformat(),
                },
            )
        self._noted.add(key)

    def _note_refusal(
        self, engine: Engine, refused: "RejectedVersion", history: "Sequence[PromotionRecord]"
    ) -> None:
        promoted = [record.at for record in history if record.version == refused.version]
        since = f"{promoted[-1]:%Y%m%dT%H%M%S.%f}" if promoted else "0"
        key = f"refusal:{refused.version}:{since}"
        if key in self._noted:
            return
        with engine.begin() as connection:
            add_notification(
                connection,
                key=key,
                kind="refusal",
                title=f"Version {refused.version} is refused by the service",
                text=f"{refused.reason}. The version before goes on serving.",
                details={"version": refused.version, "why": refused.why, "is_final": refused.is_final},
            )
        self._noted.add(key)
