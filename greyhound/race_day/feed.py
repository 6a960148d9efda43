"""The clock of a replay: what happened is sent when it is due at a speed, or as fast as it is taken."""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from greyhound.race_day.recordings import first_ms, happenings
from greyhound.race_day.sender import Sender, Sent
from greyhound_client import GreyhoundClient

FLUSH_S = 0.1


def feed(
    client: GreyhoundClient,
    paths: Sequence[Path],
    *,
    speed: float | None,
    is_shifted: bool = False,
    prices_every_s: float = 10.0,
    posts_per_s: float | None = 20.0,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    show: Callable[[str], None] = lambda line: None,
) -> Sent:
    """Send recordings into a running service, and return what was sent.

    Parameters
    ----------
    speed
        Seconds of the recording a second; None waits for nothing but the service.
    is_shifted
        Whether times are moved so that the recording (or what of it is played) begins now.
    since, until
        With their zone: what was published before is sent at once, what was after is left out.
    """
    begin_ms = first_ms(paths) if since is None else int(since.timestamp() * 1000)
    end_ms = None if until is None else int(until.timestamp() * 1000)
    shown = time.monotonic()
    started: float | None = None
    shift = (
        dt.datetime.now(dt.UTC) - dt.datetime.fromtimestamp(begin_ms / 1000, dt.UTC) if is_shifted else None
    )
    sender = Sender(client, posts_per_s=posts_per_s)
    for happening in happenings(paths, prices_every_s=prices_every_s, shift=shift):
        if end_ms is not None and happening.at_ms > end_ms:
            break
        if happening.kind == "prices" and happening.at_ms < begin_ms:
            continue
        if speed is not None and happening.at_ms >= begin_ms:
            started = time.monotonic() if started is None else started  # what was before took its time
            due = started + (happening.at_ms - begin_ms) / 1000 / speed
            if due - time.monotonic() > FLUSH_S:
                sender.flush()
            if (wait_s := due - time.monotonic()) > 0:
                time.sleep(wait_s)
        sender.take(happening)
        if time.monotonic() - shown > 5:
            shown, sent = time.monotonic(), sender.sent
            clock = dt.datetime.fromtimestamp(happening.at_ms / 1000, dt.UTC)
            show(
                f"{clock:%F %T} {sent.n_cards} cards, {sent.n_scratchings} scratchings, "
                f"{sent.n_price_reports} price reports, {sent.n_results} results"
            )
    sender.flush()
    return sender.sent
