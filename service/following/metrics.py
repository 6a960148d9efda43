"""What Prometheus is told of following the registry, read from the watcher's state at each scrape."""

from collections.abc import Iterator
from typing import get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from model_registry.errors import Fault
from service.following.slots import CHAMPION, Slots
from service.following.watcher import AliasWatcher

_WHYS = (*get_args(Fault), "slow", "registry", "other")


class FollowingCollector(Collector):
    """Refusals by reason, and whether a kept artifact serves; costs no request anything."""

    def __init__(self, registry: CollectorRegistry, watcher: AliasWatcher, slots: Slots) -> None:
        self._watcher = watcher
        self._slots = slots
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics as they are now."""
        refusals = CounterMetricFamily(
            "greyhound_champion_refusals_total",
            "Versions that the champion alias named and that were not let in, by reason.",
            labels=["why"],
        )
        for why in _WHYS:
            refusals.add_metric([why], self._watcher.state.n_refusals.get(why, 0))
        yield refusals
        champion = self._slots.find(CHAMPION)
        yield GaugeMetricFamily(
            "greyhound_champion_is_kept_artifact",
            "1 while the champion serves from this machine's disk because the registry could not give it.",
            value=float(champion is not None and champion.kept_at is not None),
        )
        yield GaugeMetricFamily(
            "greyhound_kept_champion_failed",
            "1 while the version that serves could not be kept on this machine's disk.",
            value=float(self._watcher.keeper.state.error is not None),
        )
