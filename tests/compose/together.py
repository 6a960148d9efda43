"""All parts of the compose file side by side, started in its order by its health checks."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.compose.plan import Part, Plan

#: How a part becomes a process: its command line, environment and folder, from a command in place of its own.
Launch = Callable[[Part, Sequence[str]], tuple[list[str], dict[str, str], Path]]


@dataclass
class Together:
    """The parts that run, by their names."""

    plan: Plan
    launch: Launch
    logs: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def up(self, seconds: float) -> None:
        """Start every part as soon as what it waits for is as it wants it; return when the jobs are done."""
        deadline = time.monotonic() + seconds
        jobs = {name for name, part in self.plan.parts.items() if part.health is None}
        while not jobs <= {name for name in self.running if self.code(name) is not None}:
            for name, part in self.plan.parts.items():
                if name not in self.running and all(
                    self._is(other, condition) for other, condition in part.waits_for.items()
                ):
                    self.start(name)
            assert time.monotonic() < deadline, self.logs()
            assert not [name for name in self.running if self.code(name)], self.logs()
            time.sleep(0.1)

    def start(self, name: str) -> None:
        """Start a part."""
        self.running[name] = self._process(self.plan.parts[name], (), self.logs / name)

    def run(self, name: str, *command: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run another command in a part, as `docker compose run` does, and return what it printed."""
        log = self.logs / f"{name}-{'-'.join(command)[:40].replace('/', '_')}"
        process = self._process(self.plan.parts[name], command, log)
        assert process.wait(600) in codes, log.read_text()
        return log.read_text()

    def code(self, name: str) -> int | None:
        """Return the exit code of a part that has ended."""
        return self.running[name].poll()

    def log(self, name: str) -> str:
        """Return what a part printed."""
        return (self.logs / name).read_text()

    def kill(self, name: str) -> None:
        """Let a part die."""
        _signal(self.running[name], signal.SIGKILL)
        self.running[name].wait(60)

    def down(self) -> None:
        """Stop everything, in no order."""
        for process in self.running.values():
            _signal(process, signal.SIGTERM)
        for process in self.running.values():
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait(60)
            _signal(process, signal.SIGKILL)  # whatever it left behind

    def logs(self) -> str:
        """Return the end of every log, for a failure."""
        return "\n".join(
            f"== {path.name}\n{path.read_text()[-3000:]}" for path in sorted(self.logs.iterdir())
        )

    def _process(self, part: Part, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        line, environment, folder = self.launch(part, command)
        with log.open("wb") as output:
            return subprocess.Popen(
                line, env=environment, cwd=folder, stdout=output, stderr=output, start_new_session=True
            )

    def _is(self, service: str, condition: str) -> bool:
        if service == "postgres":
            return True
        names = [name for name, part in self.plan.parts.items() if part.service == service]
        if not all(name in self.running for name in names):
            return False
        if condition == "service_healthy":
            return all(self._is_healthy(name) for name in names)
        if condition == "service_completed_successfully":
            return all(self.code(name) == 0 for name in names)
        return True

    def _is_healthy(self, name: str) -> bool:
        health = self.plan.parts[name].health
        assert health, f"others wait for {name} to be healthy, and it says nothing of its health"
        with suppress(httpx.TransportError):
            return httpx.get(self.plan.url(name) + health, timeout=20).is_success
        return False


@contextmanager
def together(plan: Plan, launch: Launch, logs: Path, *, seconds: float) -> Iterator[Together]:
    """Bring everything up and take it down in the end."""
    logs.mkdir()
    parts = Together(plan, launch, logs)
    try:
        parts.up(seconds)
        yield parts
    except BaseException:
        print(parts.logs())
        raise
    finally:
        parts.down()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
