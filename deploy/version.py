"""Write a version wherever it stands: ``python deploy/version.py 1.2.3`` (``make version VERSION=1.2.3``).

The packages' pyproject files, the images of deploy/kubernetes, and the changelog, where what is unreleased
gets the version's heading.
"""

import datetime as dt
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: A file or pattern of files, and what stands before the version in it.
PLACES = (
    ("pyproject.toml", r'^version = "'),
    ("client/pyproject.toml", r'^version = "'),
    ("deploy/kubernetes/**/kustomization.yaml", r'^    newTag: "'),
    ("deploy/kubernetes/import/pod.yaml", r"image: greyhound-training:"),
    ("docs/how-to/kubernetes.md", r'greyhound-\w+:|newTag: "'),
)
_VERSION = r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?"


class Refused(Exception):
    """It is no version, or there is nothing to release."""


def versions(folder: Path) -> dict[str, set[str]]:
    """Return the versions that stand in each file; one, if all is well."""
    return {
        path.relative_to(folder).as_posix(): set(
            re.findall(f"(?:{before})({_VERSION})", path.read_text(), re.M)
        )
        for pattern, before in PLACES
        for path in sorted(folder.glob(pattern))
        if re.search(before, path.read_text(), re.M)
    }


def set_version(folder: Path, version: str, day: dt.date) -> list[str]:
    """Write the version into every file of a checkout, and return their names.

    Raises
    ------
    Refused
        If it is none (1.2.3 or 1.2.3rc1), it has a heading already, or the changelog has nothing for it.
    """
    if not re.fullmatch(_VERSION, version):
        raise Refused(f"a version reads 1.2.3 or 1.2.3rc1, got {version!r}")
    changelog = folder / "CHANGELOG.md"
    text = changelog.read_text()
    if f"\n## [{version}]" in text:
        raise Refused(f"CHANGELOG.md has a heading of {version} already")
    unreleased = re.search(r"^## \[Unreleased\]\n(.*?)(?=^## \[|\Z)", text, re.M | re.S)
    if unreleased is None or not unreleased[1].strip():
        raise Refused("CHANGELOG.md has nothing under [Unreleased]")
    for name in (names := list(versions(folder))):
        path = folder / name
        written = path.read_text()
        for pattern, before in PLACES:
            if path in folder.glob(pattern):
                written = re.sub(f"({before}){_VERSION}", rf"\g<1>{version}", written, flags=re.M)
        path.write_text(written)
    heading = f"## [Unreleased]\n\n## [{version}] - {day}\n"
    changelog.write_text(text.replace("## [Unreleased]\n", heading, 1))
    return [*names, changelog.name]


def main() -> int:
    """Write, print where, and return 2 where it is refused."""
    try:
        today = dt.datetime.now(dt.UTC).date()
        print(*set_version(ROOT, sys.argv[1] if len(sys.argv) > 1 else "", today), sep="\n")
    except Refused as error:
        print(f"nothing is changed: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
