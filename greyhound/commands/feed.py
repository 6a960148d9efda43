"""`greyhound feed`: recordings of Betfair's stream sent into a running service, with the clock."""

import datetime as dt
import os
from dataclasses import asdict
from pathlib import Path

import click

from greyhound.options import json_option
from greyhound.output.printing import print_json, say, shown

_TIMES = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


class _Speed(click.ParamType[float | None]):
    """A factor, or ``max``."""

    name = "speed"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | None:
        """Return the factor, None for as fast as possible."""
        if value is None or value == "max":
            return None
        try:
            speed = float(str(value))
        except ValueError:
            speed = 0.0
        if not 0 < speed <= 100_000:
            self.fail(f"a speed is a number such as 50, or max, got {value!r}", param, ctx)
        return speed


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="Where the service is.")
@click.option(
    "--key",
    envvar="GREYHOUND_API_KEY",
    show_envvar=True,
    help="An API key with the scope `results`; safer in the environment.",
)
@click.option(
    "--speed",
    type=_Speed(),
    default="1",
    show_default=True,
    help="Seconds of the recording a second; `max` waits for nothing but the service.",
)
@click.option(
    "--shift-to-now", is_flag=True, help="Move the times so that it begins now; races are labelled (replay)."
)
@click.option(
    "--prices-every",
    type=click.FloatRange(0.1, 3600),
    default=10.0,
    show_default=True,
    help="Seconds of the recording between two prices of a market.",
)
@click.option(
    "--posts",
    type=click.FloatRange(0.1, 1000),
    default=20.0,
    show_default=True,
    help="Requests a second at most.",
)
@click.option(
    "--since", type=click.DateTime(_TIMES), help="UTC: what was before is sent at once, without prices."
)
@click.option("--until", type=click.DateTime(_TIMES), help="UTC: the end.")
@json_option
def feed(
    files: tuple[Path, ...], url: str, key: str | None, speed: float | None, shift_to_now: bool,
    prices_every: float, posts: float, since: dt.datetime | None, until: dt.datetime | None, as_json: bool,
) -> int:  # fmt: skip
    """Send recordings of Betfair's stream (.bz2, .tar, plain; folders) into a running service.

    WIN markets become races to come, removed runners scratchings, prices go to `POST /prices`, and settled
    markets bring their results. While the service is away it waits, up to ten minutes, and loses nothing.

    \b
    Examples:
      greyhound keys add feed --scope results
      greyhound feed recordings/ --key gh_... --speed 50
      greyhound feed recordings/ --speed max
      greyhound feed recordings/ --speed 50 --shift-to-now       the pages show it as if it were today
    """
    from greyhound.race_day.feed import feed as play
    from greyhound_client import GreyhoundClient

    with GreyhoundClient(url, api_key=key or os.environ.get("GREYHOUND_API_KEY")) as client:
        sent = play(
            client,
            files,
            speed=speed,
            is_shifted=shift_to_now,
            prices_every_s=prices_every,
            posts_per_s=None if speed is None else posts,
            since=since and since.replace(tzinfo=dt.UTC),
            until=until and until.replace(tzinfo=dt.UTC),
            show=lambda line: say(line, err=True),
        )
    if as_json:
        print_json(asdict(sent))
    else:
        say(
            f"{sent.n_cards} cards, {sent.n_scratchings} scratchings, {sent.n_price_reports} price reports, "
            f"{sent.n_results} results in {sent.n_requests} requests; {sent.n_repeated} were sent again."
        )
        for line in sent.refused[:10]:
            say(f"refused: {shown(line)}", err=True)
    return 0
