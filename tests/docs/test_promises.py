"""The page of promises: each test that it names is there, each setting has the default that it tells."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from frontend.settings import FrontendSettings
from service.settings import ServiceSettings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "promises.md").read_text(encoding="utf-8")
UNITS = {"": 1, " s": 1, " KiB": 1024, " MiB": 1024**2, " GiB": 1024**3}


def reported() -> Iterator[tuple[str, float]]:
    """Each setting and its default, of the rows that have a column of settings."""
    for row in PAGE.splitlines():
        cells = [cell.strip(" |") for cell in row.strip("|").split(" | ")]
        if len(cells) == 4 and cells[3].startswith("`tests/"):
            for value, name in zip(cells[1].split("; "), re.findall(r"`(\w+)`", cells[2]), strict=False):
                number, unit = re.fullmatch(r"([\d,]+|none)( \w+)?", value).groups()  # type: ignore[union-attr]
                yield name, 0 if number == "none" else int(number.replace(",", "")) * UNITS[unit or ""]


def test_every_test_that_is_named_is_there() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", PAGE))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize(("name", "default"), list(reported()))
def test_a_setting_has_the_default_that_is_reported(name: str, default: float) -> None:
    front_end = name.startswith("FRONTEND_")
    fields = (FrontendSettings if front_end else ServiceSettings).model_fields
    actual = fields[name.removeprefix("FRONTEND_").lower()].default
    assert (len(actual) if isinstance(actual, tuple) else actual) == default
