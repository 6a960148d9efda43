"""Pin the images of others by digest: ``python deploy/lock_images.py`` (``make lock-images``).

Each tag in Dockerfile and docker-compose.yml becomes ``name:tag@sha256:...``, of all platforms, as its
registry has it now; run again, the digests are those of then. It asks with skopeo, or with Docker's buildx.
Either every digest is found and both files are written, or neither is.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
TIMEOUT_S = 60
# `ARG PYTHON_IMAGE=python:3.11-slim-bookworm` and `image: postgres:17-bookworm`; our own images have no tag.
_IMAGE = re.compile(
    r"^(?P<before>ARG \w+_IMAGE=|[ ]+image: )(?P<tag>[\w./:-]+:[\w.-]+)"
    r"(?:@sha256:[0-9a-f]{64})?(?P<after>[ ]*(?:#.*)?)$",
    re.MULTILINE,
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class NotFound(Exception):
    """A tag's digest cannot be had."""


def digest_of(tag: str) -> str:
    """Return the digest of a tag, of the list of its platforms where there is one."""
    if shutil.which("skopeo"):
        command = ["skopeo", "inspect", "--no-tags", "--format", "{{.Digest}}", f"docker://{tag}"]
    elif shutil.which("docker"):
        command = ["docker", "buildx", "imagetools", "inspect", "--format", "{{.Manifest.Digest}}", tag]
    else:
        raise NotFound("skopeo or docker must be installed to ask for digests")
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise NotFound(f"{tag}: no answer within {TIMEOUT_S} s") from None
    found = _DIGEST.fullmatch(done.stdout.strip())
    if done.returncode or not found:
        raise NotFound(f"{tag}: {(done.stderr.strip().splitlines() or ['no digest'])[-1][:300]}")
    return found[0]


def lock(folder: Path, digest: Callable[[str], str] = digest_of) -> list[str]:
    """Pin the images of a folder's two files, and return what each is now."""
    files = {folder / name: (folder / name).read_text() for name in ("Dockerfile", "docker-compose.yml")}
    found = {match["tag"]: "" for text in files.values() for match in _IMAGE.finditer(text)}
    for tag in found:
        found[tag] = digest(tag)
    for path, text in files.items():
        pinned = _IMAGE.sub(
            lambda match: f"{match['before']}{match['tag']}@{found[match['tag']]}{match['after']}", text
        )
        path.write_text(pinned)
    return [f"{tag}@{found[tag]}" for tag in sorted(found)]


def main() -> int:
    """Pin, print what is pinned, and return 1 where a digest cannot be had."""
    try:
        print(*lock(ROOT), sep="\n")
    except NotFound as error:
        print(f"nothing is changed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
