"""The tutorial and the README, run as a newcomer runs them: in an empty folder, from first to last line."""

from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Shell, blocks_of, missing


def live_through(page: Path, folder: Path) -> None:
    """Run every block of a page; fails at the first that fails or does not show what the page says."""
    folder.mkdir()
    shell = Shell(folder)
    try:
        for block in blocks_of(page):
            if block.is_run:
                output = shell.run(block)
                line = missing(block.shows, output)
                assert line is None, f"{page.name}, line {block.line}: {line!r} does not come in\n{output}"
    finally:
        shell.close()


@pytest.mark.timeout(400)
def test_every_command_of_the_tutorial_works_and_shows_what_the_page_says(tmp_path: Path) -> None:
    page = ROOT / "docs/tutorial.md"
    assert [block.comment for block in blocks_of(page) if not block.is_run] == [
        "not run: the test has an environment already"
    ]
    live_through(page, tmp_path / "empty")
