"""The prediction log as the service holds it: ``put`` an answer, and it is kept."""

from service.keeping.waiting import Waiting
from service.metrics import Metrics
from service.settings import ServiceSettings
from service.slots import Snapshot


class PredictionLog:
    """Keeps answered cards, in a thread of its own; an answer never waits for it and never fails by it."""

    def __init__(self, settings: ServiceSettings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._waiting = Waiting(settings.log_queue_bytes)

    def put(self, *, request_id: str, snapshot: Snapshot, card: bytes, answer: bytes) -> None:
        """Let an answered card be kept; costs about a microsecond, from the event loop's thread."""
        self._waiting.put(request_id, snapshot.version, snapshot.model.digest, card, answer)

    def start(self) -> None:
        """Begin to keep."""

    def stop(self) -> None:
        """Keep what still waits, and end; blocking."""
