"""Dogs and tracks by name: any part, however spelt, and what was probably meant."""

import difflib
import random
import string

import pytest
from sqlalchemy import Engine

from racing.dogs.search import MAX_SUGGESTIONS, find_dogs, near_names
from racing.dogs.spelling import edits, most_edits, nearest, pieces
from racing.dogs.tracks import find_tracks, near_tracks
from tests.racing.dogs.builders import NAMES


def names_of(engine: Engine, query: str) -> list[str]:
    return [dog.name for dog in find_dogs(engine, query).dogs]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("nala's ghost", "Nala's Ghost"), ("NALAS GHOST", "Nala's Ghost"), ("nalas", "Nala's Ghost"),
        ("ghost", "Nala's Ghost"), ("ghost nala", "Nala's Ghost"), ("3. Sir Tick", "Sir Tick"),
        ("zoe ulrike", "Zoë Ülrike"), ("ZOË", "Zoë Ülrike"), ("хо ши", "Хо Ши"), ("ohara", "O'Hara Belle"),
        ("o’hara", "O'Hara Belle"), ("esikta", "Besiktas"), ("Sir Tick (Res)", "Sir Tick"),
    ],
)  # fmt: skip
def test_a_dog_is_found_by_any_part_of_its_name_however_spelt(engine: Engine, query: str, name: str) -> None:
    assert name in names_of(engine, query)
    assert find_dogs(engine, query).did_you_mean == ()


def test_the_dog_of_just_that_name_comes_first_and_then_those_that_begin_so(engine: Engine) -> None:
    assert names_of(engine, "sir tick") == ["Sir Tick", "Tick Sir Tock"]
    assert names_of(engine, "tick")[0] == "Tick Sir Tock"


def test_a_dog_is_listed_with_its_runs_its_last_day_and_its_tracks(engine: Engine) -> None:
    (dog,) = find_dogs(engine, "nalas ghost").dogs
    assert (dog.n_runs, str(dog.last_run), dog.tracks) == (2, "2026-07-20", ("Ballarat",))


def test_wildcards_and_signs_are_no_letters_and_what_has_none_finds_nothing(engine: Engine) -> None:
    for query in ("%", "_", "%%%", "''", "\\", "*", "?"):
        found = find_dogs(engine, query)
        assert (found.dogs, found.did_you_mean) == ((), ())
    assert names_of(engine, "s_r%tick") == []
    assert names_of(engine, "x" * 100_000) == []


def test_a_limit_says_whether_there_are_more(engine: Engine) -> None:
    some = find_dogs(engine, "a", limit=3)
    assert len(some.dogs) == 3
    assert some.has_more
    everyone = find_dogs(engine, "a", limit=10_000)
    assert not everyone.has_more
    assert everyone.dogs[:3] == some.dogs


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("sir tik", "Sir Tick"), ("sri tick", "Sir Tick"), ("besikats", "Besiktas"),
        ("Besicktas", "Besiktas"),
        ("nalers ghost", "Nala's Ghost"), ("nalas gohst", "Nala's Ghost"), ("ohara bele", "O'Hara Belle"),
        ("zoe ulrikke", "Zoë Ülrike"),
    ],
)  # fmt: skip
def test_of_a_misspelt_name_the_dog_that_was_meant_is_offered(engine: Engine, query: str, name: str) -> None:
    found = find_dogs(engine, query)
    assert found.dogs == ()
    assert found.did_you_mean[0] == name
    assert near_names(engine, query) == found.did_you_mean
    assert len(found.did_you_mean) <= MAX_SUGGESTIONS


def test_a_name_that_is_near_none_brings_no_suggestion(engine: Engine) -> None:
    assert find_dogs(engine, "qqqqqqqqqq").did_you_mean == ()
    assert find_dogs(engine, "qq").did_you_mean == ()


def plain_edits(one: str, other: str) -> int:
    """The distance by its definition, one cell after the other."""
    cells = {(i, 0): i for i in range(len(one) + 1)} | {(0, j): j for j in range(len(other) + 1)}
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            changed = cells[i - 1, j - 1] + (one[i - 1] != other[j - 1])
            cells[i, j] = min(cells[i - 1, j] + 1, cells[i, j - 1] + 1, changed)
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                cells[i, j] = min(cells[i, j], cells[i - 2, j - 2] + 1)
    return cells[len(one), len(other)]


def test_edits_are_those_of_the_definition() -> None:
    draw = random.Random(7)
    some = ["".join(draw.choices("ABC", k=draw.randint(1, 9))) for _ in range(150)]
    for key in some[:30]:
        assert edits(key, some).tolist() == [plain_edits(key, other) for other in some]


def test_a_name_within_reach_has_a_piece_intact() -> None:
    draw = random.Random(7)
    for _ in range(300):
        key = "".join(draw.choices(string.ascii_uppercase, k=draw.randint(3, 20)))
        wrong = list(key)
        for _ in range(most_edits(key)):
            at = draw.randrange(len(wrong))
            wrong[at : at + 1] = draw.choice([[], ["Q"], [wrong[at], "Q"]])
        found = "".join(wrong)
        assert any(piece in found for piece in pieces(key)), (key, found)
        assert found == key or not found or found in nearest(key, [found])


def test_the_nearest_come_first_as_difflib_would_have_them() -> None:
    names = ["FERNANDOBALE", "FERNANDOBALL", "FERNANDOBLAZE", "FANTABALE", "SIRTICK"]
    assert nearest("FERNANDOBALLE", names)[:2] == ["FERNANDOBALE", "FERNANDOBALL"]
    assert set(nearest("FERNANDOBALLE", names)) <= set(difflib.get_close_matches("FERNANDOBALLE", names, 5))


@pytest.mark.parametrize("query", ["w/pk", "W_PK", "wentworth", "Wentworth Park (WPK)", "WORTH PARK"])
def test_a_track_is_found_by_its_names_and_codes(engine: Engine, query: str) -> None:
    found = find_tracks(engine, query)
    assert "Wentworth Park" in [track.name for track in found.tracks]
    assert found.did_you_mean == ()


def test_a_track_says_where_it_is_and_what_is_stored_of_it(engine: Engine) -> None:
    (track,) = find_tracks(engine, "ballarat").tracks
    assert (track.country, track.state, track.zone) == ("AU", "VIC", "Australia/Melbourne")
    assert "BAL" in track.aliases
    assert 450 in track.distances_m
    assert str(track.last_day) == "2026-07-20"
    whole = find_tracks(engine)
    assert [one.name for one in whole.tracks] == sorted(one.name for one in whole.tracks)
    assert track in whole.tracks
    (absent,) = find_tracks(engine, "ascot park").tracks
    assert (absent.id, absent.n_races, absent.country, absent.distances_m) == (None, 0, "NZ", ())


def test_a_code_of_two_letters_is_no_part_of_every_name(engine: Engine) -> None:
    assert "Albion Park" in [track.name for track in find_tracks(engine, "AP").tracks]
    assert "Grafton" not in [track.name for track in find_tracks(engine, "af").tracks]


@pytest.mark.parametrize("query", ["wentwroth park", "Wentworth Prak"])
def test_of_a_misspelt_track_the_one_that_was_meant_is_offered(engine: Engine, query: str) -> None:
    found = find_tracks(engine, query)
    assert found.tracks == ()
    assert found.did_you_mean == near_tracks(query) == ("Wentworth Park",)


def test_every_name_of_the_database_finds_itself(engine: Engine) -> None:
    for name in NAMES:
        assert names_of(engine, name)[0] == name
