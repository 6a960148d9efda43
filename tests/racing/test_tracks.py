"""Every track of the samples is known, and features find each under the number that it always had."""

import bz2
import csv
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from racing.domain.regions import zone_of
from racing.domain.tracks import KNOWN_TRACKS, TRACK_OF_ALIAS, by_alias, known_track

SAMPLES = Path(__file__).parents[3] / "shared" / "data"
needs_samples = pytest.mark.skipif(not SAMPLES.exists(), reason="the samples are not on this machine")


def test_no_alias_belongs_to_two_tracks_and_each_leads_to_its_own() -> None:
    assert by_alias(KNOWN_TRACKS) == TRACK_OF_ALIAS
    for track in KNOWN_TRACKS:
        for alias in (track.name, *track.aliases):
            assert known_track(alias) == track.name


def test_a_track_keeps_the_number_by_which_models_know_it() -> None:
    numbers = {track.name: number for number, track in enumerate(KNOWN_TRACKS, start=1)}
    assert len(numbers) == len(KNOWN_TRACKS)
    at = ("Addington", "Healesville", "Wentworth Park", "Manukau", "Young", "Belle Vue", "Youghal")
    assert [numbers[name] for name in at] == [1, 25, 59, 60, 88, 89, 148]


@needs_samples
@pytest.mark.parametrize(
    "folder",
    ["betfair", "betfair_official", "betfair_sp", "betfair_stream", "box_results", "form_guides", "gbgb",
     "nz_grnz", "recorder_results", "topaz"],
)  # fmt: skip
def test_every_track_of_the_samples_is_known_with_its_zone(folder: str) -> None:
    names = set(_tracks_of(folder))
    assert names
    assert {name for name in names if known_track(name) is None or zone_of(name) is None} == set()


def _tracks_of(folder: str) -> Iterator[str]:
    """Yield every name that a folder's files give a track."""
    files = sorted((SAMPLES / folder).iterdir())
    if folder == "betfair_stream":
        for file in files:
            with bz2.open(file, "rt") as lines:
                yield json.loads(next(lines))["mc"][0]["marketDefinition"]["venue"]
    elif folder == "nz_grnz":
        for file in files:
            text = file.read_text("latin-1")
            yield from re.findall(r"Results[^\w\n]+([\w ]+GRC)", text)
            yield from re.findall(r"^(\w[\w ]* (?:Raceway|Stadium|Park)),{4}", text, re.MULTILINE)
    elif folder == "form_guides":
        for file in files[::20]:
            yield from (
                row[7] for row in csv.reader(_text(file).splitlines()) if row[7:] and row[7] != "TRACK"
            )
    elif folder == "betfair":
        wanted = [file for file in files if file.name.endswith(("2024_01.csv.gz", "2025_06.csv.gz"))]
        for file in wanted:
            yield from {line.split(",", 2)[1] for line in _text(file).splitlines()[1:]}
    else:
        for file in (file for file in files if file.suffix == ".csv"):
            for row in csv.DictReader(_text(file).splitlines()):
                column = next(
                    name for name in ("MENU_HINT", "TRACK", "Track", "trackName", "track") if name in row
                )
                yield row[column]


def _text(file: Path) -> str:
    content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
