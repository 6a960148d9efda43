"""What the files around the code promise: pins, images, targets."""

import os
import re
import subprocess
import tomllib
import venv
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PIN_FILES = (
    "constraints.txt",
    "constraints/service.txt",
    "constraints/training.txt",
    "constraints/frontend.txt",
    "constraints/build.txt",
    "constraints/nets.txt",
)


def pins(file: str) -> dict[str, str]:
    """Return each pinned requirement with its hashes."""
    text = (ROOT / file).read_text().replace("\\\n", " ")
    return {line.split(" --hash")[0].strip(): line for line in text.splitlines() if line.strip()}


def requirements(*extras: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = list(project["dependencies"])
    for extra in extras:
        listed += project["optional-dependencies"][extra]
    names = {re.split(r"[\[><=~! ;]", line)[0].lower() for line in listed}
    return names - {"greyhound"}


def stage(name: str) -> str:
    """Return a stage of the Dockerfile."""
    found = re.split(r"^FROM \S+ AS (\S+)$", (ROOT / "Dockerfile").read_text(), flags=re.M)
    return found[found.index(name, 1) + 1]


@pytest.mark.parametrize("file", PIN_FILES)
def test_every_pin_bears_hashes_and_no_file_an_address(file: str) -> None:
    for requirement, line in pins(file).items():
        assert re.match(r"^[a-z0-9.-]+(\[[a-z,]+\])?==[^ ]+", requirement)
        assert "--hash=sha256:" in line
        assert "://" not in line


@pytest.mark.parametrize("file", PIN_FILES[1:4])
def test_an_image_holds_the_versions_that_were_tested(file: str) -> None:
    of_image, tested = ({pin.partition(" ;")[0] for pin in pins(name)} for name in (file, "constraints.txt"))
    assert of_image <= tested


@pytest.mark.parametrize(
    ("file", "extras"),
    [
        ("constraints.txt", ("service", "training", "postgresql", "client", "frontend", "docs", "dev")),
        ("constraints/service.txt", ("service", "postgresql")),
        ("constraints/training.txt", ("training", "postgresql")),
        ("constraints/frontend.txt", ("client", "frontend")),
    ],
)
def test_everything_that_is_required_is_pinned(file: str, extras: tuple[str, ...]) -> None:
    pinned = {re.split(r"[\[=]", requirement)[0] for requirement in pins(file)}
    without = {"alembic", "numpy", "sqlmodel"} if file == "constraints/frontend.txt" else set()
    assert requirements(*extras) - without <= pinned


def test_what_builds_our_package_is_pinned_and_used() -> None:
    """Pip would else fetch the newest setuptools and numpy into an environment of its own."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    pinned = {pin.partition("==")[0]: pin.partition("==")[2] for pin in pins("constraints/build.txt")}
    assert {Requirement(line).name for line in wanted} == set(pinned)
    assert all(Requirement(line).specifier.contains(pinned[Requirement(line).name]) for line in wanted)
    assert f"numpy=={pinned['numpy']}" in pins("constraints.txt")
    installs = 0
    for file in ("Makefile", "Dockerfile", ".ci/run"):
        text = (ROOT / file).read_text().replace("\\\n", " ")
        for command in re.findall(r"pip (?:install|wheel)\b[^&\n]*", text):
            is_ours = "--no-deps" in command and re.search("--no-build-isolation|--no-index", command)
            is_for_locking = command.split()[-1] == "uv"  # as an author, who looks at what it pins
            assert "--require-hashes" in command or is_ours or is_for_locking, (file, command)
            installs += 1
    assert installs > 10


def test_nets_are_fitted_with_the_packages_of_a_training_and_a_cpu_build_of_torch() -> None:
    pinned = {pin.partition(" ;")[0]: line for pin, line in pins("constraints/nets.txt").items()}
    shared = {
        pin for pin in pinned if f"{pin.partition('==')[0]}==" in (ROOT / "constraints.txt").read_text()
    }
    assert shared <= {pin.partition(" ;")[0] for pin in pins("constraints.txt")}
    assert {pin.partition("==")[0] for pin in pinned} == {"filelock", "mpmath", "networkx", "sympy", "torch"}
    (of_linux,) = [line for line in pinned.values() if "sys_platform == 'linux'" in line]
    assert of_linux.startswith("torch==2.13.0+cpu ; ")


def test_a_set_up_without_a_cpu_build_of_torch_says_so_in_a_line_and_goes_on(tmp_path: Path) -> None:
    command = re.search(
        r"^\t@(.*constraints/nets.txt.*)\\\n(.*)$", (ROOT / "Makefile").read_text(), flags=re.M
    )
    assert command is not None
    venv.create(tmp_path, with_pip=True)
    line = "".join(command.groups()).replace("$(BIN)", str(tmp_path / "bin"))
    nowhere = {
        **os.environ,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path),
        "PIP_CONFIG_FILE": os.devnull,
    }
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, env=nowhere, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("No CPU build of torch: trainings leave out the net")
    assert done.stdout.count("\n") == 1


def test_the_front_ends_image_holds_neither_races_nor_models() -> None:
    pinned = {re.split(r"[\[=]", requirement)[0] for requirement in pins("constraints/frontend.txt")}
    assert not pinned & {
        "alembic",
        "fastapi",
        "mlflow-skinny",
        "numpy",
        "onnxruntime",
        "sqlalchemy",
        "sqlmodel",
    }
    copied = set(re.findall(r"^COPY (\w+) \1$", stage("frontend-build"), flags=re.M))
    assert copied == {"client", "frontend", "greyhound"}


def test_an_image_is_not_built_where_the_loops_are_not_compiled() -> None:
    for name in ("service-build", "training-build"):
        assert "assert o.IS_COMPILED" in stage(name)


def test_the_services_image_holds_nothing_that_trains() -> None:
    pinned = {requirement.partition("==")[0] for requirement in pins("constraints/service.txt")}
    assert not pinned & (requirements("training", "nets") - requirements("service"))
    assert "COPY service" in stage("service-build")
    assert "training" not in stage("service-build")


def test_images_are_made_of_one_base_and_run_without_rights() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", dockerfile, flags=re.M)
    assert len(stages) == dockerfile.count("\nFROM ")
    names = {name for _, name in stages}
    assert {base for base, _ in stages} - names == {"${PYTHON_IMAGE}"}
    assert re.search(r"^ARG PYTHON_IMAGE=python:3.11-slim-bookworm(@sha256:\w{64})?$", dockerfile, flags=re.M)
    for name in ("service", "training", "frontend", "haproxy"):
        assert "USER 10001" in stage(name)
    assert stages[-1][1] == "service"
    assert "--shell /usr/sbin/nologin" in dockerfile


def test_make_help_tells_of_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile, flags=re.M)
    printed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.split()[1] for line in printed.splitlines() if line.startswith("  make ")} == set(
        phony.split()
    )


def test_the_readme_tells_of_every_command() -> None:
    from greyhound.cli import COMMANDS

    readme = (ROOT / "README.md").read_text()
    assert {name for name in COMMANDS if f"greyhound {name}" not in readme} == set()


def test_the_service_blocks_in_no_thread_that_all_share() -> None:
    """Ruff bans the functions; here are methods of the loop too, and what reads files in AnyIO's threads."""
    banned = r"\b(run_in_executor|set_default_executor|to_thread|run_in_threadpool|getaddrinfo)\b"
    banned += r"|FileResponse|StaticFiles|UploadFile|BackgroundTasks"
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in sorted((ROOT / "service").rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(banned, line)
    ]
    assert found == []
