"""The columns of a field, and by which its rows are sorted: ``?sort=price``, reversed ``?sort=-price``."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from frontend.race.field import FieldRow

_VALUES: dict[str, tuple[bool, Callable[[FieldRow], Any]]] = {
    "box": (False, lambda row: row.runner.rug),
    "name": (False, lambda row: row.runner.name.casefold()),
    "runs": (True, lambda row: row.runner.n_prior_runs),
    "win": (True, lambda row: row.runner.win_probability),
    "fair": (False, lambda row: row.runner.fair_price),
    "market": (True, lambda row: row.runner.market_probability),
    "price": (False, lambda row: row.price),
    "edge": (True, lambda row: row.edge),
    "stake": (True, lambda row: row.stake),
    "both": (True, lambda row: row.runner.combined_probability),
    "place": (True, lambda row: row.runner.place_probability),
    "finish": (False, lambda row: row.finish.finish_position if row.finish else None),
}
"""Whether a column begins with its largest value, and what it sorts by."""


@dataclass(frozen=True, slots=True)
class Sorting:
    """A column and its direction."""

    column: str = "win"
    is_descending: bool = True

    @property
    def text(self) -> str:
        """Return it as an address has it."""
        return self.column if self.is_descending == _VALUES[self.column][0] else f"-{self.column}"

    def aria(self, column: str) -> str:
        """Return what assistive technology is given for a column's head."""
        return "none" if column != self.column else "descending" if self.is_descending else "ascending"

    def after(self, column: str) -> str:
        """Return what an address has once a column's head is pressed: the same one again reverses it."""
        is_reversed = column == self.column and self.is_descending == _VALUES[column][0]
        return f"-{column}" if is_reversed else column

    def begins(self, column: str) -> str:
        """Return the direction in which a column's head sorts when it is pressed first."""
        return "descending" if _VALUES[column][0] else "ascending"

    def apply(self, rows: Iterable[FieldRow]) -> tuple[FieldRow, ...]:
        """Return rows in this order; those without a value stand last, equals by the model's rank."""
        value = _VALUES[self.column][1]
        ranked = sorted(rows, key=lambda row: row.runner.rank)
        known = sorted(
            (row for row in ranked if value(row) is not None), key=value, reverse=self.is_descending
        )
        return (*known, *(row for row in ranked if value(row) is None))


def sorting_of(text: str) -> Sorting:
    """Return the sorting that an address wants; the likeliest first if it names no column."""
    column = text.removeprefix("-")
    if column not in _VALUES:
        return Sorting()
    begins_largest = _VALUES[column][0]
    return Sorting(column, begins_largest != text.startswith("-"))
