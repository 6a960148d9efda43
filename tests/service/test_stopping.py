"""The end of a service under load: not ready first, every request answered whole, gone within 2 s."""

import signal
import time
from pathlib import Path

import pytest

from tests.service.builders import make_card, make_registry
from tests.service.processes import clients_at_full_tilt, group_of, living, serving


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"))


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_eight_clients_at_full_tilt_lose_no_request_when_it_ends(
    registry: str, tmp_path: Path, asked: signal.Signals
) -> None:
    with serving(registry, tmp_path) as service:
        with clients_at_full_tilt(service.url, 8, make_card(8)) as tallies:
            time.sleep(0.5)
            start = time.monotonic()
            service.process.send_signal(asked)
            exit_code = service.process.wait(timeout=10)
            seconds = time.monotonic() - start
        assert [tally.lost for tally in tallies] == [[]] * 8
        assert {status for tally in tallies for status in tally.statuses} == {200}
        assert sum(len(tally.statuses) for tally in tallies) > 40
        assert exit_code == 0
        assert seconds < 2
        assert [pid for pid in living() if group_of(pid) == service.process.pid] == []
        assert service.stderr() == ""
