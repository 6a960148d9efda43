"""Look the pinned packages up among known vulnerabilities: ``python -m tests.house.audit`` (``make audit``).

The advisories come from the package index. Where they cannot be had, this says so and fails nothing in
daily work; with ``--required`` (``make audit AUDIT=required``, as a release does) it ends with 2.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PINS = (ROOT / "constraints.txt", ROOT / "constraints/nets.txt")
TIMEOUT_S = 180


NOT_AUDITED = 2


def main(files: Sequence[Path] = PINS, *, is_required: bool = False) -> int:
    """Print the verdict, and return the exit code: 1 if a pinned version is known to be vulnerable.

    Where the audit is required, it is 2 if any package could not be looked up.
    """
    with tempfile.TemporaryDirectory() as folder:
        report, pins = Path(folder) / "report.json", Path(folder) / "pins.txt"
        pins.write_text(joined(files))
        command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--timeout", "10"]
        command += ["--progress-spinner", "off", "-r", str(pins), "-f", "json", "-o", str(report)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S, cwd=folder
            )
            reason = (done.stderr.strip().splitlines() or ["no word"])[-1]
        except subprocess.TimeoutExpired:
            reason = f"no answer within {TIMEOUT_S} s"
        found = json.loads(report.read_text()) if report.exists() and report.stat().st_size else None
    if found is None:
        print(f"audit: the packages were NOT audited: {reason[:200]}")
        return NOT_AUDITED if is_required else 0
    code, verdict = judge(found, is_required=is_required)
    print(verdict)
    return code


def joined(files: Sequence[Path]) -> str:
    """Return the pins of all files, each once; of 2.13.0+cpu what is known of 2.13.0 is true."""
    lines = [line for file in files for line in file.read_text().replace("\\\n", "").splitlines()]
    return "\n".join(dict.fromkeys(line.replace("+cpu", "", 1) for line in lines)) + "\n"


def judge(report: dict[str, Any], *, is_required: bool = False) -> tuple[int, str]:
    """Return the exit code and the words for pip-audit's report.

    A package that no advisory was available for is a skipped one, which pip-audit itself calls sound.
    """
    packages = report["dependencies"]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    faults = [
        f"{package['name']} {package['version']}: {fault['id']}, "
        f"mended in {', '.join(fault['fix_versions']) or 'no version yet'}"
        for package in packages
        for fault in package.get("vulns", ())
    ]
    n_audited = len(packages) - len(skipped)
    if not n_audited:
        code = NOT_AUDITED if is_required else 0
        return (
            code,
            f"audit: the packages were NOT audited: no advisories for any of {len(packages)} can be had",
        )
    lines = [f"audit: {n_audited} packages looked up, {len(faults)} known vulnerabilities", *faults]
    if skipped:
        lines.append(f"NOT audited, as no advisories can be had for them: {', '.join(skipped)}")
    code = 1 if faults else NOT_AUDITED if skipped and is_required else 0
    return code, "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(is_required="--required" in sys.argv[1:]))
