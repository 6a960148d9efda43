"""The compiled loops give what their numpy twins give, and compiled formulas what numpy works out."""

import datetime as dt
from typing import Any

import numpy as np
import pytest

from racing.domain.cards import PastRun
from racing.features.cards.card_view import CardFormulas, view_of_card
from racing.features.matrix import feature_matrix
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


def test_runs_are_read_alike() -> None:
    columns = ("distance_m", "time_s", "finish_position")
    runs = [
        PastRun(date=dt.date(1969, 12, 31), track="A", distance_m=300, box=9, position_in_running="3"),
        PastRun(
            date=dt.date(2024, 2, 29), track="B", distance_m=515, box=8, position_in_running="32", time_s=29.5
        ),
        PastRun(date=dt.date(2026, 3, 1), track="A", distance_m=300, grade="Mdn", finish_position=2),
        PastRun(date=dt.date(1, 1, 1), track="B", distance_m=515, position_in_running="९९"),
    ]
    courses: dict[tuple[str, int], tuple[float, float]] = {("A", 300): (1.0, 2.0)}
    grades: dict[str | None, float] = {None: 0.0, "Mdn": 1.0}
    read = [np.full((4, 10), -1.0) for _ in range(2)]
    for loops, out in zip((_loops, plain), read, strict=True):
        assert loops.read_runs(runs, columns, courses, grades, out) == 1  # the first that is not known
    courses["B", 515] = (-7.0, 0.0)
    for loops, out in zip((_loops, plain), read, strict=True):
        assert loops.read_runs(runs, columns, courses, grades, out) == -1
    np.testing.assert_array_equal(*read)
    with pytest.raises(TypeError):
        _loops.read_runs([PastRun(date=dt.date(2026, 3, 1), track="A", distance_m=300, time_s="x")], columns,
                         courses, grades, read[0])  # type: ignore[arg-type]  # fmt: skip


@pytest.mark.parametrize("n_runs", [6, 12])
def test_the_tape_of_a_card_gives_what_numpy_gives_bit_for_bit(
    n_runs: int, random: np.random.Generator
) -> None:
    formulas = CardFormulas(7, n_runs)
    for block in (formulas.card, formulas.stored, formulas.brought):
        block[...] = random.uniform(1.0, 9.0, block.shape)
        block[random.random(block.shape) < 0.2] = np.nan
    formulas.card[:, 0] = 20_000.0
    with np.errstate(all="ignore"):
        expected = feature_matrix(view_of_card(formulas.card, formulas.stored, formulas.brought))
    for _ in range(2):
        np.testing.assert_array_equal(formulas.features(), expected)


def test_compiled_formulas_read_their_inputs_anew_at_each_call(random: np.random.Generator) -> None:
    compiled = compile_formulas(
        lambda form, card: [form[:, 0] - card, np.where(card > 0.0, 1.0, card)], (3, 4), (3,)
    )
    for _ in range(2):
        for values in compiled.inputs:
            values[...] = random.normal(size=values.shape)
        form, card = (values.copy() for values in compiled.inputs)
        np.testing.assert_array_equal(compiled(), [form[:, 0] - card, np.where(card > 0.0, 1.0, card)])


def test_without_a_compiler_formulas_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def formulas(form: np.ndarray, card: np.ndarray) -> list[np.ndarray]:
        return [form[:, 0] / card, np.where(card > 2.0, form[:, 1], card)]

    compiled = compile_formulas(formulas, (3, 2), (3,))
    monkeypatch.setattr(tape, "IS_COMPILED", False)
    plainly = compile_formulas(formulas, (3, 2), (3,))
    for values, same in zip(compiled.inputs, plainly.inputs, strict=True):
        values[...] = same[...] = np.arange(values.size).reshape(values.shape)
    expected = plainly()
    monkeypatch.undo()
    np.testing.assert_array_equal(compiled(), expected)


def test_what_is_no_result_and_what_comes_twice_is_not_run() -> None:
    def formulas(form: np.ndarray) -> list[np.ndarray]:
        np.exp(form)  # no result needs it
        return [form[:, 0] + form[:, 1], (form[:, 0] + form[:, 1]) * 2.0]

    assert compile_formulas(formulas, (3, 4))._tape.n_steps == 4  # a sum, a product, two copies into results


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
        compile_formulas(lambda form: [formula(form)], (3, 4))
