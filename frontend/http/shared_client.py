"""One answer of the service for all visitors: cached for a moment, and fetched once at a time.

A page that is open fetches every few seconds, and so does each of a hundred: the service gets one request a
second all the same, and one at a time for each address, however long an answer takes.
"""

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import httpx

from greyhound_client import Call, GreyhoundClient

MAX_ANSWERS = 64
MAX_ANSWER_BYTES = 256 * 1024  # a larger one is fetched each time


@dataclass(slots=True)
class _Entry:
    answer: "Future[httpx.Response]" = field(default_factory=Future)
    until: float = float("inf")


class AnswerCache:
    """Answers of the last moment, and those that are being fetched now."""

    def __init__(self, cache_s: float) -> None:
        self._cache_s = cache_s
        self._lock = threading.Lock()
        self._entries: dict[Hashable, _Entry] = {}

    def get(self, key: Hashable, fetch: Callable[[], httpx.Response]) -> httpx.Response:
        """Return an answer; it is fetched only if it is not cached and no other thread is fetching it."""
        with self._lock:
            entry = self._entries.get(key)
            is_cached = entry is not None and time.monotonic() < entry.until
            if entry is None or not is_cached:
                entry = self._entries[key] = _Entry()
                if len(self._entries) > MAX_ANSWERS:
                    del self._entries[next(iter(self._entries))]
        if not is_cached:
            self._fetch(key, entry, fetch)
        return entry.answer.result()

    def clear(self) -> None:
        """Let everything be fetched anew."""
        with self._lock:
            self._entries.clear()

    def _fetch(self, key: Hashable, entry: _Entry, fetch: Callable[[], httpx.Response]) -> None:
        is_large = False
        try:
            answer = fetch()
            is_large = len(answer.content) > MAX_ANSWER_BYTES
            entry.answer.set_result(answer)
        except BaseException as error:
            entry.answer.set_exception(error)
        entry.until = time.monotonic() + self._cache_s
        if is_large:
            with self._lock:
                if self._entries.get(key) is entry:
                    del self._entries[key]


class SharedClient(GreyhoundClient):
    """A client whose GET requests share their answers with those of others."""

    def __init__(self, url: str, *, cache_s: float, **options: Any) -> None:
        super().__init__(url, **options)
        self._answers = AnswerCache(cache_s)

    def forget(self) -> None:
        """Fetch everything anew, since something has changed."""
        self._answers.clear()

    def raw(self, call: Call[Any] | str) -> httpx.Response:
        """Return the response to a call, which may be some moments old."""
        call = Call("GET", call, str) if isinstance(call, str) else call
        if call.method != "GET":
            answer = super().raw(call)
            if not call.is_repeatable:  # a promotion: whatever is cached may be out of date
                self.forget()
            return answer
        query = tuple(sorted((name, str(value)) for name, value in call.query.items()))
        key = (self._api_key, call.path, query)
        return self._answers.get(key, lambda: super(SharedClient, self).raw(call))
