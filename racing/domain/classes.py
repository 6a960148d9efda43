"""The class of a race from what its grade is called, in either source's vocabulary."""

import re
from functools import lru_cache

from racing.domain.grades import grade_of

UNKNOWN_CLASS = 0
N_CLASSES = 16

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


@lru_cache(maxsize=4096)
def grade_class(grade: str | None) -> int:
    """Return the class of a grade, 1 (maidens) to 15 (group races), 0 where unknown.

    >>> grade_class("Mdn"), grade_class("Grade 5"), grade_class("FFA"), grade_class(None)
    (1, 5, 14, 0)
    """
    name = grade_of(grade or "")
    if name is None:
        return UNKNOWN_CLASS
    matching = (number for number, pattern in _RULES if re.search(pattern, name.lower()))
    return next(matching, _ANY_OTHER_CLASS)
