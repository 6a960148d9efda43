"""The lists of packages that a release ships: valid CycloneDX, the same pins, the same bytes."""

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy import sbom
from tests.house.test_repository import PIN_FILES, ROOT, pins

PROJECT = {"name": "greyhound", "version": "1.2.3", "license": "MIT"}
PINS = """\
numpy==2.4.6 \\
    --hash=sha256:{a} \\
    --hash=sha256:{b}
Odd_Name[extra]==1.0 ; sys_platform == 'win32' \\
    --hash=sha256:{a}
""".format(a="a" * 64, b="b" * 64)


@pytest.mark.parametrize("file", PIN_FILES)
def test_every_pin_is_a_component_with_its_hashes(file: str) -> None:
    command = [sys.executable, "deploy/sbom.py", file]
    first, again = (subprocess.run(command, cwd=ROOT, capture_output=True, text=True) for _ in "ab")
    assert first.returncode == 0, first.stderr
    assert first.stdout == again.stdout
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(first.stdout) is None
    document = json.loads(first.stdout)
    listed = {f"{one['name']}=={one['version']}": one for one in document["components"]}
    pinned = {re.sub(r"\[.*\]| ;.*", "", name): line for name, line in pins(file).items()}
    assert set(pinned) == set(listed)
    assert sum(len(one["hashes"]) for one in listed.values()) == sum(
        line.count("--hash=") for line in pinned.values()
    )
    assert all(one["purl"] == f"pkg:pypi/{one['name']}@{quote(one['version'])}" for one in listed.values())


def test_a_document_that_breaks_the_schema_is_found() -> None:
    broken = json.dumps(sbom.document(PINS, PROJECT) | {"components": [{"type": "dog", "name": "x"}]})
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(broken) is not None


def test_names_are_normal_and_a_marker_is_listed() -> None:
    numpy, odd = sbom.document(PINS, PROJECT)["components"]
    assert [one["content"][0] for one in numpy["hashes"]] == ["a", "b"]
    assert odd["purl"] == "pkg:pypi/odd-name@1.0"
    assert odd["properties"] == [{"name": "greyhound:only-where", "value": "sys_platform == 'win32'"}]
    with pytest.raises(ValueError, match="a pin reads"):
        sbom.document("numpy==2.4.6\n", PROJECT)


def test_several_files_are_written_into_a_folder(tmp_path: Path) -> None:
    sbom.main([str(tmp_path / "sbom"), *(str(ROOT / file) for file in PIN_FILES)])
    assert {path.name for path in (tmp_path / "sbom").iterdir()} == {
        f"{Path(file).stem}.cdx.json" for file in PIN_FILES
    }


def test_each_image_holds_the_list_of_its_packages() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    for name in ("service", "training", "frontend"):
        assert f"python deploy/sbom.py constraints/{name}.txt > /opt/greyhound/sbom.cdx.json" in dockerfile
