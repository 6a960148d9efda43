"""The table of guarantees in CONTRIBUTING.md: each row names tests, and each of them exists."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TITLE = "## What the running service guarantees"


def rows() -> Iterator[list[str]]:
    """The cells of each row of the table."""
    section = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition(TITLE)[2].partition("\n## ")[0]
    for line in section.splitlines():
        if line.startswith("| ") and not line.startswith(("| guarantee", "| ---")):
            yield [cell.strip() for cell in line.strip("| ").split(" | ")]


def test_the_table_has_every_guarantee_with_its_cost() -> None:
    found = list(rows())
    assert len(found) >= 13
    assert {len(cells) for cells in found} == {4}
    assert all(cell for cells in found for cell in cells)


@pytest.mark.parametrize("cells", list(rows()), ids=lambda cells: cells[0][:40])
def test_each_test_of_a_guarantee_exists(cells: list[str]) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", cells[1])
    assert named, "a guarantee without a test is a wish"
    for file, name in named:
        module = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in module.body if isinstance(node, ast.FunctionDef)}, (
            f"{file}::{name}"
        )


@pytest.mark.parametrize("cells", list(rows()), ids=lambda cells: cells[0][:40])
def test_each_module_of_a_guarantee_exists(cells: list[str]) -> None:
    for path in re.findall(r"`((?:service|racing|model_registry)/[\w/]*(?:\.py)?)`", cells[2]):
        assert (ROOT / path).exists(), path
