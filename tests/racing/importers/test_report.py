"""What an import reports: a rule that many rows break is one line with a count, in bounded memory."""

from racing.importers.files.csv_file import csv_of
from racing.importers.formats.results import parse_results
from racing.importers.report import MAX_KINDS, MAX_LINES, MAX_LINES_A_FILE, Problem, Problems
from tests.racing.importers.builders import RESULTS_HEADER, results_row


def test_a_rule_that_many_rows_break_is_counted_once_with_its_first_line_and_value() -> None:
    n = MAX_LINES_A_FILE * 3
    rows = [results_row(f"Dog {i}", 11 + i, "1", race_id=f"r{i}") for i in range(n)]
    slow = [results_row("Slow", 1, "1", time="99")]
    parsed = parse_results(csv_of("\n".join((RESULTS_HEADER, *rows, *slow)).encode(), "r.csv"))
    box, time = parsed.problems.kinds
    assert (box.n, box.first.line, box.first.reason) == (n, 2, "box must be 1..10, got '11'")
    assert str(box) == f"{n} rows refused, the first at r.csv:2: box must be 1..10, got '11'"
    assert (time.n, time.what, time.first.line) == (1, "fact", n + 2)
    assert (parsed.problems.n, len(parsed.problems), parsed.n_refused) == (n + 1, MAX_LINES_A_FILE, n)


def test_rules_of_several_files_are_counted_together_and_every_refused_file_is_listed() -> None:
    report = Problems()
    for i in range(3):
        file = Problems(MAX_LINES_A_FILE)
        for line in range(2, 6):
            file.add(Problem(f"{i}.csv", line, "row", f"box must be 1..10, got '{line * 10}'"))
        report.add_all(file)
        report.add(Problem(f"{i}.html", 0, "file", "the file is HTML"))
    (kind,) = report.kinds
    assert (kind.n, kind.n_files, kind.first.file, report.n) == (12, 3, "0.csv", 15)
    assert [problem.file for problem in report if problem.what == "file"] == ["0.html", "1.html", "2.html"]


def test_what_a_report_holds_is_bounded() -> None:
    report = Problems()
    for i in range(MAX_LINES + 10):
        letters = "".join(chr(97 + int(digit)) for digit in str(i))
        report.add(Problem("r.csv", i, "row", f"rule {letters}, got 1"))
    assert report.n == MAX_LINES + 10
    assert len(report) == MAX_LINES
    assert len(report.kinds) <= MAX_KINDS + 1
    assert sum(kind.n for kind in report.kinds) == report.n
