"""docker-compose.yml is what the compose tool takes, hardened, and tells of what it needs."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.env import write
from tests.compose.plan import ROOT, docker_compose, read, stages

PROFILES = "monitoring,retrain,scale"
PAGE = ROOT / "docs/how-to/compose.md"


@pytest.fixture(scope="module")
def env_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what `make env` writes."""
    path = tmp_path_factory.mktemp("env") / ".env"
    assert write(path)
    return path


@pytest.fixture(scope="module")
def described(env_file: Path) -> dict[str, Any]:
    """Return the file as the compose tool reads it, which checks it against the specification."""
    return read(env_file)


@pytest.fixture(scope="module")
def all_described(env_file: Path) -> dict[str, Any]:
    """Return the file with the parts of all profiles."""
    return read(env_file, COMPOSE_PROFILES=PROFILES)


def variables(env_file: Path) -> set[str]:
    """Return the names that the file asks the environment for."""
    file = str(ROOT / "docker-compose.yml")
    command = [docker_compose(), "--env-file", str(env_file), "--file", file, "config", "--variables"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in listed.splitlines()[1:]} | {"GREYHOUND_FRONTEND_API_KEY"}


def test_the_compose_tool_takes_the_file_with_the_env_that_we_make(described: dict[str, Any]) -> None:
    jobs = {"training", "webhooks"}
    assert set(described["services"]) == jobs | {"postgres", "mlflow", "service", "haproxy", "frontend"}
    assert described["services"]["service"]["deploy"]["replicas"] == 2
    for name, service in described["services"].items():
        assert service["restart"] == ("no" if name in jobs else "unless-stopped"), name


def test_it_refuses_a_file_that_the_specification_does_not_know(tmp_path: Path, env_file: Path) -> None:
    broken = tmp_path / "docker-compose.yml"
    text = (ROOT / "docker-compose.yml").read_text()
    broken.write_text(text.replace("restart: unless-stopped", "restarts: unless-stopped"))
    command = [docker_compose(), "--env-file", str(env_file), "--file", str(broken), "config", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "restarts" in done.stderr


def test_without_passwords_the_error_names_the_command_that_makes_them(tmp_path: Path) -> None:
    command = [
        docker_compose(),
        "--file",
        str(ROOT / "docker-compose.yml"),
        "--env-file",
        "/dev/null",
        "config",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "`make env` writes it into .env" in done.stderr


def test_profiles_add_what_not_everybody_needs(
    described: dict[str, Any], all_described: dict[str, Any]
) -> None:
    added = set(all_described["services"]) - set(described["services"])
    assert added == {"retrain", "prometheus", "grafana", "dask-scheduler", "dask-worker"}
    # A client of the scheduler runs code in the workers: those who train alone do.
    reach = {name for name, part in all_described["services"].items() if "workers" in part["networks"]}
    assert reach == {"dask-scheduler", "dask-worker", "training", "retrain"}


def test_nothing_may_do_more_than_it_needs(all_described: dict[str, Any]) -> None:
    for name, service in all_described["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert {"cpus", "memory", "pids"} <= set(service["deploy"]["resources"]["limits"]), name
        published = service.get("ports", [])
        assert {port["host_ip"] for port in published} <= {"127.0.0.1"}, name
        assert bool(published) == ("outside" in service["networks"]), name
    assert all_described["networks"]["inside"]["internal"]
    assert all_described["networks"]["workers"]["internal"]


def test_a_linter_for_security_finds_nothing_of_weight() -> None:
    linter = Path(sys.executable).with_name("compose-lint")
    if not linter.exists():
        pytest.skip("compose-lint is not installed (make setup brings it)")
    done = subprocess.run([linter, ROOT / "docker-compose.yml"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_passwords_are_made_anew_each_time_and_never_overwritten_and_readable_by_their_owner_only(
    tmp_path: Path, env_file: Path
) -> None:
    path = tmp_path / ".env"
    assert write(path)
    text = path.read_text()
    assert not write(path)
    assert path.read_text() == text
    assert path.stat().st_mode & 0o777 == 0o600
    secret = re.compile(r"^\w+=(\S+)$", flags=re.M)
    assert len(secret.findall(text)) == 5
    assert not set(secret.findall(text)) & set(secret.findall(env_file.read_text()))


def test_the_page_tells_of_every_variable_part_volume_and_image(
    env_file: Path, all_described: dict[str, Any]
) -> None:
    page = PAGE.read_text()
    made = set(re.findall(r"^(\w+)=", env_file.read_text(), flags=re.M))
    used = variables(env_file) - {"COMPOSE_PROJECT_NAME"}
    assert made <= used
    wanted = {*used, *all_described["services"], *all_described["volumes"]}
    assert {name for name in wanted if f"`{name}`" not in page} == set()


def test_every_image_is_a_stage_of_the_dockerfile_and_made_by_make_image(
    all_described: dict[str, Any],
) -> None:
    others = {"postgres", "prometheus", "grafana"}
    images = {service["image"] for name, service in all_described["services"].items() if name not in others}
    made = set(re.findall(r"--target (\w+) -t greyhound-\1", (ROOT / "Makefile").read_text()))
    assert {image.removeprefix("greyhound-") for image in images} == made
    assert made <= set(stages())
    for service in all_described["services"].values():
        if "build" in service:
            assert service["image"] == f"greyhound-{service['build']['target']}"
