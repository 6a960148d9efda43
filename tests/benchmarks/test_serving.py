"""The benchmark of the service: it measures, it counts what failed, and it says what it could not learn."""

from pathlib import Path

import pytest

from benchmarks.serving.__main__ import main
from benchmarks.serving.metrics_scrape import STAGES, metric
from benchmarks.serving.servers import measured_service
from benchmarks.serving.sheet import ABSENT, Sheet
from benchmarks.serving.wrk import is_installed, read
from tests.racing.seasons import make_season

WRK_OUTPUT = """Running 1s test @ http://127.0.0.1:1/predict
  Latency Distribution
     50%    1.21ms
     99%  950.00us
  812 requests in 1.00s, 1.02MB read
  Socket errors: connect 1, read 20, write 300, timeout 4000
  Non-2xx or 3xx responses: 50000
Requests/sec:    811.23
"""


def test_what_wrk_says_is_read_with_every_kind_of_error() -> None:
    assert read(WRK_OUTPUT) == pytest.approx((1.21, 0.95, 811.23, 812, 54321))
    assert read(WRK_OUTPUT.replace("Socket", "No").replace("Non", "")).n_errors == 0
    with pytest.raises(SystemExit, match="cannot be read"):
        read("unable to connect")


def test_a_figure_that_is_not_exposed_is_absent_and_not_0() -> None:
    assert metric('a{b="c"} 0.0\n', 'a{b="c"}') == 0
    assert metric("aa 1\n", "a") is None
    sheet = Sheet()
    sheet.add("memory, MB", None, target="350")
    assert sheet.lines == [("memory, MB", "", ABSENT, "", "350")]


def test_a_service_that_dies_at_its_start_ends_the_benchmark_with_its_output(tmp_path: Path) -> None:
    with (
        pytest.raises(SystemExit, match=r"(?s)the service does not start:.*queue"),
        measured_service("sqlite:///none.db", tmp_path, tmp_path / "none.db", queue="0"),
    ):
        pass


@pytest.mark.skipif(not is_installed(), reason="wrk is not installed (Debian: apt install wrk)")
def test_a_second_of_each_measurement_fills_every_line(tmp_path: Path) -> None:
    make_season(tmp_path, n_races=60).dispose()
    options = ["--season", str(tmp_path / "season.db"), "--seconds", "1", "--rounds", "1"]
    sheet = main([*options, "--clients", "1", "2", "--soak", "1", "--swaps", "2"])
    figures = {line[0].partition(" over ")[0]: line for line in sheet.lines}
    assert set(figures) >= {
        "start to ready, s", "first card beside steady, ms", "form: p50, 1 client, ms",
        "names: requests/s, 2 clients", "names: p99, 2 clients, ms", "p50 of names beside form, ms",
        *(f"phase {stage}, us" for stage in STAGES), "longest GC pause after load, ms",
        "resident memory after soak, MB", "growth", "swaps during the soak",
    }  # fmt: skip
    assert not [line for line in sheet.lines if ABSENT in line]
    for what in ("form: errors, 1 clients", "names: errors, 2 clients", "errors of the soak"):
        assert figures[what][1:3] in {("0", "0"), ("", "0")}, figures[what]
    assert figures["swaps during the soak"][2] == "2"
