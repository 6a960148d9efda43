"""Pages that are run: their ``bash`` blocks in one shell, in order, against the ``text`` blocks after them.

A ``text`` block says what the ``bash`` block before it shows: its lines must come in this order, others may
lie between them, ``...`` stands for anything, and blanks for any number of blanks, as columns are as wide as
what stands in them. A comment before a ``bash`` block says what is special::

    <!-- not run: why -->
    <!-- in the background until URL -->
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from tests.clocks.today import today
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^(?P<fence>```+)(?P<language>\w*)[^\n]*\n(?P<body>.*?)^(?P=fence)$", re.M | re.S)
_COMMENT = re.compile(r"<!--\s*([^\n]*?)\s*-->\s*\Z")
_BACKGROUND = "in the background until "
_END = "--- end of block"
MAX_S = 900


@dataclass
class Block:
    """Commands of a page, and what they show."""

    line: int
    commands: str
    comment: str = ""
    shows: list[str] = field(default_factory=list)

    @property
    def is_run(self) -> bool:
        """Whether it is run at all."""
        return not self.comment.startswith("not run: ")


def blocks_of(page: Path) -> list[Block]:
    """Return a page's blocks of commands in order, each with what it is expected to show."""
    text = page.read_text(encoding="utf-8")
    blocks: list[Block] = []
    for fence in _FENCE.finditer(text):
        if fence["language"] in ("bash", "console", "sh"):
            comment = _COMMENT.search(text[: fence.start()])
            line = text[: fence.start()].count("\n") + 1
            blocks.append(Block(line, fence["body"], comment[1] if comment else ""))
        elif fence["language"] == "text" and blocks:
            blocks[-1].shows += [line.strip() for line in fence["body"].splitlines() if line.strip()]
    return blocks


def missing(shows: list[str], output: str) -> str | None:
    """Return the first line that does not come, in this order; None if all do."""
    lines = iter(_plain(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in output.splitlines())
    for wanted in shows:
        pattern = ".*".join(re.escape(part) for part in _plain(wanted).split("..."))
        if not any(re.match(pattern, line) for line in lines):
            return wanted
    return None


def _plain(line: str) -> str:
    return " ".join(line.split())


class Shell:
    """A real shell that lives as long as a page, and stops at the first command that fails.

    Pages speak of the default ports 8000 and 5002; here free ones stand for them.
    """

    def __init__(self, folder: Path) -> None:
        commands = folder.parent / "bin"
        commands.mkdir(exist_ok=True)
        for name, call in (("greyhound", "-m greyhound"), ("python", "")):
            script = commands / name
            script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {call} "$@"\n')
            script.chmod(0o755)
        stored = {key: value for key, value in os.environ.items() if not key.startswith("GREYHOUND_")}
        environment = stored | {"PATH": f"{commands}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        environment |= {"COLUMNS": "240", "OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
        service, pages = str(free_port()), str(free_port())
        environment |= {"GREYHOUND_PORT": service, "GREYHOUND_FRONTEND_PORT": pages}
        environment |= {"GREYHOUND_FRONTEND_SERVICE": f"http://127.0.0.1:{service}"}
        self._ports, self.folder = {"8000": service, "5002": pages}, folder
        self._shell = subprocess.Popen(
            ["bash", "-e", "-o", "pipefail"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, block: Block) -> str:
        """Run a block, and return what it printed; raises AssertionError if a command fails."""
        commands, where = self._in_place(block.commands), f"line {block.line}"
        if "date -u" in commands:  # it is to be that day still when it is answered
            today.cache_clear()
            today()
        if "greyhound predictions" in commands:
            self._wait_for_the_prediction_log()
        if block.comment.startswith(_BACKGROUND):
            url = self._in_place(block.comment.removeprefix(_BACKGROUND))
            log = self.folder / f"background-{block.line}.log"
            self._say(f"{{ {commands.strip()}\n}} >{log} 2>&1 </dev/null &\n")
            _wait(url, log)
            return ""
        self._say(f"{commands}\necho '{_END}'\n")
        output, began = "", time.monotonic()
        assert self._shell.stdout is not None
        for line in self._shell.stdout:
            if line.strip() == _END:
                return output
            output += line
            assert time.monotonic() - began < MAX_S, f"{where} takes longer than {MAX_S} s:\n{output}"
        raise AssertionError(f"{where} failed with {self._shell.wait()}:\n{commands}\n{output}")

    def close(self) -> None:
        """End the shell and whatever it left in the background."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._shell.pid, sign)
                self._shell.wait(20)
                time.sleep(0.5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass
        for pipe in (self._shell.stdin, self._shell.stdout):
            if pipe is not None:
                pipe.close()

    def _say(self, text: str) -> None:
        assert self._shell.stdin is not None
        self._shell.stdin.write(text)
        self._shell.stdin.flush()

    def _wait_for_the_prediction_log(self) -> None:
        """Wait until the service's answers are in the database; a busy machine needs seconds."""
        deadline = time.monotonic() + 120
        while True:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._ports['8000']}/model_status") as answer:
                log = json.load(answer)["prediction_log"]
            if log["n_waiting"] == log["spool_bytes"] == 0:
                return
            assert time.monotonic() < deadline, f"the prediction log is not written: {log}"
            time.sleep(0.2)

    def _in_place(self, text: str) -> str:
        for old, new in self._ports.items():
            text = text.replace(old, new)
        return text


def _wait(url: str, log: Path) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            message = log.read_text() if log.exists() else ""
            assert time.monotonic() < deadline, f"{url} does not answer:\n{message}"
            time.sleep(0.2)
