"""Prices, distances and market ids: what different tools write for one value is that value."""

import re

import pytest

from racing.importers.files.csv_file import csv_of
from racing.importers.formats.betfair import parse_betfair
from racing.importers.formats.betfair_race import market_id_of
from racing.importers.formats.form_guides import parse_form_guide
from racing.importers.formats.results import parse_results
from racing.importers.records.prices import decimal_odds
from racing.importers.records.source_record import RowRefused, distance_of
from tests.racing.importers.builders import (
    BETFAIR_HEADER,
    FORM_HEADER,
    RESULTS_HEADER,
    betfair_row,
    form_row,
    results_row,
)


@pytest.mark.parametrize(
    ("text", "odds"),
    [
        ("2.40", 2.4), ("$2.40", 2.4), ("2.40F", 2.4), ("$2.40F", 2.4), ("2.40 CF", 2.4), ("4.5$", 4.5),
        ("5/2", 3.5), ("5/2F", 3.5), ("11/10JF", 2.1), ("4/6 fav", 1 + 4 / 6),
        ("Evens", 2.0), ("EvensF", 2.0), ("evs", 2.0), ("Evs JF", 2.0), ("$1,000.00", 1000.0), ("3", 3.0),
    ],
)  # fmt: skip
def test_a_price_is_decimal_odds_however_it_is_written(text: str, odds: float) -> None:
    assert decimal_odds(text) == pytest.approx(odds, abs=1e-12)


@pytest.mark.parametrize("text", ["", " ", "-", "N/A", "nan", "NULL", "None", "0", "0.0", "$0.00"])
def test_no_price_is_unknown(text: str) -> None:
    assert decimal_odds(text) is None


@pytest.mark.parametrize(
    "text", ["x", "5/0", "-2.4", "inf", "1e999", "2.4.1", "2,40", "1,200", "SCR", "F", "5//2"]
)
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        decimal_odds(text)


@pytest.mark.parametrize(("text", "price"), [("5/2F", 3.5), ("$2.40", 2.4), ("EvensF", 2.0), ("$0.00", None)])
def test_every_importer_reads_prices_alike(text: str, price: float | None) -> None:
    form = parse_form_guide(csv_of(f"{FORM_HEADER}\n{form_row('1. A', sp=text)}\n".encode(), "f.csv"))
    row = results_row("A", 1, "1").replace(",4.0", f",{text}")
    results = parse_results(csv_of(f"{RESULTS_HEADER}\n{row}\n".encode(), "r.csv"))
    rows = betfair_row("A", 1, won="1", bsp=text)
    betfair = parse_betfair(csv_of(f"{BETFAIR_HEADER}\n{rows}\n".encode(), "b.csv"))
    assert form.problems.n == results.problems.n == betfair.problems.n == 0
    assert form.records[0]["starting_price"] == price
    assert results.records[0]["starting_price"] == price
    assert betfair.records[0]["bsp"] == price


@pytest.mark.parametrize("text", ["450", "450.0", "450.", "450m", "450 m", "450.00 M", " 450 metres "])
def test_whole_metres_are_read_however_they_are_written(text: str) -> None:
    assert distance_of(text) == 450


@pytest.mark.parametrize("text", ["450.5", "", "nan", "1,100", "99", "1201", "450 yd", "4.5e2", "²"])
def test_other_distances_are_refused(text: str) -> None:
    with pytest.raises(RowRefused, match="whole metres"):
        distance_of(text)


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("261766796", "261766796"),
        ("1.261766796", "261766796"),
        ("261766796.0", "261766796"),
        ("1.26176679", "261766790"),
        (" 77 ", "77"),
    ],
)
def test_a_market_is_one_however_its_id_is_written(text: str, digits: str) -> None:
    assert market_id_of(text) == digits


@pytest.mark.parametrize("text", ["", "2.5E+08", "nan", "market 7", "-1"])
def test_a_rounded_or_missing_market_id_is_none(text: str) -> None:
    assert market_id_of(text) is None
