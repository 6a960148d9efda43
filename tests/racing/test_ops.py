"""The compiled loops give what their numpy twins give, and compiled formulas what numpy works out."""

import datetime as dt
from typing import Any

import numpy as np
import pytest

from racing.domain.cards import PastRun, Runner
from racing.features.cards.card_view import CARD_COLUMNS, CardFormulas, view_of_card
from racing.features.matrix import feature_matrix, run_feature_matrix
from racing.ops import IS_COMPILED, compile_formulas, plain, tape

if not IS_COMPILED:
    pytest.skip("no C compiler was at hand when the package was installed", allow_module_level=True)

from racing.ops import _loops

N, K = 600, 12


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def form(random: np.random.Generator) -> np.ndarray:
    form = np.round(random.normal(size=(N, K)), 1)
    form[random.random((N, K)) < 0.3] = np.nan
    form[:20] = np.nan
    return form


@pytest.fixture
def race(random: np.random.Generator) -> np.ndarray:
    return np.unique(np.sort(random.integers(0, N // 7, N)), return_inverse=True)[1]


@pytest.mark.parametrize("name", ["total", "n_known", "best", "running_total"])
def test_a_form_is_summed_up_alike(name: str, form: np.ndarray) -> None:
    np.testing.assert_array_equal(getattr(_loops, name)(form), getattr(plain, name)(form))


def test_a_ratio_is_unknown_where_nothing_is_divided_by_alike(form: np.ndarray) -> None:
    with np.errstate(all="ignore"):
        expected = plain.ratio(form[:, 0], form[:, 1])
    np.testing.assert_array_equal(_loops.ratio(form[:, 0], form[:, 1]), expected)
    assert np.isnan(expected[form[:, 1] <= 0]).all()


@pytest.mark.parametrize("name", ["sum_in_race", "rank_in_race", "best_rival"])
def test_a_race_is_compared_alike(name: str, form: np.ndarray, race: np.ndarray) -> None:
    values = form[:, 0]
    np.testing.assert_array_equal(getattr(_loops, name)(values, race), getattr(plain, name)(values, race))


def test_the_runner_in_a_box_is_found_alike(form: np.ndarray, race: np.ndarray) -> None:
    place = np.arange(N) - np.searchsorted(race, race)
    box = np.where(place < 8, place + 1.0, np.nan)
    for beside in (-1, 1):
        arguments = form[:, 0], box + beside, box, race
        np.testing.assert_array_equal(_loops.value_at(*arguments), plain.value_at(*arguments))


@pytest.mark.parametrize("name", ["share_in_race", "log_mean_odds"])
def test_odds_are_shared_alike(name: str, form: np.ndarray, race: np.ndarray) -> None:
    odds = 30 * form[:, 0]
    np.testing.assert_allclose(
        getattr(_loops, name)(odds, race), getattr(plain, name)(odds, race), rtol=1e-12
    )


@pytest.mark.parametrize("places", [1, 2, 3])
def test_places_are_shared_alike(places: int, form: np.ndarray, race: np.ndarray) -> None:
    win = plain.share_in_race(30 * form[:, 0], race)
    win[race == 9] = 0.0
    arguments = win, np.array([1.0, 0.81, 0.65]), np.full(N, places), race
    np.testing.assert_allclose(
        _loops.placed_in_race(*arguments), plain.placed_in_race(*arguments), rtol=1e-10
    )


def test_ability_is_the_same_posterior(form: np.ndarray, random: np.random.Generator) -> None:
    days = np.sort(random.integers(1, 300, (N, K)), axis=1) + 0.0
    distance = np.log(random.choice([300.0, 400.0, 515.0], (N, K)))
    track, zone = (random.integers(0, 4, (N, K)) + 0.0 for _ in range(2))
    kernel = np.array([0.5, 0.002, 0.05, 0.01, 0.01, 0.05, 0.6, 0.01])
    arguments = (
        form, random.random((N, K)) + 0.1, days, np.tile(np.arange(1.0, K + 1), (N, 1)), distance, track,
        zone, distance[:, 3].copy(), track[:, 3].copy(), zone[:, 3].copy(), kernel,
    )  # fmt: skip
    for mine, theirs in zip(_loops.condition(*arguments), plain.condition(*arguments), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)


def test_an_array_of_the_wrong_length_is_refused_and_never_read_beyond_its_end(form: np.ndarray) -> None:
    race, places = np.zeros(8, np.int64), np.full(8, 3)
    with pytest.raises(ValueError, match="core dimension"):
        _loops.placed_in_race(np.full(8, 0.125), np.array([1.0, 0.8]), places, race)
    with pytest.raises(ValueError, match="core dimension"):
        _loops.condition(*[form] * 7, *[form[:, 0]] * 3, np.ones(7))


def test_more_runs_than_an_estimate_has_room_for_stay_unknown() -> None:
    runs, of_card = np.ones((3, 33)), np.ones(3)
    for known in _loops.condition(*[runs] * 7, *[of_card] * 3, np.ones(8)):
        assert np.isnan(known).all()


def test_usual_effects_are_looked_up_alike(random: np.random.Generator) -> None:
    months, n_ratings = np.array([600.0, 601.0, 604.0]), 6
    by_box = random.normal(size=(3, 5, 9, n_ratings))
    by_course, by_grade = random.normal(size=(3, 5, n_ratings)), random.normal(size=(3, 16, n_ratings))
    by_course[random.random(by_course.shape) < 0.5] = np.nan
    where = [random.integers(0, most, 200) + 0.0 for most in (0, 7, 10, 16) if most]
    where = [random.integers(598, 607, 200) + 0.0, *where]
    where[2][:20] = np.nan
    for mine, theirs in zip(
        _loops.usual_at(*where, months, by_box, by_course, by_grade),
        plain.usual_at(*where, months, by_box, by_course, by_grade),
        strict=True,
    ):
        np.testing.assert_array_equal(mine, theirs)


NAMES_OF_RUN = ("date", "track", "distance_m", "grade", "box", "position_in_running", "time_s", "bsp")
NAMES_OF_RUNNER = ("box", "weight_kg", "rated_price", "early_speed", "form")
RACE_DAY = dt.date(2026, 3, 14)


def some_runs(random: np.random.Generator) -> tuple[PastRun, ...]:
    return tuple(
        PastRun(
            date=RACE_DAY - dt.timedelta(days=int(random.integers(-3, 25))),
            track=str(random.choice(["A", "B"])),
            distance_m=300,
            grade=[None, "Mdn"][random.integers(2)],
            box=[None, 3, 9][random.integers(3)],
            position_in_running=[None, "3", "32", "९९"][random.integers(4)],
            time_s=[None, 17.4][random.integers(2)],
            bsp=4,
        )
        for _ in range(random.integers(0, 20))
    )


@pytest.mark.parametrize("n_places", [6, 12])
def test_a_card_is_read_alike(n_places: int, random: np.random.Generator) -> None:
    window, day = 12, RACE_DAY.toordinal() - 719_163
    courses: dict[tuple[str, int], tuple[float, float]] = {("A", 300): (1.0, 2.0), ("B", 300): (-7.0, 0.0)}
    grades: dict[str | None, float] = {None: 0.0, "Mdn": 1.0}
    usual: Any = [random.normal(size=shape) for shape in [(1,), (1, 5, 9, 2), (1, 5, 2), (1, 16, 2)]]
    race = (674, 2.0, day, 1.0, 300, 1.0, 5)
    runners = [Runner(name="A", box=box, weight_kg=30, form=some_runs(random)) for box in range(1, 201)]
    dogs = []
    for _ in runners:
        days = np.sort(day - random.choice(np.arange(1, 30), random.integers(0, n_places + 1), replace=False))
        runs = random.normal(size=(len(days), 4))
        runs[:, 0] = days
        dogs.append((runs, len(runs) + 3, int(days[0]) if len(days) and random.integers(2) else None))
    shapes = (200, 15), (200, n_places, 4), (200, n_places, 13)
    blocks = [[np.zeros(shape) for shape in shapes] for _ in range(2)]
    counts = [np.zeros((200, 2), np.int64) for _ in range(2)]
    for loops, block, count in zip((_loops, plain), blocks, counts, strict=True):
        given = (runners, dogs, race, NAMES_OF_RUNNER, NAMES_OF_RUN, courses, grades, tuple(usual), window)
        assert loops.read_card(*given, *block, count) is None
    for one, other in zip([*blocks[0], counts[0]], [*blocks[1], counts[1]], strict=True):
        np.testing.assert_array_equal(one, other)
    assert counts[0][:, 1].any()


@pytest.mark.parametrize("loops", [_loops, plain])
def test_a_run_whose_course_was_not_looked_up_stops_the_reading_of_a_card(loops: Any) -> None:
    day = RACE_DAY.toordinal() - 719_163
    unknown = PastRun(date=RACE_DAY - dt.timedelta(days=1), track="C", distance_m=300)
    runners = [Runner(name="A", box=1, form=(unknown,))]
    usual = np.zeros(1), np.zeros((1, 1, 1, 2)), np.zeros((1, 1, 2)), np.zeros((1, 16, 2))
    blocks = np.zeros((1, 15)), np.zeros((1, 6, 4)), np.zeros((1, 6, 13)), np.zeros((1, 2), np.int64)
    dogs, race = [(np.empty((0, 4)), 0, None)], (674, 0.0, day, 1.0, 300, 1.0, 5)
    given: Any = (runners, dogs, race, NAMES_OF_RUNNER, NAMES_OF_RUN, {}, {None: 0.0}, usual, 12)
    assert loops.read_card(*given, *blocks) is unknown


def test_blocks_and_values_that_do_not_fit_are_refused() -> None:
    day = RACE_DAY.toordinal() - 719_163
    wrong = PastRun(date=RACE_DAY - dt.timedelta(days=1), track="A", distance_m=300, time_s="x")  # type: ignore[arg-type]
    usual = np.zeros(1), np.zeros((1, 1, 1, 2)), np.zeros((1, 1, 2)), np.zeros((1, 16, 2))
    blocks = np.zeros((1, 15)), np.zeros((1, 6, 4)), np.zeros((1, 6, 13)), np.zeros((1, 2), np.int64)
    dogs, race = [(np.empty((0, 4)), 0, None)], (674, 0.0, day, 1.0, 300, 1.0, 5)

    def read(form: Any, usual: Any = usual, blocks: Any = blocks) -> None:
        runners = [Runner(name="A", box=1, form=form)]
        courses = {("A", 300): (1.0, 2.0)}
        given: Any = (runners, dogs, race, NAMES_OF_RUNNER, NAMES_OF_RUN, courses, {None: 0.0}, usual, 12)
        _loops.read_card(*given, *blocks)

    with pytest.raises(TypeError):
        read((wrong,))
    with pytest.raises(TypeError, match="must be a date"):
        read((PastRun(date="2026-01-01", track="A", distance_m=300),))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="do not fit its runners"):
        read((), blocks=(np.zeros((1, 14)), *blocks[1:]))
    with pytest.raises(ValueError, match="do not fit each other"):
        read((), usual=(np.zeros(2), *usual[1:]))


@pytest.mark.parametrize("n_runs", [6, 12])
def test_the_tape_of_a_card_gives_what_numpy_gives_bit_for_bit(
    n_runs: int, random: np.random.Generator
) -> None:
    formulas = CardFormulas(7, n_runs, with_runs=True)
    blocks = formulas.card, formulas.affixes, formulas.early, formulas.stored, formulas.brought
    for block in blocks:
        block[...] = random.uniform(1.0, 9.0, block.shape)
        block[random.random(block.shape) < 0.2] = np.nan
    formulas.card[:, CARD_COLUMNS.index("day")] = 20_000.0
    with np.errstate(all="ignore"):
        view = view_of_card(
            formulas.card, formulas.affixes, formulas.early, formulas.stored, formulas.brought
        )
        expected = np.concatenate([feature_matrix(view), run_feature_matrix(view)], axis=1)
    for _ in range(2):
        np.testing.assert_array_equal(formulas.features(), expected)


def test_compiled_formulas_read_their_inputs_anew_at_each_call(random: np.random.Generator) -> None:
    results = np.zeros((2, 3))
    compiled = compile_formulas(
        lambda form, card: [form[:, 0] - card, np.where(card > 0.0, 1.0, card)], [(3, 4), (3,)], results
    )
    for _ in range(2):
        for values in compiled.inputs:
            values[...] = random.normal(size=values.shape)
        form, card = (values.copy() for values in compiled.inputs)
        compiled()
        np.testing.assert_array_equal(results, [form[:, 0] - card, np.where(card > 0.0, 1.0, card)])


def test_without_a_compiler_formulas_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def formulas(form: np.ndarray, card: np.ndarray) -> list[np.ndarray]:
        return [form[:, 0] / card, np.where(card > 2.0, form[:, 1], card)]

    got, expected = np.zeros((2, 3)), np.zeros((2, 3))
    compiled = compile_formulas(formulas, [(3, 2), (3,)], got)
    monkeypatch.setattr(tape, "IS_COMPILED", False)
    plainly = compile_formulas(formulas, [(3, 2), (3,)], expected)
    for values, same in zip(compiled.inputs, plainly.inputs, strict=True):
        values[...] = same[...] = np.arange(values.size).reshape(values.shape)
    plainly()
    monkeypatch.undo()
    compiled()
    assert expected.any()
    np.testing.assert_array_equal(got, expected)


def test_results_may_be_of_several_numbers_a_row_and_lie_apart(random: np.random.Generator) -> None:
    table = np.full((3, 11), np.nan)
    outputs = [table[:, 0], table[:, 1::5][:, :2], table[:, 3::4][:, :2]]
    compiled = compile_formulas(
        lambda form: [form[:, 0] * 2.0, form + 1.0, form - form[:, :1]], [(3, 2)], outputs
    )
    (form,) = compiled.inputs
    form[...] = random.normal(size=form.shape)
    compiled()
    np.testing.assert_array_equal(table[:, 0], form[:, 0] * 2.0)
    np.testing.assert_array_equal(table[:, [1, 6]], form + 1.0)
    np.testing.assert_array_equal(table[:, [3, 7]], form - form[:, :1])
    assert np.isnan(table[:, [2, 4, 5, 8, 9, 10]]).all()


def test_what_is_no_result_and_what_comes_twice_is_not_run() -> None:
    def formulas(form: np.ndarray) -> list[np.ndarray]:
        np.exp(form)  # no result needs it
        return [form[:, 0] + form[:, 1], (form[:, 0] + form[:, 1]) * 2.0]

    compiled = compile_formulas(formulas, [(3, 4)], np.zeros((2, 3)))
    assert compiled._tape.n_steps == 4  # a sum, a product, two copies into results


@pytest.mark.parametrize(
    ("formula", "why"),
    [
        (lambda form: np.add.reduce(form, axis=1), "reduce"),
        (lambda form: np.argsort(form), "argsort"),
        (lambda form: form[[0, 2]], "slices"),
    ],
)
def test_what_cannot_be_compiled_is_refused_when_it_is_recorded(formula: Any, why: str) -> None:
    with pytest.raises(TypeError, match=why):
        compile_formulas(lambda form: [formula(form)], [(3, 4)], np.zeros((1, 3)))


def test_results_that_are_read_no_more_leave_their_memory_to_others(random: np.random.Generator) -> None:
    def formulas(form: np.ndarray) -> list[np.ndarray]:
        total = form
        for place in range(1, 30):  # each step's result is read by the next alone, and the first by the last
            total = np.sqrt(total * total + place)
        return [total, total[:, 1:] - form[:, :1], np.where(form > 0.0, form, total)]

    outputs = [np.empty((3, 4)), np.empty((3, 3)), np.empty((3, 4))]
    compiled = compile_formulas(formulas, [(3, 4)], outputs)
    (form,) = compiled.inputs
    for _ in range(2):
        form[...] = random.normal(size=form.shape)
        before = form.copy()
        compiled()
        for got, expected in zip(outputs, formulas(before), strict=True):
            np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(form, before)
    n_constants = 30
    assert compiled._tape.n_steps > 90
    assert compiled._tape.n_arrays <= n_constants + 4 + 5  # input and outputs, and few for all results
