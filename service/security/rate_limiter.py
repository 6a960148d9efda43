"""How often each client may do something: a token bucket a client, in bounded memory."""

import math
import time
from collections.abc import Callable

MAX_CLIENTS = 20_000  # some 5 MB; beyond it the one longest unseen is forgotten


class RateLimiter:
    """A bucket a client holds ``burst`` tokens and gains ``per_s`` a second; stored as one number each.

    The number is the time at which the bucket is full again (the generic cell rate algorithm).
    """

    def __init__(self, per_s: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval_s = 1 / per_s
        self._tolerance_s = (burst - 1) / per_s
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, client: str) -> int:
        """Take a token and return 0, or return the whole seconds until there is one."""
        now = self._clock()
        full_at = max(self._full_at.pop(client, now), now)
        wait_s = full_at - now - self._tolerance_s
        if wait_s <= 0:
            full_at += self._interval_s
        self._full_at[client] = full_at  # the last entry is the one seen last
        if len(self._full_at) > MAX_CLIENTS:
            del self._full_at[next(iter(self._full_at))]
        return max(math.ceil(wait_s), 0)
