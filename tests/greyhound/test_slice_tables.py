"""Tables of slices and places fit a terminal of 80 columns, nothing cut off."""

import io

import numpy as np
import pytest
from rich.console import Console

from greyhound.tables.slices import HOW_TO_READ_SLICES, place_table, slice_table
from racing.probabilities import BENTER_DISCOUNTS, share_within_race
from tests.training.test_places import make_placed
from tests.training.test_slices import NAMES, make_featured
from training.evaluation.places import judge_places
from training.evaluation.slices import SLICINGS, slices_by


def shown(table, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    return console.file.getvalue()


@pytest.mark.parametrize("name", SLICINGS)
def test_every_slice_is_a_line_of_its_table_and_none_is_cut(name):
    table = make_featured(300)
    slices = slices_by(name, table, table.true_probability, NAMES)
    text = shown(slice_table(name, slices))
    assert "…" not in text
    assert slices
    assert [one.name for one in slices if f"\n{one.name} " not in text] == []


def test_the_last_word_of_a_line_is_explained():
    table = make_featured(3000)
    bold = share_within_race(1.6 * np.log(table.true_probability), table.race)
    text = {
        line.split()[-1]
        for name in ("field", "week", "favourites", "probability")
        for line in shown(slice_table(name, slices_by(name, table, bold, NAMES))).splitlines()[3:]
    }
    assert {"both", "chance"} <= text <= {"ECE", "trend", "both", "chance", "ok"}
    assert all(f"\n  {word} " in HOW_TO_READ_SLICES for word in text)


def test_places_are_a_line_for_each_source():
    table = make_placed(200)
    places = judge_places(table, table.true_probability, BENTER_DISCOUNTS)
    text = shown(place_table("Places", places))
    assert "…" not in text
    assert all(row.name in text for row in places.rows)
