"""``kill -9`` of a real service process under load: no answer older than a second is lost."""

import signal
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.service.builders import make_card, make_registry, running_service
from tests.service.living import wait_until
from tests.service.load import Load
from tests.service.prediction_log.builders import (
    away,
    logged,
    make_sqlite,
    wait_for_an_empty_spool,
    wait_for_rows,
)
from tests.service.process import service_process

AT_MOST_S = 1.0


def older_than(seconds: float, load: Load) -> set[str]:
    """The answers that came so long ago, and longer by what the machine may have held the service up.

    Its longest answer tells: a card takes a millisecond, and the rest is the machine's other work.
    """
    answered = load.answered
    latest = time.perf_counter() - seconds - max((one.seconds for one in answered), default=0)
    return {one.request_id for one in answered if one.came_at < latest}


@pytest.mark.parametrize("is_away", [False, True])
def test_a_killed_service_loses_no_answer_older_than_a_second(tmp_path: Path, is_away: bool) -> None:
    registry, database, spool = make_registry(tmp_path), make_sqlite(tmp_path), tmp_path / "spool"
    with away(database) if is_away else nullcontext():
        with (
            service_process(registry, tmp_path, database=database, spool=str(spool)) as service,
            Load(service.url, make_card(3), n_clients=4, interval_s=0.002) as load,
        ):
            wait_until(lambda: len(older_than(AT_MOST_S, load)) >= 30)
            old = older_than(AT_MOST_S, load)
            service.stop(signal.SIGKILL)
        assert list(spool.rglob("*.log")) or not is_away  # a busy machine spools beside a database too
    with running_service(registry, database=database, spool=str(spool)) as service:
        rows = wait_for_rows(database, len(old))
        wait_for_an_empty_spool(service)
        rows = logged(database)
    logged_ids = [row.request_id for row in rows]
    assert old <= set(logged_ids)
    assert len(logged_ids) == len(set(logged_ids))
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert list(spool.rglob("*.log")) == []
