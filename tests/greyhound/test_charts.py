"""The committed charts are those of their design, hold what they are given, and become SVG files."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import vl_convert

import greyhound.charts
from greyhound.charts import SCRIPTS, asset, chart, script_policy
from greyhound.charts.design import CHARTS, LICENCE, specification
from greyhound.charts.intervals import Dot, IntervalRow, interval_chart
from greyhound.charts.reliability import ReliabilityBin, reliability_chart
from greyhound.charts.svg import below_one_another, to_svg

SPECS = Path(greyhound.charts.__file__).parent / "specs"
ROWS = [
    IntervalRow(name="by state", is_heading=True),
    IntervalRow(
        name="VIC", dots=[Dot(0.2, "model", "0.2")], interval=(0.1, 0.3), figure="0.20", detail="9 races"
    ),
    IntervalRow(name="VIC", bar=0.4, dots=[Dot(7.0, "plain", "7.0")], figure="0.40"),
]


def test_the_committed_charts_are_those_of_the_design() -> None:
    assert {path.stem for path in SPECS.glob("*.json")} == set(CHARTS)
    for name in CHARTS:
        committed = (SPECS / f"{name}.json").read_text(encoding="utf-8")
        assert committed == specification(name), f"{name}: make charts"


def test_the_committed_vega_is_that_of_the_pinned_vl_convert() -> None:
    assert asset("vega.js") == LICENCE + vl_convert.javascript_bundle(), "make charts"


def test_a_page_with_our_scripts_needs_no_eval_and_no_other_script() -> None:
    rules = dict(rule.partition(" ")[::2] for rule in script_policy().split("; "))
    assert rules["default-src"] == "'none'"
    assert len(rules["script-src"].split()) == len(SCRIPTS)
    assert all(re.fullmatch(r"'sha256-[\w+/]{43}='", source) for source in rules["script-src"].split())
    for name in SCRIPTS:  # inline, a browser reads them to the first end tag and turns \r into \n
        assert not re.search(r"</script|<!--|\r|\0", asset(name), flags=re.IGNORECASE)


def test_no_chart_names_an_address() -> None:
    assert not [path.name for path in SPECS.iterdir() if "://" in path.read_text(encoding="utf-8")]


def test_rows_of_the_same_name_stay_apart_and_in_order() -> None:
    spec = interval_chart(ROWS, reference=0.0, limit=1.0)
    rows = [row["row"] for row in spec["datasets"]["rows"]]
    assert rows == sorted(set(rows)) == ["000#by state", "001 VIC", "002 VIC"]
    first, beyond = spec["datasets"]["dots"]
    assert (first["series"], first["value"]) == ("model", 0.2)
    assert first["label"] == "VIC: 0.2, 9 races"
    assert (beyond["series"], beyond["value"], beyond["label"]) == ("beyond", 1.0, "VIC: 7.0")


def test_a_layer_without_values_is_left_out() -> None:
    names = {layer["data"]["name"] for layer in interval_chart(ROWS[:2])["layer"]}
    assert names == {"rows", "intervals", "dots"}


@pytest.mark.parametrize(("n_runners", "is_within"), [(100, True), (10_000, False)])
def test_a_bin_lies_within_chance_where_few_runners_make_it(n_runners: int, is_within: bool) -> None:
    assert ReliabilityBin(0.20, 0.25, n_runners).is_within_chance is is_within


def test_a_chart_becomes_an_svg_file_with_its_text() -> None:
    picture = to_svg(interval_chart(ROWS), "Lift & loss")
    root = ElementTree.fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = {element.text for element in root.iter() if element.text}
    assert {"Lift & loss", "by state", "VIC", "0.20"} <= texts
    assert "var(--model)" in picture
    assert "--model:" in picture


def test_several_charts_become_one_file() -> None:
    bins = [ReliabilityBin(0.1, 0.12, 500), ReliabilityBin(0.3, 0.28, 500)]
    both = below_one_another([interval_chart(ROWS), reliability_chart(bins)], ["first", "second"])
    picture = to_svg(both, "both")
    assert ">first<" in picture
    assert ">second<" in picture
    assert ">win probability<" in picture


def test_a_height_of_its_own_replaces_the_designed_one() -> None:
    assert chart("roc", height=111, points=[])["height"] == 111
