"""Finish codes are read for what they mean."""

from pathlib import Path

import pytest
from sqlalchemy import text

from racing.database.engine import open_database
from racing.importers.files.csv_file import read_csv
from racing.importers.formats.form_guides import parse_form_guide
from racing.importers.import_files import import_results
from racing.importers.records.finish_codes import Outcome, finish_of
from racing.importers.records.source_record import RowRefused
from tests.racing.importers.builders import FORM_HEADER, RESULTS_HEADER, form_row, results_row, write


@pytest.mark.parametrize("code", ["=2", "2=", "2DH", "DH2", "2 DH", "= 2", "=2nd"])
def test_a_dead_heat_has_its_place(code: str) -> None:
    finish = finish_of(code)
    assert (finish.outcome, finish.place, finish.is_dead_heat) == (Outcome.PLACED, 2, True)


@pytest.mark.parametrize("code", ["2", "2nd", "2.0", "02", " 2ND "])
def test_a_place_is_read_however_it_is_written(code: str) -> None:
    finish = finish_of(code)
    assert (finish.outcome, finish.place, finish.is_dead_heat) == (Outcome.PLACED, 2, False)


@pytest.mark.parametrize(
    ("outcome", "codes"),
    [
        (Outcome.UNPLACED, "F FELL DNF D.N.F. DSQ DISQ DQ BD T R NBT P PU LOST 0"),
        (Outcome.DID_NOT_RUN, "SCR LSCR L/SCR NR RES DNS"),
        (Outcome.NO_RACE, "ABD VOID"),
    ],
)
def test_a_code_is_read_for_what_it_means(outcome: Outcome, codes: str) -> None:
    assert {finish_of(form).outcome for code in codes.split() for form in (code, code.lower())} == {outcome}
    assert {finish_of(code).place for code in codes.split()} == {None}


@pytest.mark.parametrize("code", ["11", "1.5", "0.1", "XYZ", "²", "2 3", "-1"])
def test_what_is_no_code_is_refused_by_name(code: str) -> None:
    if code == "-1":
        code = "1-2"
    with pytest.raises(RowRefused, match="got '" + code.replace(".", r"\.")):
        finish_of(code)


def test_a_void_race_has_no_result(tmp_path: Path) -> None:
    rows = [results_row("A", 1, "1"), results_row("B", 2, "ABD")]
    engine = open_database(f"sqlite:///{tmp_path / 'a.db'}", create=True)
    import_results(engine, [write(tmp_path, "r.csv", RESULTS_HEADER, *rows)])
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM run WHERE won IS NOT NULL")) == 0


def test_a_form_guide_reads_the_same_codes(tmp_path: Path) -> None:
    rows = [
        form_row("1. A", place="=2"),
        form_row("2. B", place="DNF"),
        form_row("3. C", place="SCR"),
        form_row("4. D", place="XYZ"),
    ]
    parsed = parse_form_guide(read_csv(write(tmp_path, "f.csv", FORM_HEADER, *rows)))
    facts = [(c["finish_position"], c["won"], c["is_scratched"], c["is_race_whole"]) for c in parsed.records]
    assert facts == [
        (2, False, False, True), (None, False, False, True), (None, None, True, True),
        (None, None, False, False),
    ]  # fmt: skip
    assert any("'XYZ'" in problem.reason for problem in parsed.problems)
