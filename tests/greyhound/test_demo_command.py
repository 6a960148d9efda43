"""``greyhound demo`` before it begins: what stands in its way is reported at once."""

import socket
from pathlib import Path

from click.testing import CliRunner, Result

from greyhound.cli import main


def demo(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["demo", *map(str, arguments)])


def test_a_folder_with_anything_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    result = demo("--folder", tmp_path)
    assert result.exit_code == 2
    assert "is not empty, and holds no demo that is over; name another folder" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_demo_that_is_over_is_shown_and_not_played_again(tmp_path: Path) -> None:
    (tmp_path / "outcome.json").write_text("{}")
    result = demo("--folder", tmp_path)
    assert result.exit_code == 2
    assert "see it with --serve, or name an empty folder" in result.stderr


def test_a_port_in_use_is_reported_before_anything_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for option in ("--port", "--frontend-port"):
            result = demo("--folder", folder, "--serve", option, port)
            assert result.exit_code == 4
            assert f"cannot listen on 127.0.0.1:{port}" in result.stderr
    assert not folder.exists()


def test_the_file_that_marks_a_demo_as_over_is_the_one_that_it_writes(tmp_path: Path) -> None:
    from greyhound.demo.stage import Stage

    assert Stage(tmp_path).outcome == tmp_path / "outcome.json"
