"""Shadows are filled in before a record is saved, or it goes without them; the spool holds them."""

from pathlib import Path

from service.prediction_log.log_queue import AwaitedShadows, LogQueue
from service.prediction_log.spool import Spool, read_segment
from tests.service.living import wait_until
from tests.service.prediction_log.test_spool import WRITER, make_records


def put(queue: LogQueue, request_id: str, awaited: AwaitedShadows | None = None) -> None:
    queue.put(request_id, 1, "ab", b"{}", b"{}", 3, awaited)


def test_a_record_waits_for_its_shadows_with_all_behind_it_and_keeps_their_order() -> None:
    queue, awaited = LogQueue(1 << 20), AwaitedShadows()
    put(queue, "a")
    put(queue, "b", awaited)
    put(queue, "c")
    assert [record.request_id for record in queue.take(wait_s=600)] == ["a"]
    assert awaited.fill(b"[1]")
    assert [(r.request_id, r.shadows) for r in queue.take(wait_s=600)] == [("b", b"[1]"), ("c", None)]
    assert len(queue) == 0


def test_a_record_whose_shadows_do_not_come_is_taken_without_and_they_are_late() -> None:
    queue, awaited = LogQueue(1 << 20), AwaitedShadows()
    put(queue, "a", awaited)
    (record,) = wait_until(lambda: queue.take(wait_s=0.05))
    assert (record.request_id, record.shadows, record.experiment_id) == ("a", None, 3)
    assert not awaited.fill(b"[1]")


def test_a_record_is_not_held_where_there_is_nothing_to_wait_for() -> None:
    queue, awaited = LogQueue(1 << 20), AwaitedShadows()
    put(queue, "a", awaited)
    awaited.fill(None)
    assert [record.shadows for record in queue.take(wait_s=600)] == [None]


def test_a_clock_that_is_set_back_holds_up_no_record() -> None:
    queue = LogQueue(1 << 20)
    put(queue, "a", AwaitedShadows())
    (record, awaited) = queue._queue.popleft()
    queue._queue.append((record._replace(at_us=record.at_us + 3_600_000_000), awaited))
    assert [one.request_id for one in queue.take(wait_s=60)] == ["a"]


def test_the_spool_holds_experiment_and_shadows(tmp_path: Path) -> None:
    plain = make_records(1, 3)
    shadowed = [one._replace(experiment_id=7, shadows=b'[{"version": 2}]') for one in make_records(4, 3)]
    spool = Spool(tmp_path, WRITER)
    spool.append([*plain, *shadowed])
    (segment,) = spool.segments()
    assert list(read_segment(segment)) == [*plain, *shadowed]
