"""`greyhound evaluate`: a model beside uniform, box only and the market, on the same races."""

import datetime as dt
from collections.abc import Mapping, Sequence

import click
from rich.table import Table

from greyhound.commands.score import check_days
from greyhound.countries import COUNTRIES
from greyhound.options import (
    Day,
    Names,
    database_option,
    json_option,
    progress_option,
    registry_option,
)
from greyhound.output.console import console
from greyhound.output.printing import print_json
from greyhound.output.progress import progress
from greyhound.rating import rate_what_is_due
from greyhound.scoring import MODEL_HELP, PRICES_OF_ALL, learnt_warnings, load_version, score_races
from greyhound.tables.bets import bet_table, reliability_table
from greyhound.tables.slices import HOW_TO_READ_SLICES, place_table, slice_table
from model_registry import get_model_registry
from model_registry.learning import JUDGED, learning_of
from racing.database.engine import open_database
from racing.features import need_price_before_off
from training.evaluation.baselines import Baselines
from training.evaluation.bets import BetComparison, judge_bets
from training.evaluation.evaluation import Comparison, Evaluation, RunnerFigures
from training.evaluation.evaluation import evaluate as judge
from training.evaluation.monotone import MUCH_WORSE, Monotone, check_last_run
from training.evaluation.slices import SLICINGS, Slice, slices_by


@click.command()
@click.option("--from", "start", type=Day(), required=True, help="First day.")
@click.option("--to", "until", type=Day(), required=True, help="Last day.")
@click.option("--model", default="champion", show_default=True, help=MODEL_HELP)
@click.option(
    "--countries",
    type=COUNTRIES,
    metavar="GB,IE",
    help="Judge on races of these countries; by default those that its training was restricted to, else all.",
)
@click.option(
    "--by",
    type=Names("slicing", SLICINGS, has_all=True),
    multiple=True,
    metavar="A,B",
    help=f"Also judge slices of the races: {Names.ALL}, or some of {', '.join(SLICINGS)}.",
)
@click.option(
    "--last-run",
    "asks_last_run",
    is_flag=True,
    help="Also turn the last run of a dog of each race into a win, and say of how many dogs the odds shrink.",
)
@database_option
@registry_option
@json_option
@progress_option
def evaluate(
    start: dt.date,
    until: dt.date,
    model: str,
    countries: tuple[str, ...] | None,
    by: tuple[tuple[str, ...], ...],
    asks_last_run: bool,
    database: str,
    registry: str,
    as_json: bool,
) -> None:
    """Judge a model on the stored races of some days, beside uniform, box only and the market.

    \b
    Examples:
      greyhound evaluate --from 2026-01-01 --to 2026-03-31
      greyhound evaluate --from 2026-01-01 --to 2026-03-31 --by favourites,state,field

    Every row of a table is judged on the same races: whole ones with exactly one winner. "model - this" is
    the difference in race log loss with its 95 % interval (bootstrap by race); below 0 the model is better.
    Bets on the order of finish are judged where that order is known.
    """
    check_days(start, until)
    engine = open_database(database)
    version, loaded = load_version(get_model_registry(registry), model)
    rate_what_is_due(engine)
    where = learning_of(loaded.documents).only_countries if countries is None else countries
    with progress("Features") as report:
        scored = score_races(engine, loaded, start=start, until=until, countries=where, on_progress=report)
    training = loaded.documents["training"]
    with progress("Judging"):
        evaluation = judge(
            scored.table,
            scored.probabilities,
            scored.scores,
            Baselines(training["baselines"]["base_rate"], tuple(training["baselines"]["box_rates"])),
            f1_threshold=training["f1_threshold"],
            market_combination=loaded.spec.market_combination,
            place_discounts=loaded.spec.place_discounts,
        )
        bets = judge_bets(scored.table, scored.probabilities, loaded.spec.place_discounts)
        names = dict.fromkeys(name for some in by for name in some)
        slices = {name: slices_by(name, scored.table, scored.probabilities) for name in names}
    last_run = None
    if asks_last_run:
        with progress("Better last runs"):
            last_run = check_last_run(loaded, engine, start=start, until=until, countries=where)
    warnings = learnt_warnings(loaded, start, until)
    knows_prices = need_price_before_off(loaded.spec.features)
    is_judged = model.endswith(f":{JUDGED}")
    if as_json:
        days = {"from": start, "until": until}
        document = {
            "model_version": version,
            "knows_prices_before_off": knows_prices,
            "is_judged": is_judged,
            **days,
            "countries": list(where),
            "warnings": warnings,
            **evaluation.as_json(),
            "bets": [bet.as_json() for bet in bets],
        }
        if slices:
            document["slices"] = {name: [found.as_json() for found in slices[name]] for name in slices}
        if last_run is not None:
            document["last_run"] = last_run.as_json()
        print_json(document)
        return
    for warning in warnings:
        console.print(f"Warning: {warning}", style="yellow")
    if knows_prices:
        console.print(f"The model knows {PRICES_OF_ALL}; races without are left out.")
    _print(evaluation, f"Version {version}{' as it was judged' if is_judged else ''}")
    _print_bets(bets)
    if slices:
        _print_slices(slices)
    if last_run is not None:
        _print_last_run(last_run)


