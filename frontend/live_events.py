"""``/live/events``: the service's events for all open pages, over one stream between front end and service.

A page says ``new EventSource("/live/events?kinds=card,scratching")``. Each page that follows holds one thread
of the server, so only some may; another is answered with 503, and goes on asking every few seconds as
``live.js`` does. Nothing is followed while no page is open.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress

from flask import Flask, Response, request

from frontend.settings import FrontendSettings
from greyhound_client import Event, GreyhoundClient, GreyhoundError

KINDS = ("card", "scratching", "price", "promotion", "result", "missed")
MAX_RECENT = 1_000
HEARTBEAT_S = 10.0
LIFE_S = 90.0
"""Then a stream ends and the browser comes again: the server ends any answer after two minutes."""
IDLE_S = 30.0
_LINE = "id: {id}\nevent: {kind}\ndata: {data}\n\n"


class LiveEvents:
    """Follows the service while a page is open, and hands the newest events to every page.

    Parameters
    ----------
    max_pages
        So many pages at once.
    """

    def __init__(self, client: GreyhoundClient, *, max_pages: int) -> None:
        self._client = client
        self._max_pages = max_pages
        self._recent: deque[tuple[int, str, str]] = deque(maxlen=MAX_RECENT)
        self._news = threading.Condition()
        self._is_followed = self._is_closed = False
        self._needed_at = 0.0
        self._n_pages = 0

    def close(self) -> None:
        """End; no page is shown any more."""
        self._is_closed = True
        self._client.close()

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

    def stream(self, kinds: frozenset[str], after: int | None) -> Iterator[str]:
        """Yield what a page is sent; it ends after some minutes, and the browser comes again."""
        until = time.monotonic() + LIFE_S
        yield "retry: 2000\n: events follow\n\n"
        with self._news:
            position = after if after is not None else self._newest()
            oldest, newest = self._recent[0][0] if self._recent else 0, self._newest()
        if newest and not oldest - 1 <= position <= newest:  # it was away for long, or the numbers began anew
            lost = json.dumps({"after": position, "until": newest, "text": "Read the races anew."})
            yield _LINE.format(id=newest, kind="missed", data=lost)
            position = newest
        while time.monotonic() < until:
            with self._news:
                if self._newest() <= position:
                    self._news.wait(HEARTBEAT_S)
                events = [event for event in self._recent if event[0] > position]
            position = max(position, events[-1][0]) if events else position
            wanted = "".join(text for _, kind, text in events if kind in kinds)
            yield wanted or f": still here\nid: {position}\n\n"

    def _newest(self) -> int:
        return self._recent[-1][0] if self._recent else 0

    def _follow(self, after: int | None) -> None:
        """Follow the service until no page was open for a while."""
        while self._is_needed():
            with suppress(GreyhoundError, RuntimeError):  # the latter of a client that is closed meanwhile
                for event in self._client.events(after=after, give_up_s=IDLE_S):
                    after = event.id
                    self._take(event)
                    if not self._is_needed():
                        return
            time.sleep(1.0)

    def _is_needed(self) -> bool:
        with self._news:
            is_recent = time.monotonic() - self._needed_at < IDLE_S
            is_needed = (self._n_pages > 0 or is_recent) and not self._is_closed
            self._is_followed = is_needed
            return is_needed

    def _take(self, event: Event) -> None:
        data = json.dumps(event.data.model_dump(mode="json"))
        with self._news:
            self._recent.append((event.id, event.kind, _LINE.format(id=event.id, kind=event.kind, data=data)))
            self._news.notify_all()


def install(app: Flask, settings: FrontendSettings) -> None:
    """Let an app hand events on; half of its threads at most follow, so that pages are shown."""
    client = GreyhoundClient(settings.service, api_key=settings.api_key)
    live = LiveEvents(client, max_pages=max(1, settings.threads // 2))
    app.extensions["greyhound-live-events"] = live

    @app.get("/live/events")
    def live_events() -> Response:
        """Return the stream of events for one page."""
        wanted = request.args.get("kinds", "")
        kinds = frozenset(wanted.split(",")) & frozenset(KINDS) if wanted else frozenset(KINDS)
        last = request.headers.get("Last-Event-ID", "")
        after = int(last) if last.isascii() and last.isdigit() and len(last) < 19 else None
        if not live.enter(after):
            return Response(
                "too many pages follow already\n", 503, {"Retry-After": "5"}, mimetype="text/plain"
            )
        response = Response(live.stream(kinds | {"missed"}, after), mimetype="text/event-stream")
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Accel-Buffering"] = "no"
        response.call_on_close(live.leave)
        return response
