"""The view of a single card, from the numbers that are filled in for it; recorded on a tape where possible.

A card comes as three blocks of numbers: ``card`` has a row a runner with :data:`CARD_COLUMNS`; ``stored`` and
``brought``, of shape (n, k, columns), hold the runs of each runner's dog, newest first: place by place either
one that the database holds (``racing.ratings.dog_forms.COLUMNS``) or one that the card brings
(:data:`BROUGHT_COLUMNS`), the other block NaN there.
"""

from collections.abc import Mapping
from functools import cache
from threading import Lock
from typing import Any

import numpy as np

from racing.domain.runs import WINDOW, Entries, Floats, FormTable
from racing.features.matrix import FEATURES, feature_matrix
from racing.features.view import RaceView
from racing.history import share_alone
from racing.ops import IS_COMPILED
from racing.ops.tape import Tape
from racing.probabilities import n_places
from racing.ratings.catalog import RATINGS, Rating
from racing.ratings.dog_forms import COLUMNS, FACTS
from racing.ratings.performance_columns import names_of
from racing.ratings.posterior import REVISION_DAYS, FormObservations, days_before
from racing.ratings.single_run import UsualEffects, seen_alone

_OF_CARD = (
    "day", "track_id", "distance_m", "box", "number", "grade", "weight_kg", "rated_price", "early_speed",
    "career_runs", "first_day",
)  # fmt: skip
CARD_COLUMNS = (*_OF_CARD, "track", *UsualEffects.COLUMNS)
SAID = (
    "distance_m", "weight_kg", "finish_position", "time_s", "first_split_s", "margin_lengths",
    "starting_price", "bsp", "rated_price", "early_speed",
)  # fmt: skip
"""What a run that the card brings says as a number."""
READ = ("day", "month", "track_id", "course", "grade", "box", "early_position", *SAID)
"""What :func:`racing.ops.read_runs` makes of a run."""
BROUGHT_COLUMNS = (*READ, *UsualEffects.COLUMNS)
_SHORT = 6  # runs: a card shows five or six, and half of the work is saved
_PLACES = n_places(8)  # of a field whose size nobody knows


def view_of_card(card: Any, stored: Any, brought: Any) -> RaceView:
    """Return the view of one card; the blocks may be arrays or traced."""
    of_card = {name: card[:, column] for column, name in enumerate(CARD_COLUMNS)}
    of_stored = {name: stored[:, :, column] for column, name in enumerate(COLUMNS)}
    of_brought = {name: brought[:, :, column] for column, name in enumerate(BROUGHT_COLUMNS)}
    alone = FormTable(_facts_alone(of_brought))
    is_brought = alone.known
    form = FormTable({name: np.where(is_brought, getattr(alone, name), of_stored[name]) for name in FACTS})
    race = np.zeros(card.shape[0], np.int64)
    entries = Entries(race=race, dog_id=race, **{name: of_card[name] for name in _OF_CARD})
    days_ago = days_before(form, entries)

    def seen(rating: Rating) -> FormObservations:
        usual = (of_brought[f"{rating.name}_{part}"] for part in ("box", "level"))
        brought, known = seen_alone(rating, alone, *usual), _seen_stored(rating, of_stored, days_ago)
        return FormObservations(
            worth=np.where(is_brought, brought.worth, known.worth),
            noise=np.where(is_brought, brought.noise, known.noise),
            shift=np.where(is_brought, brought.shift, known.shift),
            innovation=np.where(is_brought, brought.innovation, known.innovation),
        )

    return RaceView(
        card=entries,
        form=form,
        seen={rating.name: seen(rating) for rating in RATINGS},
        box_effects={rating.name: of_card[f"{rating.name}_box"] for rating in RATINGS},
        track=of_card["track"],
    )


def _facts_alone(said: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return what is known of runs that the card brings: what it says, and what follows."""
    position = said["finish_position"]
    followed = {
        "won": np.where(np.isnan(position), np.nan, position == 1),
        "placed": np.where(np.isnan(position), np.nan, position <= _PLACES),
        "n_starters": position * np.nan,
        "market_share": share_alone(said["bsp"], said["starting_price"]),
    }
    return {name: followed[name] if name in followed else said[name] for name in FACTS}


def _seen_stored(rating: Rating, columns: Mapping[str, Floats], days_ago: Floats) -> FormObservations:
    worths, noises = ([columns[column] for column in part] for part in names_of(rating))
    nothing = columns["day"] * np.nan
    return FormObservations(
        worth=_as_revised(worths, days_ago),
        noise=_as_revised(noises, days_ago),
        shift=columns.get(f"{rating.name}_shift", nothing),
        innovation=columns.get(f"{rating.name}_innovation", nothing),
    )


def _as_revised(values: list[Floats], days_ago: Floats) -> Floats:
    """Return each run's value as it is known so many days later."""
    newest = values[0]
    for days, revised in zip(REVISION_DAYS, values[1:], strict=False):
        newest = np.where(days_ago >= days, revised, newest)
    return newest


class CardFormulas:
    """All features of a card of so many runners, of at most so many runs each.

    Fill the blocks, then ask for the features, holding ``lock`` all the while.
    """

    lock = Lock()

    def __init__(self, n_runners: int, n_runs: int) -> None:
        self.card = np.full((n_runners, len(CARD_COLUMNS)), np.nan)
        self.stored = np.full((n_runners, n_runs, len(COLUMNS)), np.nan)
        self.brought = np.full((n_runners, n_runs, len(BROUGHT_COLUMNS)), np.nan)
        if IS_COMPILED:
            self._values = np.empty((len(FEATURES), n_runners))
            self._tape = Tape()
            with np.errstate(all="ignore"):
                view = view_of_card(*(self._tape.trace(block) for block in self._blocks))
                for feature, values in zip(FEATURES, self._values, strict=True):
                    self._tape.output(feature.formula(view), into=values)
            self._tape.close()

    @property
    def _blocks(self) -> tuple[Floats, Floats, Floats]:
        return self.card, self.stored, self.brought

    def features(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Return shape (n_runners, n_features), NaN where unknown, from what the blocks hold."""
        if not IS_COMPILED:
            return feature_matrix(view_of_card(*self._blocks))
        self._tape.play()
        return self._values.T.astype(np.float32, order="C")


def card_formulas(n_runners: int, n_runs: int) -> CardFormulas:
    """Return the formulas for a card's number of runners and longest form, recorded once a process."""
    return _recorded(n_runners, _SHORT if n_runs <= _SHORT else WINDOW)


@cache
def _recorded(n_runners: int, n_runs: int) -> CardFormulas:
    return CardFormulas(n_runners, n_runs)
