"""`greyhound record`: seal the days of logged predictions, show the seals, and check the log against them."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict

import click
from sqlalchemy import Engine

from greyhound.errors import ATTENTION
from greyhound.options import Day, database_option, json_option, progress_option
from greyhound.output.console import console
from greyhound.output.printing import print_json, say
from greyhound.output.progress import progress
from racing.database.engine import open_database
from racing.domain.errors import NoSuchSeal
from racing.domain.plain_text import json_escaped
from racing.predictions.seal_check import Check, verify_record
from racing.predictions.seals import GRACE, Seal, list_seals, seal_days, seal_of, sealed_rows

_N_PRINTED = 50
grace_option = click.option(
    "--grace-h",
    type=click.FloatRange(0, 24 * 365),
    default=GRACE.total_seconds() / 3600,
    show_default=True,
    envvar="GREYHOUND_SEAL_GRACE_H",
    show_envvar=True,
    help="Hours after a day before it is sealed, for answers that were spooled.",
)


class Published(click.ParamType[tuple[dt.date, str]]):
    """A seal as it was published, written ``2026-03-14=SEAL``."""

    name = "published"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[dt.date, str]:
        """Return the day and its seal, or fail with the rule and the value."""
        day, _, seal = str(value).partition("=")
        seal = seal.strip().lower()
        if len(seal) != 64 or set(seal) - set("0123456789abcdef"):
            self.fail(f"a published seal is written DATE=64 hexadecimal digits, got {value!r}", param, ctx)
        return Day().convert(day.strip(), param, ctx), seal


@click.group()
def record() -> None:
    """Seal the days of predictions, and check that nothing was changed since.

    Each day's answers that came before the off are sealed by a digest, chained to the day before. The service
    seals by itself (docs/explanation/track-record.md).

    \b
    Examples:
      greyhound record show
      greyhound record verify
      greyhound record verify --published 2026-03-14=9f0c...
      greyhound record show 2026-03-14 --rows > day.ndjson
    """


@record.command("seal")
@grace_option
@database_option
@json_option
@progress_option
def seal_command(grace_h: float, database: str, as_json: bool) -> None:
    """Seal the days that are over, and print their seals.

    Run again it changes nothing.
    """
    engine = _opened(database)
    with progress("sealing days") as report:
        sealed = seal_days(engine, grace=dt.timedelta(hours=grace_h), on_progress=report)
    if as_json:
        print_json({"sealed": [asdict(seal) for seal in sealed]})
        return
    _print_seals(sealed)
    console.print(f"{_days(len(sealed))} sealed.")


@record.command("show")
@click.argument("date", type=Day(), required=False)
@click.option(
    "--rows",
    is_flag=True,
    help="The sealed predictions of DATE instead, a JSON object each, with card and answer: all that another "
    "needs to compute the seal.",
)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="At most so many days."
)
@database_option
@json_option
def show_command(date: dt.date | None, rows: bool, limit: int, database: str, as_json: bool) -> None:
    """Show seals, the newest first, or that of DATE."""
    engine = _opened(database)
    if rows and date is None:
        raise click.UsageError("--rows needs a DATE")
    if date is None:
        seals = list_seals(engine, limit=limit)
    else:
        one = seal_of(engine, date)
        if one is None:
            raise NoSuchSeal(f"{date} is not sealed; `greyhound record show` lists the days that are")
        seals = [one]
    if rows and date is not None:
        _print_rows(engine, date)
    elif as_json:
        print_json({"seals": [asdict(seal) for seal in seals]})
    elif seals:
        _print_seals(seals)
    else:
        console.print("No day is sealed yet.")


@record.command("verify")
@click.option(
    "--published",
    type=Published(),
    multiple=True,
    metavar="DATE=SEAL",
    help="A seal as it was published outside; may be given more than once.",
)
@grace_option
@database_option
@json_option
@progress_option
def verify_command(
    published: tuple[tuple[dt.date, str], ...], grace_h: float, database: str, as_json: bool
) -> int:
    """Check the chain of seals, and every sealed prediction, against the log.

    Finds a row that was changed, that is missing or that was added late, a seal that was changed, and a day
    that is missing; exit code 6 if there is any. A chain made all anew is found only by published seals.
    """
    engine = _opened(database)
    with progress("checking days") as report:
        check = verify_record(
            engine,
            published=dict(published),
            grace=dt.timedelta(hours=grace_h),
            on_progress=report,
        )
    if as_json:
        print_json(asdict(check) | {"is_intact": check.is_intact})
    else:
        _print_check(check, dict(published))
    return 0 if check.is_intact else ATTENTION


def _opened(database: str) -> Engine:
    engine = open_database(database)
    click.get_current_context().call_on_close(engine.dispose)
    return engine


def _print_seals(seals: list[Seal]) -> None:
    for one in seals:
        counts = f"{one.n_predictions:7d} predictions, {one.n_before_off} known to be before the off"
        pruned = f", pruned {one.pruned_at:%Y-%m-%d}" if one.pruned_at else ""
        say(f"{one.date} {one.seal} {counts}, sealed {one.sealed_at:%Y-%m-%d %H:%M}{pruned}")


def _print_rows(engine: Engine, date: dt.date) -> None:
    for basis, row in sealed_rows(engine, date):
        line = {
            "id": row.id,
            "at": row.at.isoformat(timespec="microseconds") + "Z",
            "basis": basis,
            "model_version": row.model_version,
            "digest": row.digest,
            "card": row.card,
            "answer": row.answer,
        }
        say(json_escaped(json.dumps(line, ensure_ascii=False)))


def _print_check(check: Check, published: Mapping[dt.date, str]) -> None:
    for one in check.findings[:_N_PRINTED]:
        which = f", prediction {one.prediction_id}" if one.prediction_id is not None else ""
        say(f"{one.date}{which}: {one.kind}: {one.text}")
    if check.n_findings > _N_PRINTED:
        say(f"... and {check.n_findings - _N_PRINTED} more.")
    if check.last_date is None:
        console.print("No day is sealed yet.")
        return
    pruned = f", {check.n_pruned_days} of them pruned" if check.n_pruned_days else ""
    looked_at = f"{_days(check.n_days)} sealed{pruned}; {check.n_predictions} predictions compared"
    if check.n_days_due:
        looked_at += f"; {_days(check.n_days_due)} over and not sealed yet (`greyhound record seal`)"
    say(f"{looked_at}.")
    if check.is_intact:
        text = "Everything is as it was sealed"
        say(
            f"{text} and published."
            if published
            else f"{text}. The last seal, of {check.last_date}: {check.last_seal}"
        )
    else:
        say(f"NOT as it was sealed: {check.n_findings} findings.")


def _days(n: int) -> str:
    return "1 day is" if n == 1 else f"{n} days are"
