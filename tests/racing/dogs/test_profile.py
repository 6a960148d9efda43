"""A dog's page and a race's form lines: whole, paged, and blind to the race's own day."""

import datetime as dt

import numpy as np
import pytest
from sqlalchemy import Engine, select, update

from racing.database.tables import Dog, Race, Run
from racing.dogs.form_lines import N_RUNS, race_form
from racing.dogs.profile import dog_profile
from racing.dogs.search import find_dogs
from racing.domain.errors import NoSuchDog, NoSuchRace
from racing.features import FEATURE_NAMES, race_table
from racing.ratings.catalog import RATINGS
from tests.racing.seasons import LAST_DAY

RUN, RACE, DOG = Run.__table__, Race.__table__, Dog.__table__  # type: ignore[attr-defined]


def dog_of_most_runs(engine: Engine) -> int:
    with engine.connect() as connection:
        ids = connection.scalars(select(RUN.c.dog_id).where(RUN.c.won.is_not(None))).all()
    return max(set(ids), key=lambda one: (ids.count(one), -one))


def last_race_of_season(engine: Engine) -> int:
    with engine.connect() as connection:
        return (
            connection.execute(select(RACE.c.id).where(RACE.c.date == LAST_DAY).order_by(RACE.c.id))
            .scalars()
            .all()[0]
        )


def test_a_dogs_starts_by_box_and_by_track_add_up_to_its_career(engine: Engine) -> None:
    dog = dog_profile(engine, dog_of_most_runs(engine))
    for groups in (dog.by_box, dog.by_track):
        for count in ("n_starts", "n_wins", "n_places", "n_priced", "priced_wins"):
            assert sum(getattr(one, count) for one in groups) == getattr(dog.career, count), count
        expected = [one.market_expected_wins for one in groups if one.market_expected_wins is not None]
        assert sum(expected) == pytest.approx(dog.career.market_expected_wins)
    assert dog.career.n_wins <= dog.career.n_places <= dog.career.n_starts
    assert dog.career.n_starts == len(dog.runs)
    priced = [run for run in dog.runs if run.market_probability is not None]
    assert len(priced) == dog.career.n_priced > 0
    expected_wins = sum(run.market_probability or 0 for run in priced)
    assert dog.career.market_expected_wins == pytest.approx(expected_wins)


def test_runs_are_paged_newest_first_and_nothing_is_left_out(engine: Engine) -> None:
    number = dog_of_most_runs(engine)
    whole, paged, before = dog_profile(engine, number), [], None
    while True:
        page = dog_profile(engine, number, limit=2, before=before)
        assert page.ratings == whole.ratings
        paged += page.runs
        if (before := page.next_before) is None:
            break
    assert tuple(paged) == whole.runs
    assert [run.date for run in paged] == sorted((run.date for run in paged), reverse=True)
    assert whole.next_before is None


def test_a_race_to_come_is_among_the_runs_and_counts_as_no_start(engine: Engine) -> None:
    (found,) = find_dogs(engine, "nalas ghost").dogs
    dog = dog_profile(engine, found.id)
    to_come, ran = dog.runs
    assert (to_come.has_result, to_come.winner, to_come.finish_position) == (False, None, None)
    assert (ran.has_result, ran.won, ran.winner, ran.n_starters) == (True, True, "Nala's Ghost", 7)
    assert (dog.career.n_starts, dog.career.n_wins) == (1, 1)
    assert {one.date for one in dog.ratings} == {dt.date(2026, 7, 10)}


def test_a_trainer_is_that_of_the_newest_run_that_has_one(engine: Engine) -> None:
    number = dog_of_most_runs(engine)
    runs = dog_profile(engine, number).runs
    assert dog_profile(engine, number).trainer is None
    with engine.begin() as connection:
        for run, name in ((runs[1], "J Tock"), (runs[2], "Old")):
            where = (RUN.c.race_id == run.race_id) & (RUN.c.dog_id == number)
            connection.execute(update(RUN).where(where).values(trainer=name))
    try:
        assert dog_profile(engine, number).trainer == "J Tock"
    finally:
        with engine.begin() as connection:
            connection.execute(update(RUN).values(trainer=None))


