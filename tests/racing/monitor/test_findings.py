"""The monitor's alarms: what is bad alarms, what is well does not, and neither flaps."""

import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from racing.database.engine import open_database
from racing.monitor import shown
from racing.monitor.alarms import Alarm, active_alarms
from racing.monitor.champion import ChampionFacts
from racing.monitor.coverage import Coverage
from racing.monitor.findings import look_at_coverage
from racing.monitor.report import look
from racing.monitor.shown import monitor_now
from racing.monitor.store import StoredReport, stored_report
from tests.racing.monitor.bulk_log import DAY_0, Answers, write_answers

CHAMPION = ChampionFacts(
    version=7, learnt_until=DAY_0, training_gap=0.004, training_gap_low=0.001, training_gap_high=0.007
)


def alarms_after(engine: Engine, days: int, champion: ChampionFacts = CHAMPION) -> list[Alarm]:
    """Look some days after the first card; return the alarms that are active then."""
    look(engine, champion, now=dt.datetime.combine(DAY_0, dt.time(12), dt.UTC) + dt.timedelta(days=days))
    with engine.connect() as connection:
        return active_alarms(connection)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Return an empty database."""
    return open_database(f"sqlite:///{tmp_path / 'races.db'}", create=True)


def test_a_healthy_champion_raises_nothing_however_often_one_looks(engine: Engine) -> None:
    write_answers(engine, Answers(n_races=2500))
    assert [alarms_after(engine, days) for days in (3, 8, 13, 18, 27)] == [[]] * 5
    assert monitor_now(engine)["status"] in ("well", "look")


def test_a_model_that_is_too_bold_raises_the_calibration_and_its_price_in_loss(engine: Engine) -> None:
    write_answers(engine, Answers(n_races=3000, temperature=0.7))
    found = {alarm.kind: alarm for alarm in alarms_after(engine, 32)}
    assert set(found) == {"calibration", "quality"}
    assert found["calibration"].numbers["slope"] == pytest.approx(0.7, abs=0.1)
    assert "too bold" in found["calibration"].text
    assert all(alarm.todo for alarm in found.values())


def test_a_champion_that_got_worse_after_four_weeks_is_due_for_retraining(engine: Engine) -> None:
    write_answers(engine, Answers(n_races=4000, noise_later=0.5))
    before = alarms_after(engine, 26)
    after = {alarm.kind: alarm for alarm in alarms_after(engine, 41)}
    assert "quality" in after
    assert "has grown" in after["ageing"].text
    assert [alarm for alarm in before if alarm.kind == "ageing"] == []


def test_a_model_worse_than_uniform_is_critical(engine: Engine) -> None:
    write_answers(engine, Answers(n_races=1000, noise=2.5))
    [alarm] = [alarm for alarm in alarms_after(engine, 12) if alarm.kind == "quality"]
    assert alarm.severity == "critical"
    assert "same chance" in alarm.text
    assert monitor_now(engine)["status"] == "alarm"


def test_report_and_alarms_that_are_shown_are_of_one_look(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_answers(engine, Answers(n_races=3000, temperature=0.7))

    def report_then_a_look(connection: Connection) -> StoredReport | None:
        report = stored_report(connection)
        alarms_after(engine, 32)
        return report

    monkeypatch.setattr(shown, "stored_report", report_then_a_look)
    before = monitor_now(engine)
    monkeypatch.undo()
    assert (before["alarms"], "quality" in before) == ([], False)
    assert monitor_now(engine)["alarms"]
    assert monitor_now(engine)["quality"]


def test_retraining_is_due_by_age_and_the_alarm_goes_with_the_next_champion(engine: Engine) -> None:
    write_answers(engine, Answers(n_races=200))
    assert alarms_after(engine, 85) == []
    [alarm] = alarms_after(engine, 91)
    assert (alarm.kind, alarm.subject) == ("ageing", "version 7")
    newer = ChampionFacts(version=8, learnt_until=DAY_0 + dt.timedelta(days=90))
    assert alarms_after(engine, 91, newer) == []


def test_coverage_alarms_below_its_threshold_and_clears_well_above_it() -> None:
    def standing(n_judged: int, *, is_active: bool) -> set[str]:
        coverage = Coverage(since=DAY_0, until=DAY_0, n_races=100, n_judged=n_judged)
        return look_at_coverage(coverage, active={"coverage:results"} if is_active else ()).standing

    assert standing(79, is_active=False) == {"coverage:results"}
    assert standing(85, is_active=False) == set()
    assert standing(85, is_active=True) == {"coverage:results"}
    assert standing(95, is_active=True) == set()


def test_while_no_version_serves_its_alarms_stay_as_they_are(engine: Engine) -> None:
    write_answers(engine, Answers(n_races=200))
    assert len(alarms_after(engine, 91)) == 1
    look(engine, None, now=dt.datetime.combine(DAY_0, dt.time(), dt.UTC) + dt.timedelta(days=92))
    with engine.connect() as connection:
        assert len(active_alarms(connection)) == 1
