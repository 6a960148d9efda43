"""A single card as the two tables of :mod:`racing.features.view`, and its features by compiled formulas.

A card comes as five blocks of numbers. ``card``, ``affixes`` and ``early`` have a row a runner, with
:data:`CARD_COLUMNS`, :data:`racing.ratings.affixes.AFFIX_COLUMNS` and :data:`EARLY_COLUMNS`. ``stored`` and
``brought``, of shape (n, K, columns), hold the runs of each runner's dog, newest first: place by place either
one that the database holds (:data:`racing.ratings.dog_forms.COLUMNS`) or one that the card brings
(:data:`BROUGHT_COLUMNS`), the other block NaN there. The columns of a stored run that a brought one lacks,
its adjusted performances among them, are derived here; from there on both are one form.
"""

from collections.abc import Iterator
from functools import cache
from threading import Lock
from typing import Any

import numpy as np

from racing.domain.runs import WINDOW, Floats, Form
from racing.features.formulas.run_features import run_columns
from racing.features.matrix import FEATURE_NAMES, INPUT_NAMES, feature_columns
from racing.features.view import RaceView, build_view
from racing.history import lone_market_share
from racing.ops import compile_formulas
from racing.probabilities import n_places
from racing.ratings.affixes import AFFIX_COLUMNS
from racing.ratings.catalog import RATINGS
from racing.ratings.dog_forms import COLUMNS
from racing.ratings.single_run import UsualEffects, performance_columns

OF_RUNNER = ("box", "weight_kg", "rated_price", "early_speed")
"""The attributes of a runner that are read as they are."""
OF_RACE = ("day", "track_id", "distance_m", "grade", "track_code")
CARD_COLUMNS = (*OF_RUNNER, "career_runs", "first_day", *OF_RACE, *UsualEffects.COLUMNS)
"""What :func:`racing.ops.read_card` makes of a runner: levels, and ``RUNNER_COLUMNS`` but those of the next
two blocks."""
EARLY_COLUMNS = ("price_10m",)
"""What a card says of the market before the off."""
ATTRIBUTES = (
    "distance_m", "weight_kg", "finish_position", "time_s", "first_split_s", "margin_lengths",
    "starting_price", "bsp", "rated_price", "early_speed",
)  # fmt: skip
"""The attributes of a run that a card brings which are read as they are."""
READ = ("day", "month", "track_id", "course", "grade", "box", "early_position", *ATTRIBUTES)
"""What :func:`racing.ops.read_card` reads of a run."""
BROUGHT_COLUMNS = (*READ, *UsualEffects.COLUMNS)
_SHORT = 6  # runs: a card shows five or six, and half of the work is saved
USUAL_FIELDS = (6, 7, 8)
"""Runners of most cards; the formulas of other fields are recorded at their first card, in 30 to 80 ms."""
_PLACES = n_places(8)  # of a field whose size nobody knows


def view_of_card(card: Any, affixes: Any, early: Any, stored: Any, brought: Any) -> RaceView:
    """Return the view of one card; the blocks may be arrays or traced."""
    runners = {name: card[:, column] for column, name in enumerate(CARD_COLUMNS)}
    runners |= {name: affixes[:, column] for column, name in enumerate(AFFIX_COLUMNS)}
    runners |= {name: early[:, column] for column, name in enumerate(EARLY_COLUMNS)}
    lone = _form_of_brought({name: brought[:, :, column] for column, name in enumerate(BROUGHT_COLUMNS)})
    form = Form(
        {name: np.where(lone.known, lone[name], stored[:, :, column]) for column, name in enumerate(COLUMNS)}
    )
    return build_view(np.zeros(card.shape[0], np.int64), runners, form)


def _form_of_brought(read: dict[str, Floats]) -> Form:
    """Return the runs that a card brings with all columns of stored ones: as read, or derived."""
    position = read["finish_position"]
    columns = read | {
        "won": np.where(np.isnan(position), np.nan, position == 1),
        "placed": np.where(np.isnan(position), np.nan, position <= _PLACES),
        "n_starters": position * np.nan,
        "market_share": lone_market_share(read["bsp"], read["starting_price"]),
    }
    runs = Form(columns)
    for rating in RATINGS:
        usual = read[f"{rating.name}_box"], read[f"{rating.name}_level"]
        columns = columns | performance_columns(rating, runs, *usual)
    return Form(columns)


class CardFormulas:
    """All features of a card of so many runners, of at most so many runs each.

    With ``with_runs`` the numbers of single runs come behind. Fill the blocks, then call :meth:`features`,
    holding ``lock`` all the while.
    """

    lock = Lock()

    def __init__(self, n_runners: int, n_runs: int, *, with_runs: bool = False) -> None:
        n_columns = len(INPUT_NAMES if with_runs else FEATURE_NAMES)
        self._values = np.full((n_runners, n_columns), np.nan)
        of_runner, of_runs = np.split(self._values, [len(FEATURE_NAMES)], axis=1)
        outputs = [*of_runner.T]
        if with_runs:  # of runs that no card of this length has, all stays unknown
            outputs += [*np.moveaxis(of_runs.reshape(n_runners, WINDOW, -1)[:, :n_runs], 2, 0)]
        self._formulas = compile_formulas(
            _inputs if with_runs else _features,
            (
                (n_runners, len(CARD_COLUMNS)),
                (n_runners, len(AFFIX_COLUMNS)),
                (n_runners, len(EARLY_COLUMNS)),
                (n_runners, n_runs, len(COLUMNS)),
                (n_runners, n_runs, len(BROUGHT_COLUMNS)),
            ),
            outputs,
        )
        self.card, self.affixes, self.early, self.stored, self.brought = self._formulas.inputs

    def features(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Return shape (n_runners, n_features), NaN where unknown, from what the blocks hold."""
        self._formulas()
        return self._values.astype(np.float32)


def _features(*blocks: Any) -> Iterator[Floats]:
    return feature_columns(view_of_card(*blocks))


def _inputs(*blocks: Any) -> Iterator[Floats]:
    view = view_of_card(*blocks)
    yield from feature_columns(view)
    yield from run_columns(view)


def card_formulas(n_runners: int, n_runs: int, *, with_runs: bool = False) -> CardFormulas:
    """Return the formulas for a card's number of runners and longest form, recorded once a process."""
    return _recorded(n_runners, _SHORT if n_runs <= _SHORT else WINDOW, with_runs)


def record_usual_fields(*, with_runs: bool) -> None:
    """Record the formulas of usual fields, so that no card waits for it; half a second, once a process."""
    for n_runners in USUAL_FIELDS:
        for n_runs in (1, WINDOW):
            card_formulas(n_runners, n_runs, with_runs=with_runs)


@cache
def _recorded(n_runners: int, n_runs: int, with_runs: bool) -> CardFormulas:
    return CardFormulas(n_runners, n_runs, with_runs=with_runs)
