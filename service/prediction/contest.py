"""Who answers a card, and who shadows it: the champion, or in a split the arm that its race has."""

from collections.abc import Callable
from typing import NamedTuple

from racing.domain.cards import Card
from racing.experiments.arms import arm_of
from racing.experiments.records import Experiment
from racing.predictions.reading import track_key
from service.experiments.follower import ActiveExperiment
from service.serving.slots import ModelSlots, Snapshot


class Part(NamedTuple):
    """What an answer is to an experiment."""

    id: int
    arm: int
    """Which contestant answers: 0 is the champion, 1 the first challenger."""


class Contestants(NamedTuple):
    """The versions of one card; they are chosen once, and a swap changes nothing of it."""

    answering: Snapshot
    others: tuple[Snapshot, ...]
    """Those that score the card without answering it."""
    part: Part | None
    """None if no experiment runs, or the card is outside of it."""

    @property
    def read_runs(self) -> bool:
        """Whether one of them takes the numbers of single runs."""
        return any(one.reads_runs for one in self.others) or self.answering.reads_runs

    def without_challenger(self, champion: Snapshot) -> "Contestants":
        """Return the same card as the champion answers it, because its challenger could not."""
        others = tuple(one for one in self.others if one is not champion)
        return Contestants(champion, others, self.part and Part(self.part.id, 0))


class Contest:
    """Chooses the contestants of a card; costs a microsecond without a split."""

    def __init__(
        self, slots: ModelSlots, experiment: ActiveExperiment, is_off: Callable[[int], bool]
    ) -> None:
        self._slots = slots
        self._experiment = experiment
        self._is_off = is_off

    def of(self, card: Card, champion: Snapshot, *, may_split: bool) -> Contestants:
        """Return who answers a card.

        ``may_split`` is False for cards that the champion answers whatever the arm; they are outside of a
        split.
        """
        challengers, experiment = self._slots.challengers, self._experiment.current
        if experiment is None or experiment.champion != champion.version:
            # Of a promotion that has just been made, the record may be a poll behind, or ahead.
            return Contestants(champion, _others(challengers, champion), None)
        if experiment.mode != "split":
            return Contestants(champion, _others(challengers, champion), Part(experiment.id, 0))
        if not may_split:
            return Contestants(champion, _others(challengers, champion), None)
        arm = _arm(experiment, card)
        wanted = experiment.challengers[arm - 1] if arm else None
        answering = next((one for one in challengers if one.version == wanted), None)
        if answering is None or self._is_off(answering.version):
            return Contestants(champion, _others(challengers, champion), Part(experiment.id, 0))
        others = (champion, *_others(challengers, champion, answering))
        return Contestants(answering, others, Part(experiment.id, arm))


def _arm(experiment: Experiment, card: Card) -> int:
    return arm_of(
        experiment.id,
        experiment.share,
        len(experiment.challengers),
        date=card.date,
        track=track_key(card.track, card.distance_m),
        race_number=card.race_number,
    )


def _others(challengers: tuple[Snapshot, ...], *but: Snapshot) -> tuple[Snapshot, ...]:
    versions = [one.version for one in but]
    if any(one.version in versions for one in challengers):
        return tuple(one for one in challengers if one.version not in versions)
    return challengers
