"""The class of a race from what its grade is called, in any source's vocabulary.

Australian and New Zealand grades are classes 1 to 15, British and Irish ones 16 to 28: the ratings learn the
level of each class from its own races, which dogs of the other hemisphere never run in.
"""

import re
from functools import lru_cache

from racing.domain.grades import grade_of

UNKNOWN_CLASS = 0
N_CLASSES = 29

# First match counts. The order of the numbers is that of the fields' strength (the ratings' levels of 2025).
_RULES: tuple[tuple[int, str], ...] = (
    (15, r"group|listed"),
    (14, r"free for all|invitation|special"),
    (12, r"^final"),
    (2, r"tier 3|restricted|grade 7"),
    (1, r"maiden|novice|juvenile"),
    (10, r"heat|semi"),
    (4, r"masters|veteran"),
    (13, r"^(grade|mixed) (1|2|3|[123]/[234])$"),
    (11, r"3/4/5|4/5"),
    (7, r"5/6"),
    (6, r"6/7"),
    (9, r"grade 4"),
    (5, r"grade 5"),
    (3, r"grade 6"),
)
_ANY_OTHER_CLASS = 8

# British and Irish grades: the letter is the kind of race (A standard, B middle, D sprint, S staying, H
# hurdles, N Irish novices), the number the strength within it, 1 the best. What is graded apart stands
# beside the standard grade whose dogs are taken to be about as good.
_BRITISH = re.compile(r"(A|B|D|S|H|N|OR|HP)(\d{1,2})?")
_FIRST_OF_LETTER = {"A": 25, "B": 25, "S": 25, "D": 24, "H": 23, "N": 18, "OR": 28}
_STEP_OF_LETTER = {"D": 2, "H": 2}
_LETTER_ALONE = {"B": 21, "D": 21, "S": 24, "H": 22, "OR": 27, "HP": 21}
_LOWEST_BRITISH = 16


@lru_cache(maxsize=4096)
def grade_class(grade: str | None) -> int:
    """Return the class of a grade, 1 (maidens) to 15 (group races), or 16 (A10) to 28 (OR1); 0 where unknown.

    >>> grade_class("Mdn"), grade_class("Grade 5"), grade_class("FFA"), grade_class(None)
    (1, 5, 14, 0)
    >>> grade_class("A11"), grade_class("A4"), grade_class("A1"), grade_class("OR")
    (16, 22, 25, 27)
    """
    name = grade_of(grade or "")
    if name is None:
        return UNKNOWN_CLASS
    if (british := _british_class(name)) is not None:
        return british
    matching = (number for number, pattern in _RULES if re.search(pattern, name.lower()))
    return next(matching, _ANY_OTHER_CLASS)


def _british_class(grade: str) -> int | None:
    found = _BRITISH.fullmatch(grade)
    if found is None:
        return None
    letter, number = found[1], found[2]
    if number is None:
        return _LETTER_ALONE.get(letter)  # a bare A or N is no grade
    if letter == "HP":
        return _LETTER_ALONE[letter]
    if letter == "B" and int(number) > 7:
        return None  # form guides of Australia know a B8
    steps = (int(number) - 1) * _STEP_OF_LETTER.get(letter, 1)
    return min(max(_FIRST_OF_LETTER[letter] - steps, _LOWEST_BRITISH), N_CLASSES - 1)
