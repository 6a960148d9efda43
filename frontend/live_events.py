"""``/live/events``: the service's events for all open pages, over one stream between front end and service.

A page says ``new EventSource("/live/events?kinds=card,scratching")``. Each page that follows holds one thread
of the server, so only some may. Another is sent ``following: false`` and goes on asking every few seconds, as
``live.js`` does without a stream; so do all while the service is away. Nothing is followed while no page is
open.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

import httpx
from flask import Flask, Response, request

from frontend.http.event_transport import EventTransport
from frontend.http.shared_client import SharedClient
from frontend.settings import FrontendSettings
from greyhound_client import Event, GreyhoundClient, GreyhoundError

KINDS = ("card", "scratching", "price", "promotion", "result", "missed")
MAX_RECENT = 1_000
MAX_RECENT_CHARS = 4 * 1024 * 1024
HEARTBEAT_S = 10.0
LOOK_S = 0.5
"""So often a stream looks whether its page is still there."""
LIFE_S = 90.0
"""Then a stream ends and the browser comes again: the server ends any answer after two minutes."""
IDLE_S = 30.0
_LINE = "id: {id}\nevent: {kind}\ndata: {data}\n\n"


class _NotNeeded(Exception):
    """No page is open any more."""


def _nothing() -> None:
    pass


class LiveEvents:
    """Follows the service while a page is open, and hands the newest events to every page.

    Parameters
    ----------
    max_pages
        So many pages at once.
    changed
        Called before pages are sent an event: answers of the service from before it are old.
    """

    def __init__(
        self,
        service: str,
        *,
        api_key: str | None = None,
        max_pages: int,
        changed: Callable[[], None] = _nothing,
    ) -> None:
        self._transport = EventTransport(self._heard)
        self._http = httpx.Client(transport=self._transport)
        self._client = GreyhoundClient(service, api_key=api_key, http=self._http)
        self._max_pages = max_pages
        self._changed = changed
        self._n_chars = 0
        self._recent: deque[tuple[int, str, str]] = deque()
        self._news = threading.Condition()
        self._is_followed = self._is_closed = False
        self._needed_at = 0.0
        self._n_pages = 0

    def close(self) -> None:
        """End; no page is shown any more."""
        self._is_closed = True
        self._http.close()

    def enter(self, after: int | None) -> bool:
        """Count one more page, and follow the service; return whether there is room.

        ``after`` is the last event that the page has, if it had any.
        """
        with self._news:
            if self._n_pages >= self._max_pages:
                return False
            self._n_pages += 1
            self._needed_at = time.monotonic()
            if not self._is_followed:
                self._is_followed = True
                start = (self._newest() or after,)
                threading.Thread(target=self._follow, args=start, name="live-events", daemon=True).start()
            return True

    def leave(self) -> None:
        """Count one page less."""
        with self._news:
            self._n_pages -= 1
            self._needed_at = time.monotonic()

    def stream(
        self, kinds: frozenset[str], after: int | None, is_gone: Callable[[], bool] = lambda: False
    ) -> Iterator[str]:
        """Yield what a page is sent; it ends after some minutes, and the browser comes again."""
        until, sent_at = time.monotonic() + LIFE_S, time.monotonic()
        yield "retry: 2000\n: events follow\n\n"
        with self._news:
            position = after if after is not None else self._newest()
            oldest, newest = self._recent[0][0] if self._recent else 0, self._newest()
        if newest and not oldest - 1 <= position <= newest:  # it was away for long, or the numbers began anew
            lost = json.dumps({"after": position, "until": newest, "text": "Read the races anew."})
            yield _LINE.format(id=newest, kind="missed", data=lost)
            position = newest
        is_following = None
        while time.monotonic() < until and not self._is_closed and not is_gone():
            with self._news:
                if self._newest() <= position and is_following is not None:
                    self._news.wait(LOOK_S)
                events = [event for event in self._recent if event[0] > position]
            position = max(position, events[-1][0]) if events else position
            wanted = "".join(text for _, kind, text in events if kind in kinds)
            if is_following is not self._transport.is_connected:
                is_following = self._transport.is_connected
                wanted += f"event: following\ndata: {json.dumps(is_following)}\n\n"
            if wanted or time.monotonic() - sent_at > HEARTBEAT_S:
                sent_at = time.monotonic()
                yield wanted or f": still here\nid: {position}\n\n"

    def _newest(self) -> int:
        return self._recent[-1][0] if self._recent else 0

    def _follow(self, after: int | None) -> None:
        """Follow the service until no page was open for a while."""
        while self._goes_on():
            # RuntimeError: the client was closed, or JSON is nested too deep; ValueError: an id that is none
            with suppress(GreyhoundError, httpx.HTTPError, _NotNeeded, RuntimeError, ValueError):
                for event in self._client.events(after=after, give_up_s=IDLE_S):
                    after = event.id
                    self._take(event)
            self._transport.ended()
            time.sleep(1.0)

    def _heard(self, is_new: bool) -> None:
        if is_new:
            self._changed()
            with self._news:
                self._news.notify_all()
        elif not self._is_needed:
            raise _NotNeeded

    @property
    def _is_needed(self) -> bool:
        is_recent = time.monotonic() - self._needed_at < IDLE_S
        return (self._n_pages > 0 or is_recent) and not self._is_closed

    def _goes_on(self) -> bool:
        with self._news:
            self._is_followed = self._is_needed
            return self._is_followed

    def _take(self, event: Event) -> None:
        data = json.dumps(event.data.model_dump(mode="json"))
        text = _LINE.format(id=event.id, kind=event.kind, data=data)
        self._changed()
        with self._news:
            while self._recent and (len(self._recent) >= MAX_RECENT or self._n_chars > MAX_RECENT_CHARS):
                self._n_chars -= len(self._recent.popleft()[2])
            self._recent.append((event.id, event.kind, text))
            self._n_chars += len(text)
            self._news.notify_all()


def install(app: Flask, settings: FrontendSettings) -> None:
    """Let an app hand events on; half of its threads at most follow, so that pages are shown."""
    shared: SharedClient = app.extensions["greyhound"]
    live = LiveEvents(
        settings.service,
        api_key=settings.api_key,
        max_pages=max(1, settings.threads // 2),
        changed=shared.forget,
    )
    app.extensions["greyhound-live-events"] = live

    @app.get("/live/events")
    def live_events() -> Response:
        """Return the stream of events for one page."""
        wanted = request.args.get("kinds", "")
        kinds = frozenset(wanted.split(",")) & frozenset(KINDS) if wanted else frozenset(KINDS)
        last = request.headers.get("Last-Event-ID", "")
        after = int(last) if last.isascii() and last.isdigit() and len(last) < 19 else None
        if not live.enter(after):
            # An error would stand in the browser's console; it comes again by itself like this.
            return _as_stream(["retry: 15000\nevent: following\ndata: false\n\n"])
        is_gone = request.environ.get("waitress.client_disconnected", lambda: False)
        response = _as_stream(live.stream(kinds | {"missed"}, after, is_gone))
        response.call_on_close(live.leave)
        return response


def _as_stream(pieces: Iterable[str]) -> Response:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Response(pieces, headers=headers, mimetype="text/event-stream")
