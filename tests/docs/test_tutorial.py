"""The tutorial and the README, run as a newcomer runs them: in an empty folder, from first to last line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, Shell, blocks_of, missing
from tests.service.builders import make_registry

README, TUTORIAL = ROOT / "README.md", ROOT / "docs/tutorial.md"


def live_through(page: Path, shell: Shell) -> None:
    """Run every block of a page; fails at the first that fails or does not show what the page says."""
    for block in blocks_of(page):
        if block.is_run:
            output = shell.run(block)
            line = missing(block.shows, output)
            assert line is None, f"{page.name}, line {block.line}: {line!r} does not come in\n{output}"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A newcomer's shell, in an empty folder."""
    folder = tmp_path / "empty"
    folder.mkdir()
    shell = Shell(folder)
    yield shell
    shell.close()


@pytest.mark.timeout(2400)
def test_every_command_of_the_tutorial_works_and_shows_what_the_page_says(shell: Shell) -> None:
    live_through(TUTORIAL, shell)


def test_every_command_of_the_readme_works_while_a_service_runs(shell: Shell) -> None:
    make_registry(shell.folder / "var")
    ready = "in the background until http://localhost:8000/health/ready"
    shell.run(Block(0, "greyhound serve", ready))
    live_through(README, shell)


def test_only_what_needs_another_machine_is_left_out() -> None:
    left_out = [block.comment for page in (README, TUTORIAL) for block in blocks_of(page) if not block.is_run]
    assert left_out == [
        "not run: the two commands; a test that sets up and runs the tests would run itself",
        "not run: needs Docker",
        "not run: needs Docker",
        "not run: the test has an environment already",
    ]


def test_a_command_that_fails_or_shows_something_else_fails_the_page(shell: Shell, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```bash\nword=horses\necho two $word\n```\n```text\n...dogs\n```\n")
    with pytest.raises(AssertionError, match=r"'\.\.\.dogs' does not come in\s+two horses"):
        live_through(page, shell)
    page.write_text("```bash\necho 'dog      odds'; echo a  ...  2\n```\n```text\ndog odds\na   ... 2\n```\n")
    live_through(page, shell)  # columns may be of any width
    page.write_text("Twice:\n```bash\necho $word again\ngreyhound predict absent.json\necho after\n```\n")
    with pytest.raises(AssertionError, match=r"line 2 failed with 2:(.|\n)*horses again(.|\n)*absent\.json"):
        live_through(page, shell)
