"""The audit of the pinned packages says what it found, never that all is well when nothing was looked up."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.house import audit

ROOT = Path(__file__).parents[2]
SOUND = {"name": "numpy", "version": "2.4.0", "vulns": []}
FAULTY = {
    "name": "starlette",
    "version": "0.1",
    "vulns": [{"id": "PYSEC-2099-1", "fix_versions": ["0.2"], "aliases": [], "description": "x"}],
}
SKIPPED = {
    "name": "rich",
    "skip_reason": "Dependency not found on PyPI and could not be audited: rich (15.0)",
}


@pytest.mark.parametrize(
    ("packages", "code"),
    [
        ([SOUND], 0),
        ([SOUND, FAULTY], 1),
        ([SOUND, SKIPPED], 2),
        ([SKIPPED, SKIPPED], 2),
        ([FAULTY, SKIPPED], 1),
    ],
)
def test_a_release_fails_where_a_package_was_not_audited(packages: list[dict[str, Any]], code: int) -> None:
    assert audit.judge({"dependencies": packages}, is_required=True)[0] == code


@pytest.mark.parametrize(
    ("packages", "code", "text"),
    [
        ([SOUND], 0, "1 packages looked up, 0 known"),
        ([SOUND, FAULTY], 1, "starlette 0.1: PYSEC-2099-1, mended in 0.2"),
        ([SOUND, SKIPPED], 0, "NOT audited, as no advisories can be had for them: rich"),
        ([SKIPPED, SKIPPED], 0, "NOT audited: no advisories for any of 2"),
    ],
)
def test_the_verdict_says_what_was_found_and_what_was_not_looked_up(
    packages: list[dict[str, Any]], code: int, text: str
) -> None:
    exit_code, verdict = audit.judge({"dependencies": packages})
    assert exit_code == code
    assert text in verdict


def test_an_audit_that_cannot_be_done_says_so_and_fails_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pins = tmp_path / "pins.txt"
    pins.write_text("this is no list of pins !!\n")
    assert audit.main([pins]) == 0
    assert "NOT audited" in capsys.readouterr().out
    assert audit.main([pins], is_required=True) == 2


def test_the_nets_packages_are_looked_up_too_by_the_version_that_advisories_know() -> None:
    lines = audit.joined(audit.PINS).splitlines()
    assert len(lines) == len(set(lines))
    assert any(line.startswith("torch==2.13.0 ;") for line in lines)
    assert sum(line.startswith("filelock==") for line in lines) == 1


def test_make_asks_for_an_audit_that_is_required() -> None:
    for arguments, is_required in (
        (["audit"], False),
        (["audit", "AUDIT=required"], True),
        (["release"], True),
    ):
        printed = subprocess.run(
            ["make", "--dry-run", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        assert ("tests.house.audit --required" in printed) == is_required