def _print(evaluation: Evaluation, name: str) -> None:
    races, beside = evaluation.races, evaluation.beside_market
    if races.n_races:
        title = f"{name} on all {races.n_races} whole races with one winner"
        console.print(_table(title, races))
        console.print(f"A perfect model's ECE stays below {evaluation.ece_by_chance:.4f} here (95 %).\n")
    else:
        console.print("No whole race with exactly one winner on those days: runners only.\n")
    if beside is not None:
        console.print(_table(f"The {beside.n_races} of them with every price known", beside))
    if evaluation.market_information is not None:
        console.print(f"Market information: {evaluation.market_information:.1%}")
    if evaluation.truth_covered is not None:
        console.print(f"Simulated races: {evaluation.truth_covered:.1%} of the way from uniform to the truth")
    _print_runners("Every runner, judged alone", evaluation.runners)
    if evaluation.known_runners is not None:
        _print_runners("Those with a run before", evaluation.known_runners)
    _print_places(evaluation)


def _print_places(evaluation: Evaluation) -> None:
    places = evaluation.places
    if places is None:
        return
    console.print()
    console.print(place_table(f"Places of {places.n_races} races, by runner", places))
    discounts = ", ".join(f"{discount:.2f}" for discount in places.discounts)
    console.print(f"Discounts of the places: {discounts}. ECE by chance: {places.ece_by_chance:.4f}")


def _print_bets(bets: Sequence[BetComparison]) -> None:
    """Print what is known of each bet; nothing where no order of finish is."""
    if not bets:
        return
    console.print()
    console.print(bet_table(bets))
    for bet in bets:
        if bet.reliability is not None:
            console.print()
            console.print(reliability_table(bet))


def _print_last_run(found: Monotone) -> None:
    console.print()
    console.print(
        f"Had a dog won its last run, a lost one, by a head (one dog of each of {found.n_races} races), its "
        f"odds would be {found.median_odds_ratio:.2f} times as large in the middle. They would shrink for "
        f"{found.share_worse:.1%} of the dogs, for {found.share_much_worse:.1%} by more than "
        f"{MUCH_WORSE:.0%}.",
        soft_wrap=True,
    )
    for moved in found.worst:
        console.print(f"  race {moved.race_id}, run {moved.run_id}: {moved.before:.1%} -> {moved.after:.1%}")


def _print_slices(slices: Mapping[str, tuple[Slice, ...]]) -> None:
    for name, found in slices.items():
        console.print()
        if found:
            console.print(slice_table(name, found))
        else:
            console.print(f"By {name}: no whole race with exactly one winner to judge.")
    console.print()
    console.print(HOW_TO_READ_SLICES, soft_wrap=True)


def _table(title: str, comparison: Comparison) -> Table:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0))  # fits 80 columns
    table.add_column("")
    for heading in ("race\nlog loss", "\nAUC", "\nBrier", "\nECE", "top\npick", "model - this\n[95 %]"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in comparison.rows:
        gap = row.model_minus_this
        table.add_row(
            row.name,
            f"{row.race_log_loss:.4f}",
            f"{row.auc:.3f}",
            f"{row.brier:.4f}",
            f"{row.ece:.4f}",
            f"{row.top_pick_rate:.1%}",
            "" if row is comparison.rows[0] else f"{gap.difference:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]",
        )
    return table


def _print_runners(title: str, figures: RunnerFigures) -> None:
    below = 1 - figures.log_loss / figures.base_rate_log_loss
    console.print(
        f"{title} ({figures.n_runners}): AUC {figures.auc:.3f}, log loss {figures.log_loss:.4f} "
        f"({below:.1%} below the base rate's), balanced F1 {figures.balanced_f1:.3f}, "
        f"F1 {figures.f1:.3f}, accuracy {figures.accuracy:.3f} "
        f'("nobody wins" has {figures.nobody_wins_accuracy:.3f})'
    )
