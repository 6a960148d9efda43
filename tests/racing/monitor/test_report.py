"""The monitor's report says what the log says, whatever the order in which results arrived."""

import datetime as dt
import json
import math
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine, update

from racing.database.engine import open_database
from racing.importers.results_api import RaceResult, import_race_results
from racing.monitor.alarms import without_nan
from racing.monitor.champion import ChampionFacts
from racing.monitor.coverage import SETTLED_AFTER_DAYS
from racing.monitor.judged import judged_races
from racing.monitor.report import look, make_report
from racing.monitor.store import stored_report
from racing.predictions.prediction_filter import PredictionFilter
from racing.predictions.reading import read_unread
from racing.predictions.tables import PREDICTION
from racing.predictions.update import update_outcomes
from tests.racing.monitor.bulk_log import DAY_0, Answers, write_answers
from tests.racing.predictions.logs import (
    DAYS,
    N_DOGS,
    RACES,
    Meeting,
    bring_results,
    counted_from_scratch,
    log_cards,
    score_from_scratch,
    starters_from_scratch,
)

DAY = dt.timedelta(days=1)
NOW = dt.datetime(2026, 3, 15, 12, tzinfo=dt.UTC)


def empty(folder: Path, name: str = "races") -> Engine:
    return open_database(f"sqlite:///{folder / name}.db", create=True)


def result(race: Meeting, random: Random) -> RaceResult:
    """How a race came out, one of the ways."""
    order = random.sample(race.dogs, random.choice((N_DOGS, N_DOGS, N_DOGS - 1)))
    runners = [
        {"runner": name, "box": race.dogs.index(name) + 1, "finish_position": place}
        | {"bsp": 1.5 + 2 * random.random() * place}
        for place, name in enumerate(order, start=1)
    ]
    return RaceResult(
        date=race.day, track=race.track, distance_m=515, race_number=race.number, runners=runners
    )


def figures(engine: Engine) -> Any:
    """Everything that a report says, but when it was made."""
    report = make_report(engine, ChampionFacts(version=2, learnt_until=DAYS[0]), now=NOW).as_json()
    return json.loads(json.dumps(without_nan(report | {"took_s": 0.0})))


def test_results_that_come_late_twice_wrong_or_in_any_order_end_in_the_same_report(tmp_path: Path) -> None:
    right = [result(race, Random(str(race))) for race in RACES]
    reports = []
    for attempt in range(3):
        engine, random = empty(tmp_path, f"attempt-{attempt}"), Random(attempt)
        log_cards(engine, Random(1), RACES * 3, "w")
        if attempt:
            read_unread(engine)
            for race in random.sample(RACES, len(RACES)):  # other winners, other starters, some twice
                for _ in range(random.randint(0, 2)):
                    import_race_results(engine, [result(race, random)])
                if random.random() < 0.5:
                    update_outcomes(engine)
            for one in random.sample(right, len(right)):
                import_race_results(engine, [one])
                if random.random() < 0.3:
                    update_outcomes(engine)
        import_race_results(engine, right)  # for a second time, but at the first attempt
        update_outcomes(engine)
        reports.append(figures(engine))
        engine.dispose()
    assert reports[0]["total"]["n_races"] > 10
    assert all(report == reports[0] for report in reports[1:])


def test_the_figures_are_those_of_adding_up_the_log_card_by_card(tmp_path: Path) -> None:
    engine, random = empty(tmp_path), Random(3)
    log_cards(engine, random, RACES * 4, "w")
    bring_results(engine, random, RACES)
    update_outcomes(engine)
    report = make_report(engine, ChampionFacts(version=2), now=NOW)
    groups = {quality.group: quality for quality in (report.total, *report.versions, *report.days)}
    filters: dict[str, PredictionFilter] = {"all": PredictionFilter()}
    filters |= {str(day): PredictionFilter(since=day, until=day) for day in DAYS}
    filters |= {str(version): PredictionFilter(version=version) for version in (1, 2, 3)}
    for group, wanted in filters.items():
        cards = counted_from_scratch(engine, wanted, with_late=False, by_version=wanted.version is not None)
        expected = score_from_scratch(cards)
        found = groups[group]
        assert found.n_races == expected["n_races"] > 0
        assert found.n_with_market == expected["n_with_market"]
        assert found.log_loss == pytest.approx(expected["log_loss"])
        assert found.gap == pytest.approx(expected["behind_market"], nan_ok=True)
    with engine.connect() as connection:
        races = judged_races(connection, DAYS[0], DAYS[-1])
    share, won, _ = races.of(races.is_served).starters()
    counted = counted_from_scratch(engine, PredictionFilter(), with_late=False, by_version=False)
    n, total, n_won = starters_from_scratch(engine, counted)
    assert (len(share), int(won.sum())) == (n, n_won)
    assert float(share.sum()) == pytest.approx(total, abs=1e-3)
    engine.dispose()


