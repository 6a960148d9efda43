"""How a file becomes rows: lines, quotes, encodings, delimiters, names of columns."""

from collections.abc import Callable

import pytest

from racing.domain.errors import FileRefused
from racing.importers.files.csv_file import MAX_LINE_CHARS, CsvFile, csv_of
from racing.importers.formats.betfair import parse_betfair
from racing.importers.formats.form_guides import parse_form_guide
from racing.importers.formats.results import parse_results
from racing.importers.records.source_record import ParsedFile
from tests.racing.importers.builders import BETFAIR_HEADER, FORM_HEADER, RESULTS_HEADER, form_row, results_row


def parse(text: str, encoding: str = "utf-8") -> ParsedFile:
    return parse_results(csv_of(text.encode(encoding), "r.csv"))


def results(*dogs: str) -> str:
    rows = [results_row(dog, box, str(box)) for box, dog in enumerate(dogs, 1)]
    return "\n".join((RESULTS_HEADER, *rows)) + "\n"


def names(parsed: ParsedFile) -> list[str]:
    return [record["dog_name"] for record in parsed.records]


def rows_of(text: str) -> list[tuple[int, list[str]]]:
    return list(csv_of(text.encode(), "f.csv").rows())


@pytest.mark.parametrize("stray", ['"Bravo', 'Bra"vo', 'Bravo"', '"Bra"vo'])
def test_a_stray_quote_costs_its_own_row_and_its_line_is_named(stray: str) -> None:
    parsed = parse(results("Alpha", stray, "Carol", "Delta"))
    assert names(parsed) == ["Alpha", "Carol", "Delta"]
    assert [(problem.line, problem.what) for problem in parsed.problems] == [(3, "row")]
    assert "quote" in parsed.problems[0].reason
    assert "Bra" in parsed.problems[0].reason


def test_two_stray_quotes_cost_two_rows_and_make_no_dog_of_what_lies_between() -> None:
    parsed = parse(results("Alpha", '"Bravo', "Carol", '"Delta', "Eve"))
    assert names(parsed) == ["Alpha", "Carol", "Eve"]
    assert [problem.line for problem in parsed.problems] == [3, 5]


def test_a_quoted_field_holds_commas_and_quotes() -> None:
    assert rows_of('a,b\n"x, y","say ""hi"""\n') == [(2, ["x, y", 'say "hi"'])]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_read_and_lines_are_counted_as_an_editor_counts_them(end: str) -> None:
    text = results("Alpha", "Bravo", '"Carol').replace("\n", end)
    parsed = parse(f"{end}{text}")
    assert names(parsed) == ["Alpha", "Bravo"]
    assert parsed.problems[0].line == 5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_letters_are_the_same_in_every_encoding(encoding: str) -> None:
    parsed = parse(results("Nala\N{RIGHT SINGLE QUOTATION MARK}s Ghost", "Café Noir"), encoding)
    assert names(parsed) == ["Nala\N{RIGHT SINGLE QUOTATION MARK}s Ghost", "Café Noir"]


def test_big_endian_utf_16_is_read() -> None:
    raw = b"\xfe\xff" + results("Café Noir").encode("utf-16-be")
    file = csv_of(raw, "r.csv")
    assert names(parse_results(file)) == ["Café Noir"]
    assert file.notes == ("read as UTF-16 BE",)


@pytest.mark.parametrize(("encoding", "note"), [("cp1252", "cp1252"), ("utf-16", "UTF-16 LE")])
def test_an_encoding_that_is_not_utf_8_is_noted(encoding: str, note: str) -> None:
    (found,) = csv_of(results("Café Noir").encode(encoding), "r.csv").notes
    assert note in found
    assert csv_of(results("Café Noir").encode(), "r.csv").notes == ()


def test_a_byte_that_no_encoding_has_is_refused_by_line_and_byte() -> None:
    raw = results("Alpha", "Bra?vo").encode().replace(b"?", b"\x81")
    with pytest.raises(FileRefused, match=r"line 3: byte 0x81 is neither UTF-8 nor cp1252"):
        csv_of(raw, "r.csv")


def test_letters_of_old_macintosh_files_are_not_guessed() -> None:
    raw = results("Café Noir").replace("\n", "\r").encode("mac_roman")
    with pytest.raises(FileRefused, match="Mac Roman or cp1252"):
        csv_of(raw, "r.csv")


def test_a_broken_letter_among_utf_8_costs_its_row_and_garbles_no_other() -> None:
    raw = results("Café Noir", "Bra?vo").encode().replace(b"?", b"\xe9")
    file = csv_of(raw, "r.csv")
    parsed = parse_results(file)
    assert names(parsed) == ["Café Noir"]
    assert "U+FFFD" in parsed.problems[0].reason
    assert "first line 3" in file.notes[0]


def test_letters_that_were_garbled_earlier_are_refused() -> None:
    garbled = "Nala\N{RIGHT SINGLE QUOTATION MARK}s Ghost".encode().decode("cp1252")
    parsed = parse(results("Café Noir", garbled))
    assert names(parsed) == ["Café Noir"]
    assert "garbled" in parsed.problems[0].reason


