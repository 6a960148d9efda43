"""A release: one version everywhere, and wheels that hold all that runs, installed where nothing else is."""

import datetime as dt
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

import racing.ops
from deploy.version import Refused, set_version, versions
from tests.compose.plan import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
VERSION = PROJECT["version"]
PACKAGES = ("racing", "model_registry", "training", "service", "frontend", "greyhound", "client")
DAY = dt.date(2026, 4, 1)


def tracked() -> list[str]:
    """Return the names of all files of the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("this is no checkout of git")
    return [name for name in done.stdout.splitlines() if (ROOT / name).exists()]


def pip(*arguments: str, cwd: Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheels that `make dist` builds, from a copy of the checkout."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheels")
    for name in tracked():
        if name.startswith(PACKAGES) or "/" not in name:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    offline = ("--no-deps", "--no-index", "--no-build-isolation")
    pip("wheel", *offline, "--wheel-dir", str(folder), ".", "./client", cwd=source)
    return folder


def wheel(folder: Path, name: str) -> Path:
    (path,) = folder.glob(f"{name}-{VERSION}-*.whl")
    return path


def python_with(path: Path, tmp_path: Path) -> Path:
    """Return a Python in whose environment a wheel is installed, with the packages that it depends on."""
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", "--symlinks", tmp_path / "env"], check=True
    )
    python = tmp_path / "env/bin/python"
    pip(
        "--python", str(python), "install", "--no-deps", "--no-index", "--no-compile", str(path), cwd=tmp_path
    )
    (site,) = (tmp_path / "env/lib").glob("python*/site-packages")
    # What others made, as it is here; files *.pth there, which would bring the checkout along, are not read.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def run(python: Path, *arguments: str) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(python.parents[1])}
    done = subprocess.run(
        [python, "-I", *arguments], cwd="/", env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_a_wheel_has_every_file_of_its_packages_and_no_other(wheels: Path) -> None:
    ours = [name for name in tracked() if name.partition("/")[0] in PACKAGES]
    client = {name.removeprefix("client/") for name in ours if name.startswith("client/greyhound_client/")}
    everything = client | {name for name in ours if not name.startswith("client/")}
    for name, wanted in (("greyhound", everything), ("greyhound_client", client)):
        with zipfile.ZipFile(wheel(wheels, name)) as packed:
            held = {file for file in packed.namelist() if not file.startswith(f"{name}-{VERSION}.dist-info/")}
        compiled = {file for file in held if file.startswith("racing/ops/_") and file.endswith(".so")}
        assert held - compiled == wanted
        assert bool(compiled) == (name == "greyhound" and racing.ops.IS_COMPILED)


def test_it_runs_where_nothing_else_is_installed(wheels: Path, tmp_path: Path) -> None:
    python = python_with(wheel(wheels, "greyhound"), tmp_path)
    greyhound = str(python.with_name("greyhound"))
    assert run(python, greyhound, "--version") == f"greyhound, version {VERSION}"
    code = "import racing.ops, frontend.app; from racing.database.engine import upgrade\n"
    code += f"upgrade('sqlite:///{tmp_path}/races.db'); print(racing.ops.IS_COMPILED, racing.__file__)"
    compiled, file = run(python, "-c", code).split()
    assert Path(file).is_relative_to(tmp_path)
    assert compiled == str(racing.ops.IS_COMPILED)


def test_the_client_runs_alone(wheels: Path, tmp_path: Path) -> None:
    options = ("--no-deps", "--no-index", "--no-compile", "--target", "alone")
    pip("install", *options, str(wheel(wheels, "greyhound_client")), cwd=tmp_path)
    # Without the checkout's own environment but for its folder of packages, at the end.
    places = [str(tmp_path / "alone"), sysconfig.get_path("purelib")]
    code = f"import sys; sys.path += {places}; import greyhound_client as g, importlib.util as u\n"
    code += "print(g.__file__, u.find_spec('racing'))"
    file, racing_ = run(Path(sys.executable), "-S", "-c", code).split()
    assert Path(file).is_relative_to(tmp_path)
    assert racing_ == "None"


def test_the_version_is_the_same_wherever_it_stands() -> None:
    assert {version for found in versions(ROOT).values() for version in found} == {VERSION}
    assert len(versions(ROOT)) == 7
    client = tomllib.loads((ROOT / "client/pyproject.toml").read_text())["project"]
    assert client["dependencies"] == PROJECT["optional-dependencies"]["client"]
    assert (ROOT / "client/LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_a_new_version_is_written_everywhere_and_closes_the_changelog(tmp_path: Path) -> None:
    for name in [*versions(ROOT), "CHANGELOG.md"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\n- new\n\n## [0.0.1]\n\n- old\n")
    written = set_version(tmp_path, "8.7.6", DAY)
    assert set(written) == {*versions(ROOT), "CHANGELOG.md"}
    assert {version for found in versions(tmp_path).values() for version in found} == {"8.7.6"}
    changelog = (tmp_path / "CHANGELOG.md").read_text()
    assert re.findall(r"^## .*$", changelog, flags=re.M) == [
        "## [Unreleased]",
        "## [8.7.6] - 2026-04-01",
        "## [0.0.1]",
    ]
    with pytest.raises(Refused, match="nothing under"):
        set_version(tmp_path, "8.7.7", DAY)
    for wrong, rule in (("8.7.6", "already"), ("v1", "reads 1.2.3"), ("", "reads 1.2.3")):
        with pytest.raises(Refused, match=rule):
            set_version(tmp_path, wrong, DAY)
    assert (tmp_path / "CHANGELOG.md").read_text() == changelog


def test_images_are_tagged_with_the_version() -> None:
    printed = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "image"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = [line for line in printed.splitlines() if line.startswith("docker build")]
    assert len(lines) == 4
    for line in lines:
        (stage,) = re.findall(r"--target (\w+)", line)
        assert f"-t greyhound-{stage}:{VERSION} " in line
