"""Logged cards, scored again: by the code that serves, as of each card's day."""

import datetime as dt
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Engine, Row

from racing.domain.cards import Card, Runner, starters_of, status_of
from racing.domain.errors import RacingError
from racing.domain.track_time import today_at
from racing.predictions.cards import counted_cards, logged_cards
from racing.predictions.cards import starters_of as who_started
from service.observability.stages import StageTimer
from service.prediction.card_prediction import predict_card
from service.prediction.card_reader import read_card
from service.prediction.form_store import FormStore
from service.serving.slots import Snapshot

_COPIED_FIELDS = Runner.__dataclass_fields__.keys() - {"is_reserve", "is_scratched"}


@dataclass(frozen=True, slots=True)
class ReplayedRunner:
    """A runner's win probability before and now."""

    box: int
    name: str
    before: float
    now: float


@dataclass(frozen=True, slots=True)
class ReplayedCard:
    """A logged card with both versions' answers; losses are race log losses, None where it does not count."""

    id: int
    date: str
    track: str
    version_before: int
    runners: tuple[ReplayedRunner, ...]
    loss_before: float | None
    loss_now: float | None
    has_learnt: bool | None = None
    """Whether the version that scores it now has learnt from races of that day; None if unknown."""
    refused: str | None = None
    """Why it has no answer now, if it has none; then it has no runners here."""

    @property
    def largest(self) -> ReplayedRunner:
        """Return the runner whose probability changed most."""
        return max(self.runners, key=lambda runner: abs(runner.now - runner.before))


def replayed(
    engine: Engine,
    form: FormStore,
    now: Snapshot,
    before: Snapshot | None,
    *,
    since: dt.date | None,
    logged_by: int | None,
    with_late: bool = False,
) -> Iterator[ReplayedCard]:
    """Yield each logged card with the answer of one version beside the logged one, or beside another's.

    Losses are those of the cards that a score counts, so that each race counts once.

    Form is read as of the card's day from what the database holds today: what was imported since of earlier
    days changes answers too.
    """
    counted = counted_cards(engine, since, logged_by, with_late=with_late)
    for row in logged_cards(engine, since, logged_by):
        try:
            yield _replayed(engine, form, row, now, before, counts=row.id in counted)
        except (RacingError, ValidationError, ValueError, LookupError) as error:
            version = before.version if before else row.model_version
            why = " ".join(str(error).split())[:300]
            yield ReplayedCard(row.id, str(row.date), row.track, version, (), None, None, refused=why)


def _replayed(
    engine: Engine, form: FormStore, row: Row[Any], now: Snapshot, before: Snapshot | None, *, counts: bool
) -> ReplayedCard:
    logged = json.loads(row.answer)["runners"]
    card = _with_starters_of(logged, read_card(row.card.encode()))
    stored = form.read(card)

    def by(snapshot: Snapshot) -> list[float]:
        # a card that was let in then is let in now
        today = max(today_at(card.track, row.at.replace(tzinfo=dt.UTC)), row.at.date())
        prediction = predict_card(snapshot, form, card, stored, StageTimer(), today=today)
        win: list[float] = prediction.win_probability.tolist()
        return win

    logged_win = [runner["win_probability"] for runner in logged if _status(runner) == "starter"]
    old = by(before) if before else logged_win
    pairs = zip(starters_of(card).runners, old, by(now), strict=True)
    runners = tuple(ReplayedRunner(runner.box, runner.name, p, q) for runner, p, q in pairs)
    won = who_started(engine, row.id) if counts else {}
    return ReplayedCard(
        id=row.id,
        date=str(row.date),
        track=row.track,
        version_before=before.version if before else row.model_version,
        runners=runners,
        loss_before=_loss({runner.box: runner.before for runner in runners}, won),
        loss_now=_loss({runner.box: runner.now for runner in runners}, won),
        has_learnt=now.learning.has_learnt(row.date),
    )


def _with_starters_of(logged: list[dict[str, Any]], card: Card) -> Card:
    """Return a card with those as starters that were answered as such: once reserves were too."""
    if all(_status(answer) == status_of(one) for answer, one in zip(logged, card.runners, strict=True)):
        return card
    runners = [
        Runner(
            **{name: getattr(one, name) for name in _COPIED_FIELDS},
            is_reserve=_status(answer) == "reserve",
            is_scratched=_status(answer) == "scratched",
        )
        for answer, one in zip(logged, card.runners, strict=True)
    ]
    about = {name: getattr(card, name) for name in Card.__dataclass_fields__ if name != "runners"}
    return Card(**about, runners=tuple(runners))


def _status(answer: dict[str, Any]) -> str:
    return str(answer.get("status", "starter"))


def _loss(win: dict[int, float], won: dict[int, bool]) -> float | None:
    """Return the race log loss over those that started, their probabilities shared again."""
    if not won:
        return None
    winner = next(box for box, is_first in won.items() if is_first)
    return -math.log(max(win[winner] / sum(win[box] for box in won), 1e-15))
