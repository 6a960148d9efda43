"""The stored form of the cards that were read last: a card comes again as its prices move."""

import datetime as dt
from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock

from racing.features.cards.stored_form import StoredForm

N_CARDS = 320  # a day's races of a continent, 10 MB at most
_Card = tuple[dt.date, tuple[str, ...]]


class RememberedForm:
    """Form by a card's day and dogs; threads may share it."""

    def __init__(self, n_cards: int = N_CARDS) -> None:
        self._n_cards = n_cards
        self._by_card: OrderedDict[_Card, StoredForm] = OrderedDict()
        self._lock = Lock()

    def get(self, date: dt.date, keys: Iterable[str]) -> StoredForm | None:
        """Return the form of a card, which is then the last to be forgotten; None if it is not there."""
        card = date, tuple(keys)
        with self._lock:
            if found := self._by_card.get(card):
                self._by_card.move_to_end(card)
            return found

    def put(self, date: dt.date, keys: Iterable[str], form: StoredForm) -> None:
        """Remember the form of a card; of too many, the one that was wanted longest ago is forgotten."""
        with self._lock:
            self._by_card[date, tuple(keys)] = form
            while len(self._by_card) > self._n_cards:
                self._by_card.popitem(last=False)