@pytest.mark.parametrize("char", ["\x07", "\x1b", "\x7f", "\x92"])
def test_a_control_character_costs_its_row(char: str) -> None:
    parsed = parse(results("Alpha", f"Bra{char}vo"))
    assert names(parsed) == ["Alpha"]
    assert f"U+{ord(char):04X}" in parsed.problems[0].reason


def test_a_line_without_end_costs_its_row() -> None:
    parsed = parse(results("Alpha", "B" * MAX_LINE_CHARS, "Carol"))
    assert names(parsed) == ["Alpha", "Carol"]
    assert f"at most {MAX_LINE_CHARS} characters" in parsed.problems[0].reason


def with_delimiter(delimiter: str, decimal: str = ",") -> CsvFile:
    text = results("Alpha", "Bravo").replace(",", delimiter).replace("25.5", f"25{decimal}43")
    return csv_of(text.replace("4.0", f"2{decimal}40").encode(), "r.csv")


@pytest.mark.parametrize(("delimiter", "word"), [(";", "semicolons"), ("\t", "tabs")])
def test_semicolons_and_tabs_are_read_with_decimal_commas_and_noted(delimiter: str, word: str) -> None:
    file = with_delimiter(delimiter)
    records = parse_results(file).records
    assert [(record["time_s"], record["starting_price"]) for record in records] == [(25.43, 2.4)] * 2
    assert file.notes == (f"read with columns parted by {word}, decimals by a comma",)
    assert with_delimiter(delimiter, ".").notes == (f"read with columns parted by {word}",)


def test_excels_own_line_about_the_delimiter_is_read() -> None:
    assert rows_of("sep=;\na;b\n1;2\n") == [(3, ["1", "2"])]


def test_commas_and_points_as_decimals_in_one_file_are_refused() -> None:
    with pytest.raises(FileRefused, match=r"'25,43' on line 2 and '25\.43' on line 3"):
        csv_of(b"a;b\nx;25,43\ny;25.43\n", "f.csv")


@pytest.mark.parametrize("header", ["a,b;c", "a\tb,c", "a|b,c"])
def test_a_header_with_two_delimiters_is_refused(header: str) -> None:
    with pytest.raises(FileRefused, match="columns are parted by one sign"):
        csv_of(f"{header}\n1,2\n".encode(), "f.csv")


def test_case_and_blanks_of_column_names_do_not_matter() -> None:
    header = " Race ID ,DATE,Track,Distance_M,grade, runner ,BOX,Finish Position,Time_S,Starting Price"
    parsed = parse(results("Alpha", "Bravo").replace(RESULTS_HEADER, header))
    assert parsed.problems.n == 0
    assert [(c["dog_name"], c["finish_position"], c["starting_price"]) for c in parsed.records] == [
        ("Alpha", 1, 4.0),
        ("Bravo", 2, 4.0),
    ]


def test_a_column_that_stands_twice_is_refused_however_it_is_spelt() -> None:
    with pytest.raises(FileRefused, match="runner stands more often"):
        parse(results("Alpha").replace("grade", "RUNNER "))


def test_missing_values_of_optional_columns_are_unknown() -> None:
    for missing in ("nan", "NaN", "N/A", "NULL", "None", "-", ""):
        row = f"r1,2025-07-03,Ballarat,450,{missing},Alpha,{missing},1,{missing},{missing}"
        parsed = parse(f"{RESULTS_HEADER}\n{row}\n")
        assert parsed.problems.n == 0
        (record,) = parsed.records
        assert [record[name] for name in ("grade", "box", "time_s", "starting_price")] == [None] * 4


def test_rows_below_a_refused_first_row_are_not_given_to_the_dog_above() -> None:
    rows = [
        form_row("1. Sir Tick"),
        form_row('2. "Nala Ghost'),
        form_row(date="2025-06-20"),
        form_row("3. Fast Anna"),
    ]
    parsed = parse_form_guide(csv_of("\n".join((FORM_HEADER, *rows)).encode(), "g.csv"))
    assert [(record["dog_key"], str(record["line"])) for record in parsed.records] == [
        ("SIRTICK", "2"),
        ("FASTANNA", "5"),
    ]
    assert [problem.line for problem in parsed.problems] == [3, 4]


@pytest.mark.parametrize(
    ("parse_other", "header", "command"),
    [
        (parse_results, FORM_HEADER, "form-guides"),
        (parse_results, BETFAIR_HEADER, "betfair"),
        (parse_form_guide, RESULTS_HEADER, "results"),
        (parse_betfair, RESULTS_HEADER, "results"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_the_command_that_reads_it(
    parse_other: Callable[[CsvFile], ParsedFile], header: str, command: str
) -> None:
    with pytest.raises(FileRefused, match=f"`greyhound import {command}`"):
        parse_other(csv_of(f"{header}\n".encode(), "f.csv"))
