"""Faults of what comes in are found, quiet days are not, and alarms are raised once and cleared."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from racing.database.engine import open_database
from racing.monitor.alarms import active_alarms
from racing.monitor.champion import ChampionFacts
from racing.monitor.input_alarms import check_inputs, judge
from racing.monitor.input_counts import FACTS, Counted, decode, encode
from racing.monitor.input_days import days_of_inputs, store_counts, tidy_counts
from racing.monitor.inputs import summary
from tests.racing.monitor.builders import FEATURES, TODAY, draw, make_bins, make_day

NOON = dt.datetime.combine(TODAY, dt.time(12), dt.UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path / 'races.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    engine = open_database(url, create=True)
    yield engine
    engine.dispose()


def store(engine: Engine, day, writer: str = "one") -> None:
    with engine.begin() as connection:
        store_counts(
            connection,
            writer=writer,
            date=day.date,
            version=day.version,
            digest=day.digest,
            counted=day.counted,
        )


def texts(judged) -> list[str]:
    return [finding.text for finding in judged.findings]


def test_quiet_days_alarm_about_nothing():
    rng = np.random.default_rng(3)
    bins = make_bins(rng)
    for _ in range(100):
        days = [make_day(bins, draw(rng, 100), rng, days_ago=ago) for ago in (1, 0)]
        assert texts(judge(days, today=TODAY)) == []


@pytest.mark.parametrize("n_days", [40, 0], ids=["usual days in the artifact", "usual days served"])
def test_a_frozen_feature_is_found_before_the_day_is_over_and_named(n_days):
    rng = np.random.default_rng(4)
    bins = make_bins(rng, n_days=n_days)
    days = [make_day(bins, draw(rng, 100), rng, days_ago=ago) for ago in range(20, 0, -1)]
    frozen = draw(rng, 40)
    frozen[:, 1] = 0.5
    judged = judge([*days, make_day(bins, frozen, rng)], today=TODAY)
    assert [finding.subject for finding in judged.findings] == ["version 7: market rating"]
    assert "market_rating (PSI" in texts(judged)[0]


def test_what_is_missing_more_often_is_found_with_both_shares():
    rng = np.random.default_rng(5)
    bins = make_bins(rng)
    values = draw(rng, 100)
    values[rng.random(800) < 0.4, 2] = np.nan
    (text,) = texts(judge([make_day(bins, values, rng)], today=TODAY))
    assert "best_time" in text
    assert "missing 5" in text
    assert "in training 20 %" in text or "in training 20%" in text


def test_a_feature_that_no_runner_has_is_critical_even_without_days_to_compare():
    rng = np.random.default_rng(6)
    bins = make_bins(rng, n_days=0)
    values = draw(rng, 30)
    values[:, 1] = np.nan
    (finding,) = judge([make_day(bins, values, rng)], today=TODAY).findings
    assert finding.severity == "critical"
    assert "market_rating" in finding.text


def test_an_hour_of_cards_without_form_is_critical_unless_it_is_always_so():
    rng = np.random.default_rng(7)
    bins = make_bins(rng)
    yesterday, today = (make_day(bins, draw(rng, 100), rng, days_ago=ago) for ago in (1, 0))
    n_cards, n_without = FACTS.index("n_cards"), FACTS.index("n_without_form")
    today.counted.hours[17, n_cards] = today.counted.hours[17, n_without] = 25
    (finding,) = judge([yesterday, today], today=TODAY).findings
    assert finding.severity == "critical"
    assert "None of 25 cards answered on 2026-03-14 from 17:00 to 18:00" in finding.text
    always = make_day(bins, draw(rng, 100), rng, days_ago=1, n_without_form=90)
    assert judge([always, today], today=TODAY).findings == []


def test_a_track_that_the_version_has_not_seen_is_named():
    rng = np.random.default_rng(8)
    bins = make_bins(rng)
    day = make_day(bins, draw(rng, 100), rng, n_unknown_tracks=11)
    day.counted.unknown_tracks.update({"Nowhere Downs": 11})
    (finding,) = judge([day], today=TODAY).findings
    assert "Nowhere Downs (11)" in finding.text


def test_prices_that_stop_are_found_once_there_are_days_to_compare():
    rng = np.random.default_rng(9)
    bins = make_bins(rng)
    days = [
        make_day(bins, draw(rng, 100), rng, days_ago=ago, n_priced=90 + ago % 7) for ago in range(25, 0, -1)
    ]
    today = make_day(bins, draw(rng, 100), rng, n_priced=5)
    (finding,) = judge([*days, today], today=TODAY).findings
    assert "5% of 2026-03-14 are cards on which every starter has a price" in finding.text
    assert judge([*days[:5], today], today=TODAY).findings == []


def test_an_alarm_is_raised_once_stays_while_it_is_so_and_is_cleared_afterwards(engine: Engine):
    rng = np.random.default_rng(10)
    bins = make_bins(rng)
    frozen = draw(rng, 100)
    frozen[:, 1] = 0.5
    store(engine, make_day(bins, frozen, rng))
    for _ in range(3):
        check_inputs(engine, now=NOON)
    with engine.connect() as connection:
        (alarm,) = active_alarms(connection)
    assert alarm.subject == "version 7: market rating"
    later = NOON + dt.timedelta(days=2)
    for ago in (-1, -2):
        store(engine, make_day(bins, draw(rng, 100), rng, days_ago=ago))
    check_inputs(engine, now=later)
    with engine.connect() as connection:
        assert active_alarms(connection) == []


def test_the_summary_has_days_by_features_sorted_by_what_moved(engine: Engine):
    rng = np.random.default_rng(11)
    bins = make_bins(rng)
    frozen = draw(rng, 100)
    frozen[:, 1] = 0.5
    store(engine, make_day(bins, draw(rng, 100), rng, days_ago=2))
    store(engine, make_day(bins, draw(rng, 100), rng, days_ago=1, n_unknown_dogs=3))
    store(engine, make_day(bins, frozen, rng))
    store(engine, make_day(bins, draw(rng, 2), rng, days_ago=40))
    found = summary(engine, ChampionFacts(version=7), today=TODAY, n_features=3)
    assert found is not None
    assert [day["date"] for day in found["days"]] == ["2026-03-12", "2026-03-13", "2026-03-14"]
    assert found["days"][1]["n_unknown_dogs"] == 3
    assert len(found["features"]) == 3
    first = found["features"][0]
    assert first["name"] == "market_rating"
    assert first["psi"][2] > 1 > first["psi"][1]
    assert first["p_value"] < 1e-6
    assert found["usual"]["from"] == "training"
    assert summary(engine, None) is None
    assert summary(engine, ChampionFacts(version=8), today=TODAY)["days"] == []  # type: ignore[index]


def test_counts_are_read_as_they_were_written(engine: Engine):
    rng = np.random.default_rng(12)
    bins = make_bins(rng)
    day = make_day(bins, draw(rng, 50), rng, n_unknown_tracks=4)
    day.counted.unknown_tracks.update({"Nullarbor": 4})
    again = decode(encode(day.counted))
    assert again.counts.tolist() == day.counted.counts.tolist()
    assert again.hours.tolist() == day.counted.hours.tolist()
    assert again.unknown_tracks == {"Nullarbor": 4}
    assert again.bins.names == (*FEATURES, "win_probability")
    assert np.allclose(again.bins.shares, bins.shares, atol=1e-6)
    assert again.bins.usual is not None
    assert np.allclose(again.bins.usual.mean, bins.usual.mean)  # type: ignore[union-attr]


def test_old_rows_of_many_writers_become_one_with_their_sum_and_the_oldest_go(engine: Engine):
    rng = np.random.default_rng(13)
    bins = make_bins(rng)
    for writer in ("one", "two", "three"):
        for ago in (2, 30, 500):
            store(engine, make_day(bins, draw(rng, 10), rng, days_ago=ago), writer)
    before = days_of_inputs(engine, 7, since=TODAY - dt.timedelta(days=100))
    for n_gone in (3 + 2, 0):
        assert tidy_counts(engine, today=TODAY, retention_days=400) == n_gone
        after = days_of_inputs(engine, 7, since=dt.date(2000, 1, 1))
        assert [day.date for day in after] == [day.date for day in before]
        for old, new in zip(before, after, strict=True):
            assert old.counted.counts.tolist() == new.counted.counts.tolist()
            assert old.counted.facts == new.counted.facts


def test_a_writer_that_writes_again_replaces_what_it_wrote(engine: Engine):
    rng = np.random.default_rng(14)
    bins = make_bins(rng)
    first, second = (make_day(bins, draw(rng, n), rng) for n in (10, 20))
    store(engine, first)
    store(engine, second)
    store(engine, first, "two")
    (day,) = days_of_inputs(engine, 7, since=TODAY)
    expected = Counted(bins, first.counted.counts + second.counted.counts)
    assert day.counted.counts.tolist() == expected.counts.tolist()
