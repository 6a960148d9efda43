"""Dogs and tracks as tables."""

from collections.abc import Sequence

from rich.table import Table

from greyhound.output.console import console
from greyhound.output.printing import shown
from racing.dogs.form_lines import FormLine
from racing.dogs.profile import DogProfile, Starts
from racing.dogs.search import FoundDogs
from racing.dogs.tracks import FoundTrack

_N_ALIASES = 6


def print_dogs(found: FoundDogs) -> None:
    """Print the dogs of a search, a line each."""
    table = _table("name", "sex", ">runs", "last run", "tracks")
    for dog in found.dogs:
        tracks = ", ".join(dog.tracks[:3]) + (" ..." if len(dog.tracks) > 3 else "")
        table.add_row(shown(dog.name), dog.sex or "", str(dog.n_runs), str(dog.last_run or ""), shown(tracks))
    console.print(table)
    if found.has_more:
        console.print("There are more: give more of the name, or --limit.")


def print_dog(dog: DogProfile) -> None:
    """Print a dog: facts, last runs, newest ratings, boxes and tracks."""
    facts = {"sex": dog.sex, "born": dog.born, "sire": dog.sire, "dam": dog.dam, "trainer": dog.trainer}
    known = ", ".join(f"{name} {value}" for name, value in facts.items() if value)
    console.print(shown(f"{dog.name} (dog {dog.id})" + (f": {known}" if known else "")), soft_wrap=True)
    console.print(_career(dog.career), soft_wrap=True)
    table = _table("date", "track", ">m", "grade", ">box", ">place", ">time", ">margin", ">price")
    for run in dog.runs:
        table.add_row(*_cells(run))
    console.print(table)
    if dog.next_before:
        console.print("Earlier runs are stored: --runs shows more.")
    _print_ratings(dog)
    for title, groups in (("box", dog.by_box), ("track", dog.by_track)):
        if groups:
            console.print(_starts_table(title, groups))


def print_tracks(tracks: Sequence[FoundTrack]) -> None:
    """Print tracks, a line each."""
    table = _table("track", "where", ">races", "from", "until", "distances", "also")
    for track in tracks:
        where = " ".join(part for part in (track.country, track.state) if part and part != "NZ")
        aliases = ", ".join(track.aliases[:_N_ALIASES]) + (" ..." if len(track.aliases) > _N_ALIASES else "")
        distances = ", ".join(map(str, track.distances_m))
        days = (str(track.first_day or ""), str(track.last_day or ""))
        table.add_row(
            shown(track.name), where or (track.state or ""), f"{track.n_races:,}", *days, distances, aliases
        )
    console.print(table)


def _career(career: Starts) -> str:
    text = f"{career.n_starts} starts, {career.n_wins} won, {career.n_places} placed"
    if career.market_expected_wins is None:
        return text
    return (
        f"{text}; of {career.n_priced} with prices {career.priced_wins} won, where the market expected "
        f"{career.market_expected_wins:.1f}"
    )


def _cells(run: FormLine) -> list[str]:
    price = run.bsp or run.starting_price
    return [
        str(run.date),
        shown(run.track),
        str(run.distance_m),
        shown(run.grade or ""),
        str(run.box or ""),
        _place(run),
        _number(run.time_s),
        _number(run.margin_lengths),
        _number(price),
    ]


def _place(run: FormLine) -> str:
    if not run.has_result:
        return "scr" if run.is_scratched else "to come"
    if run.finish_position is not None:
        return str(run.finish_position)
    return "1" if run.won else "placed" if run.placed else "-"


def _print_ratings(dog: DogProfile) -> None:
    """Print the newest rating of each kind."""
    newest = {one.rating: one for one in dog.ratings}  # the oldest come first
    if not newest:
        return
    console.print(
        f"Ratings at {shown(dog.rated_track or '')} over {dog.rated_distance_m} m, from its own runs "
        "(higher is better):"
    )
    table = _table("rating", ">estimate", ">sd", "as of")
    for one in newest.values():
        table.add_row(one.rating, f"{one.mean:+.2f}", f"{one.sd:.2f}", str(one.date))
    console.print(table)


def _starts_table(title: str, groups: Sequence[Starts]) -> Table:
    table = _table(title, ">starts", ">won", ">placed", ">expected by market")
    for one in groups:
        expected = one.market_expected_wins
        share = "" if expected is None else f"{expected:.1f}"
        if expected is not None and one.n_priced != one.n_starts:
            share += f" in {one.n_priced}"
        table.add_row(shown(one.group), str(one.n_starts), str(one.n_wins), str(one.n_places), share)
    return table


def _table(*headings: str) -> Table:
    """Return a table; headings that begin with ``>`` are of numbers."""
    table = Table()
    for heading in headings:
        name = heading.lstrip(">")
        is_whole = name in ("date", "from", "until", "last run", "place")
        table.add_column(name, justify="right" if name != heading else "left", no_wrap=is_whole)
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