@pytest.mark.parametrize("n_days", [1, 20], ids=["a day, as in New Zealand", "as cards may be"])
def test_race_days_that_lie_ahead_of_the_clock_are_in_the_report_once_they_are_judged(
    tmp_path: Path, n_days: int
) -> None:
    engine, random = empty(tmp_path), Random(5)
    log_cards(engine, random, RACES * 2, "w")
    with engine.begin() as connection:
        connection.execute(update(PREDICTION).values(at=dt.datetime.combine(DAYS[0], dt.time(1)) - 30 * DAY))
    bring_results(engine, random, RACES)
    update_outcomes(engine)
    champion = ChampionFacts(version=2, learnt_until=DAYS[0] - dt.timedelta(days=1))
    later = make_report(engine, champion, now=NOW)
    newest = later.days[-1].group
    now = dt.datetime.combine(dt.date.fromisoformat(newest), dt.time(12), dt.UTC) - n_days * DAY
    report = make_report(engine, champion, now=now)
    assert str(report.until) == newest
    assert without_nan([asdict(day) for day in report.days]) == without_nan(
        [asdict(day) for day in later.days]
    )
    assert report.total.n_races == later.total.n_races > 0
    # A day ahead is what New Zealand always is: results of the day before are not late yet.
    expected = now.date() if n_days == 1 else report.until - DAY
    assert report.coverage.until == expected - dt.timedelta(days=SETTLED_AFTER_DAYS)
    engine.dispose()


def test_an_empty_log_has_a_report_without_figures(tmp_path: Path) -> None:
    engine = empty(tmp_path)
    report = look(engine, ChampionFacts(version=1, learnt_until=DAY_0), now=NOW)
    assert (report.total.n_races, report.coverage.n_races, report.gap_path) == (0, 0, [])
    assert math.isnan(report.total.gap)
    with engine.connect() as connection:
        stored = stored_report(connection)
    assert stored is not None
    assert stored.report["total"]["gap"] is None
    assert stored.made_at == NOW
    engine.dispose()


def test_why_races_are_not_judged_is_counted_with_examples(tmp_path: Path) -> None:
    class OnTime(Random):  # whole cards, answered ahead
        def random(self) -> float:
            return 0.5

    engine, random = empty(tmp_path), OnTime()
    day = Meeting(DAYS[2], "Sandown Park", 1)
    others = [Meeting(DAYS[2], "Sandown Park", number) for number in (2, 3)]
    log_cards(engine, random, [day, *others, Meeting(DAYS[2], "The Meadows", 1)], "w")
    stranger = RaceResult(
        date=day.day, track=day.track, distance_m=515, race_number=1,
        runners=[{"runner": name, "box": box, "finish_position": box}
                 for box, name in enumerate([*day.dogs, "A Reserve"], start=1)],
    )  # fmt: skip
    import_race_results(engine, [stranger])
    update_outcomes(engine)
    coverage = make_report(engine, None, now=dt.datetime(2026, 3, 12, tzinfo=dt.UTC)).coverage
    reasons = {why.reason: (why.n_races, why.examples) for why in coverage.not_judged}
    meeting = f"{day.day} SANDOWNPARK"
    late = {key: value for key, value in reasons.items() if key != "no-results"}
    assert late == {"not-whole": (1, (meeting,)), "no-such-race": (2, (meeting,))}
    assert reasons["no-results"] == (1, (f"{day.day} THEMEADOWS",))
    assert (coverage.n_races, coverage.n_judged) == (4, 0)
    engine.dispose()


def test_a_report_on_many_races_has_every_group_and_stays_within_its_bounds(tmp_path: Path) -> None:
    engine = empty(tmp_path)
    first = write_answers(engine, Answers(n_races=2000, version=6))
    write_answers(engine, Answers(n_races=1500, first_day=DAY_0 + dt.timedelta(20), seed=1), first_id=first)
    report = make_report(engine, ChampionFacts(version=7, learnt_until=DAY_0), now=NOW)
    assert report.quality is not None
    assert (report.quality.n_races, report.total.n_races) == (1500, 3500)
    for groups in (report.days, report.weeks, report.tracks, report.states, report.field_sizes):
        assert sum(quality.n_races for quality in groups) == 3500
    assert [quality.group for quality in report.versions] == ["6", "7"]
    assert [quality.group for quality in report.field_sizes] == ["4", "5", "6", "7", "8"]
    assert {"NSW", "VIC"} < {quality.group for quality in report.states}
    assert report.gap_path[-1].gap == pytest.approx(report.quality.gap)
    assert report.quality.gap_low < report.quality.gap < report.quality.gap_high
    assert report.ageing is not None
    assert [week.n_races for week in report.ageing.weeks] == [200, 700, 600]
    assert [day.day_number for day in report.live_days] == [*range(20, 35)]
    engine.dispose()


def test_postgresql_and_sqlite_give_the_same_report(tmp_path: Path, postgresql_url: str) -> None:
    reports = []
    for url in (f"sqlite:///{tmp_path / 'races.db'}", postgresql_url):
        engine, random = open_database(url, create=True), Random(3)
        log_cards(engine, random, RACES * 2, "w")
        bring_results(engine, random, RACES[:-3])
        update_outcomes(engine)
        reports.append(figures(engine))
        look(engine, ChampionFacts(version=2, learnt_until=DAYS[0] - dt.timedelta(days=200)), now=NOW)
        with engine.connect() as connection:
            stored = stored_report(connection)
        assert stored is not None
        engine.dispose()
    assert reports[0] == reports[1]