def test_the_evenings_rating_is_what_the_model_takes_into_the_next_race(engine: Engine) -> None:
    """Where the next race is at that track over that distance, from the same part of the start, a day later.

    Seasons hardly have such; so the next race is put there.
    """
    table = race_table(engine)
    number = dog_of_most_runs(engine)
    with engine.connect() as connection:
        runs = connection.execute(
            select(RUN.c.id, RUN.c.date)
            .where(RUN.c.dog_id == number, RUN.c.won.is_not(None))
            .order_by(RUN.c.date)
        ).all()
    rated = {(one.date, one.rating): one for one in dog_profile(engine, number).ratings}
    assert {name for _, name in rated} == {rating.name for rating in RATINGS}
    for before, run in zip(runs[-4:-1], runs[-3:], strict=True):
        row = int(np.flatnonzero(table.run_id == run.id)[0])
        for rating in RATINGS:
            evening = rated[before.date, rating.name]
            morning = {
                name: table.features[row, FEATURE_NAMES.index(f"{rating.name}_{name}")]
                for name in ("rating", "uncertainty")
            }
            # days, another course and, of a dog with few runs, rivals move it by a part of what is uncertain
            assert abs(evening.mean - morning["rating"]) < 2 * morning["uncertainty"]
            assert 0.5 < evening.sd / morning["uncertainty"] < 1.5


def test_each_evening_is_rated_by_the_runs_until_then_alone(engine: Engine) -> None:
    number = dog_of_most_runs(engine)
    whole = dog_profile(engine, number)
    newest = whole.runs[0].date
    with engine.begin() as connection:
        where = (RUN.c.dog_id == number) & (RUN.c.date == newest)
        times = connection.execute(select(RUN.c.id, RUN.c.time_s).where(where)).one()
        connection.execute(update(RUN).where(where).values(won=None, finish_position=None))
    try:
        without = dog_profile(engine, number)
        if (without.rated_track, without.rated_distance_m) == (whole.rated_track, whole.rated_distance_m):
            assert without.ratings == tuple(one for one in whole.ratings if one.date < newest)
        assert {one.date for one in without.ratings} == {one.date for one in whole.ratings} - {newest}
    finally:
        finish = whole.runs[0]
        with engine.begin() as connection:
            connection.execute(
                update(RUN)
                .where(RUN.c.id == times.id)
                .values(won=finish.won, finish_position=finish.finish_position)
            )


def test_form_lines_are_of_days_before_the_race_and_never_of_its_own_or_later(engine: Engine) -> None:
    with engine.connect() as connection:
        races = connection.execute(select(RACE.c.id, RACE.c.date)).all()
        runs = connection.execute(
            select(RUN.c.dog_id, RUN.c.date).where(RUN.c.won.is_not(None), RUN.c.is_scratched.is_(False))
        ).all()
    days: dict[int, list[dt.date]] = {}
    for dog, day in runs:
        days.setdefault(dog, []).append(day)
    n_lines = 0
    for race in races[::5]:
        form = race_form(engine, race.id)
        assert len({runner.dog_id for runner in form.runners}) == len(form.runners) > 0
        for runner in form.runners:
            earlier = sorted((day for day in days.get(runner.dog_id, []) if day < race.date), reverse=True)
            assert [line.date for line in runner.runs] == earlier[:N_RUNS]
            assert runner.n_runs == len(earlier)
            n_lines += len(runner.runs)
    assert n_lines > 100


def test_the_form_of_a_race_stays_what_it_was_whatever_comes_after(engine: Engine) -> None:
    with engine.connect() as connection:
        race = connection.execute(
            select(RACE.c.id, RACE.c.date)
            .where(RACE.c.date < LAST_DAY - dt.timedelta(days=5))
            .order_by(RACE.c.date.desc(), RACE.c.id)
        ).first()
        later = connection.execute(
            select(RUN.c.id, RUN.c.time_s, RUN.c.trainer).where(RUN.c.date >= race.date)
        ).all()
    before = race_form(engine, race.id)
    with engine.begin() as connection:
        connection.execute(update(RUN).where(RUN.c.date >= race.date).values(time_s=99.0, trainer="X"))
    try:
        assert race_form(engine, race.id) == before
        assert any(runner.runs for runner in before.runners)
    finally:
        with engine.begin() as connection:
            for run in later:
                values = {"time_s": run.time_s, "trainer": run.trainer}
                connection.execute(update(RUN).where(RUN.c.id == run.id).values(**values))


def test_a_race_to_come_has_the_form_of_its_runners(engine: Engine) -> None:
    with engine.connect() as connection:
        (number,) = connection.scalars(select(RACE.c.id).where(RACE.c.date == dt.date(2026, 7, 20))).all()
    form = race_form(engine, number)
    assert [(runner.name, runner.box, len(runner.runs)) for runner in form.runners] == [
        ("Nala's Ghost", 2, 1), ("Sir Tick", 3, 1),
    ]  # fmt: skip
    assert form.runners[1].runs[0].winner == "Nala's Ghost"


def test_what_is_not_there_is_refused_with_where_to_look(engine: Engine) -> None:
    with pytest.raises(NoSuchDog, match="GET /dogs"):
        dog_profile(engine, 999_999)
    with pytest.raises(NoSuchRace, match="GET /races"):
        race_form(engine, 999_999)
