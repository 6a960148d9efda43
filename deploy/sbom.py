"""The packages of a file of pins as a CycloneDX document, so that others can audit them.

    python deploy/sbom.py constraints/service.txt          prints the document
    python deploy/sbom.py FOLDER constraints/*.txt         writes FOLDER/service.cdx.json and its like

It needs no package and no network, and the same pins give the same bytes.
"""

import json
import re
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?==(?P<version>[^\s;]+)\s*(?:;\s*(?P<marker>.*?))?\s*--hash"
)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def document(pins: str, project: dict[str, Any]) -> dict[str, Any]:
    """Return the document of a file of pins; a package is known by any of its distributions' hashes."""
    root = f"pkg:pypi/{project['name']}@{project['version']}"
    components = [_component(line) for line in pins.replace("\\\n", " ").splitlines() if "==" in line]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, root + pins)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": project["name"],
                "version": project["version"],
                "purl": root,
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": components,
        "dependencies": [
            {"ref": root, "dependsOn": [component["bom-ref"] for component in components]},
            *({"ref": component["bom-ref"]} for component in components),
        ],
    }


def _component(line: str) -> dict[str, Any]:
    found = _PIN.match(line)
    if found is None:
        raise ValueError(f"a pin reads 'name==version --hash=sha256:...', got {line[:80]!r}")
    name = re.sub(r"[-_.]+", "-", found["name"]).lower()
    purl = f"pkg:pypi/{name}@{quote(found['version'])}"
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": found["version"],
        "purl": purl,
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in sorted(set(_HASH.findall(line)))],
    }
    if found["marker"]:
        component["properties"] = [{"name": "greyhound:only-where", "value": found["marker"]}]
    return component


def main(arguments: list[str]) -> None:
    """Print the document of one file of pins, or write those of several into a folder."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    folder, *files = arguments if len(arguments) > 1 else [None, *arguments]
    for file in map(Path, files):
        text = json.dumps(document(file.read_text(encoding="utf-8"), project), indent=1) + "\n"
        if folder is None:
            sys.stdout.write(text)
        else:
            Path(folder).mkdir(parents=True, exist_ok=True)
            Path(folder, f"{file.stem}.cdx.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
