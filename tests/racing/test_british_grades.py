"""British and Irish grades are classes of their own, the stronger the higher; Australia's are as before."""

import gzip
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from racing.domain.classes import N_CLASSES, grade_class
from racing.domain.grades import grade_of
from racing.ratings.catalog import RATINGS
from racing.ratings.effects import Courses, EffectBook, MonthOfEffects
from racing.ratings.single_run import UsualEffects

SAMPLES = Path(__file__).parents[3] / "shared" / "data"


def test_better_grades_are_higher_classes() -> None:
    for grades in (
        [f"A{number}" for number in range(10, -1, -1)],
        ["D5", "D3", "D2", "D1"],
        ["S5", "S4", "S3", "S2", "S1"],
        ["H3", "H2", "H1"],
        ["A1", "OR3", "OR2", "OR1"],
    ):
        assert all(grade_class(one) < grade_class(other) for one, other in pairwise(grades)), grades
    assert grade_class("OR") == grade_class("OR2")
    for grade in ("A11", "A12", "B", "B4", "D", "D4", "S", "S6", "H", "HP", "N3", "OR1"):
        assert 16 <= grade_class(grade) < N_CLASSES, grade


@pytest.mark.skipif(not SAMPLES.exists(), reason="the samples are not on this machine")
def test_no_grade_of_australia_or_new_zealand_is_taken_for_a_british_one() -> None:
    lines = gzip.decompress((SAMPLES / "betfair" / "ANZ_Greyhounds_2025_06.csv.gz").read_bytes())
    grades = {
        re.sub(r"^R\d+ \d+m ", "", line.split(",")[2]) for line in lines.decode("utf-8-sig").splitlines()
    }
    assert len(grades) > 30
    assert {grade for grade in grades if grade_class(grade) > 15} == set()
    for grade in ("B8", "P5", "N", "A", "I", "M", "C1", "NG", "G"):
        assert grade_class(grade) <= 15, grade


def test_tables_of_fewer_classes_still_serve_and_a_later_class_is_any_class() -> None:
    level = np.full(16, np.nan)
    level[5] = 0.5
    month = MonthOfEffects(box=np.zeros((2, 9)), level=level, overall=0.25)
    by_course = MonthOfEffects(box=np.zeros((2, 9)), level=np.zeros(2), overall=0.0)
    book = EffectBook(
        Courses([(1, 400)]),
        np.array([600]),
        {rating.name: ((by_course if rating.by_meeting else month),) for rating in RATINGS},
    )
    month_, course, box = np.full(2, 601.0), np.zeros(2), np.ones(2)
    _, levels = UsualEffects(book).of(month_, course, box, np.array([5.0, float(grade_class("A4"))]))
    by_class = [i for i, rating in enumerate(RATINGS) if not rating.by_meeting]
    np.testing.assert_array_equal(levels[0, by_class], 0.5)
    np.testing.assert_array_equal(levels[1, by_class], 0.25)
    assert grade_of("A 4") == "A4"
