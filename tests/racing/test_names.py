"""Names that sources write in several ways have one key; names that differ have two."""

import pytest

from racing.domain.names import name_key, plain_name
from racing.domain.track_list.known_track import KnownTrack, by_alias
from racing.domain.tracks import KNOWN_TRACKS, known_track, track_name


@pytest.mark.parametrize(
    "name",
    [
        "ALPHA ONE", "3. Alpha One", "3.Alpha One", "02 Alpha One", "02. Alpha One", "Alpha One (Res)",
        "Alpha One (res)", "Alpha One [R]", "Alpha One (NZ)", "Alpha One (AUS)", "Alpha One (IRE)",
        "Alpha One (GBR)", "Alpha One (W)", "Alpha One (M)", "Alpha One (E1)", "Alpha One NBT",
        "Alpha One (NZ) (Res)", "Alpha One (8)", "Álpha Onë",
    ],
)  # fmt: skip
def test_what_a_source_hangs_on_a_name_makes_no_other_dog(name: str) -> None:
    assert name_key(name) == "ALPHAONE"
    assert plain_name(name).upper().replace("Á", "A").replace("Ë", "E") == "ALPHA ONE"


@pytest.mark.parametrize(
    "name", ["7 Up Girl", "Nala's Ghost", "(Res)", "Alpha (One)", "Robert", "Mr. Bolter", "NBT"]
)
def test_a_name_that_only_looks_like_it_stays_as_it_is(name: str) -> None:
    assert plain_name(name) == name
    assert name_key(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Москва", "Тула"),
        ("Стрела 2", "Молния 2"),
        ("Мой", "Мои"),
        ("東京", "京都"),
        ("カ", "ガ"),
        ("कि", "की"),
    ],
)
def test_names_without_latin_letters_stay_different(one: str, other: str) -> None:
    assert name_key(one)
    assert name_key(other)
    assert name_key(one) != name_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("москва", "МОСКВА"), ("Bjørn", "BJORN"), ("Łódź", "LODZ"), ("Straße", "STRASSE"), ("Ægir", "AEGIR"),
        ("Αθηνά", "ΑΘΗΝΑ"), ("Ｆｕｌｌ", "FULL"), ("Мой", "Мо\u0438\u0306"),
    ],
)  # fmt: skip
def test_one_name_in_two_spellings_of_its_letters_is_one(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(
    ("name", "track"),
    [
        ("Sandown (SAP)", "Sandown Park"),
        ("The Meadows (VIC)", "The Meadows"),
        ("Angle Park (SA)", "Angle Park"),
        ("Auckland (NZ)", "Manukau"),
        ("Palmerston North", "Manawatu"),
        ("Dport @ HOB", "Hobart"),
        ("Ladbrokes Q1 Lakeside", "Q1 Lakeside"),
        ("Lakeside", "Q1 Lakeside"),
        ("Ladbrokes Gardens", "The Gardens"),
        ("BetDeluxe Capalaba", "Capalaba"),
        ("Bet Nation Townsville", "Townsville"),
    ],
)
def test_a_track_is_known_under_its_sponsor_code_and_country(name: str, track: str) -> None:
    assert known_track(name) == track_name(name) == track


def test_a_track_that_nobody_knows_loses_what_is_hung_on_it_too() -> None:
    assert track_name("Riverside (NZ)") == track_name("Riverside") == "Riverside"
    assert track_name("Тула") == "Тула"


def test_a_code_that_names_another_track_makes_neither() -> None:
    assert known_track("Richmond (SAL)") is None


def test_an_alias_never_names_two_tracks() -> None:
    assert len({track.name for track in KNOWN_TRACKS}) == len(KNOWN_TRACKS)
    with pytest.raises(ValueError, match="'Manukau' names Manawatu and Manukau"):
        by_alias((KnownTrack("Manawatu", "NZ", ("Manukau",)), KnownTrack("Manukau", "NZ")))
