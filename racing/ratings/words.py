"""Words of names: what dogs whose names begin or end alike have shown, as of the first day of each month.

The first or the last word of a greyhound's name is often the mark of its kennel ("Zipping Kyrgios", "Aston
Bale"), and next to all that is known of a dog at its debut. By word and state, and by rating, two means are
learnt:

- *debut*: how far first runs went beyond what the field let expect of an unknown dog (the run's innovation);
- *strength*: what runs were worth. A dog's runs weigh less and less, all together less than 1: it is dogs
  that are counted.

Both are taken from the mean of the month, and shrunk towards it by some dogs that were as all are
(:data:`PRIORS`). They hold what the months before a race's own have taught. A dog's first stored run is its
debut only if what is stored is not just beginning: a month in which too many are the first teaches nothing of
debuts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from racing.domain.outer_words import Words
from racing.domain.runs import Floats, Ints
from racing.ratings.catalog import MARKET, RESULT

RATINGS_OF_WORDS = (MARKET, RESULT)
PRIORS = {"debut": 5.0, "strength": 8.0}
"""By mean: so many dogs as all are count in. Fitted on debuts of 2025-04 to 2025-09, as the weights."""
WORD_COLUMNS = tuple(f"{rating.name}_{mean}_by_name" for rating in RATINGS_OF_WORDS for mean in PRIORS)
"""What is known of a runner by its name: the means of its first and its last word, added."""
SUMS = tuple(f"{column}_{part}" for column in WORD_COLUMNS for part in ("weight", "sum"))
"""By column: the weight of what was seen, and the weighted sum."""
MOST_WORDS = 10_000
"""So many go with a model at most, for use without a database: 0.5 MB."""
_PRIOR_WEIGHTS = np.array([weight for _ in RATINGS_OF_WORDS for weight in PRIORS.values()])
_MOST_FIRST_RUNS = 0.08  # of a month's runs; 2 to 4 % in Betfair's months, 12 % and more behind a gap in them
_MONTHS = 1 << 16  # a month since 1970-01 lies below

Means = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class WordSums:
    """What the runs of one month sum up to, by word."""

    words: tuple[str, ...]
    sums: Floats
    """Shape (n_words, len(SUMS))."""


def sums_of_month(words: Sequence[Words], n_before: Floats, columns: Mapping[str, Floats]) -> WordSums:
    """Return what the runs of one month sum up to, by the words of their dogs' names.

    Parameters
    ----------
    words
        Of each run, in race order.
    n_before
        How many runs of the dog came on days before.
    columns
        Innovations and fresh worths by the names of :mod:`racing.ratings.performances`, one value a run.
    """
    listed = tuple(sorted({word for both in words for word in both}))
    row = {word: number for number, word in enumerate(listed)}
    rows = np.array([(row[first], row[last]) for first, last in words], np.int64).reshape(-1, 2)
    sums = np.zeros((len(listed), len(SUMS)))
    is_first = n_before == 0
    has_debuts = is_first.sum() <= _MOST_FIRST_RUNS * len(words)
    fading = 2.0 / ((n_before + 2.0) * (n_before + 3.0))  # of n runs n / (n + 2) in all
    for number, rating in enumerate(RATINGS_OF_WORDS):
        debut, worth = columns[f"{rating.name}_innovation"], columns[f"{rating.name}_worth"]
        seen = {
            "debut": (debut, np.where(is_first & has_debuts, 1.0, 0.0)),
            "strength": (worth, fading),
        }
        for which, (values, weights) in enumerate(seen[mean] for mean in PRIORS):
            _add_up(sums[:, 2 * (number * len(PRIORS) + which) :], rows, values, weights)
    return WordSums(listed, sums)


def _add_up(sums: Floats, rows: Ints, values: Floats, weights: Floats) -> None:
    """Add weights, and values less their mean, to the first two columns of sums, run by run."""
    runs = np.flatnonzero((weights > 0) & ~np.isnan(values))
    if not len(runs):
        return
    away = values[runs] - np.cumsum(values[runs])[-1] / len(runs)
    for place in (0, 1):
        np.add.at(sums[:, 0], rows[runs, place], weights[runs])
        np.add.at(sums[:, 1], rows[runs, place], weights[runs] * away)


class RunningSums:
    """The sums of all months so far."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        """Of each word."""
        self.sums = np.zeros((0, len(SUMS)))

    def add(self, month: WordSums) -> Ints:
        """Add a month, and return the rows of its words."""
        rows = np.array([self.rows.setdefault(word, len(self.rows)) for word in month.words], np.int64)
        self.sums = np.concatenate([self.sums, np.zeros((len(self.rows) - len(self.sums), len(SUMS)))])
        self.sums[rows] += month.sums
        return rows

    def document(self) -> dict[str, list[float]]:
        """Return the means of the words that count most, :data:`MOST_WORDS` at most, as JSON types."""
        weight = self.sums[:, 0::2].max(axis=1, initial=0.0).tolist()
        words = sorted(self.rows, key=lambda word: (-weight[self.rows[word]], word))[:MOST_WORDS]
        means = _means(self.sums[[self.rows[word] for word in words]])
        # the shortest text that gives the same single-precision number again
        return {word: [float(str(value)) for value in row] for word, row in zip(words, means, strict=True)}


class WordBook:
    """The means of every word as of the first day of each month, for look-up by words and month."""

    def __init__(self, rows: dict[str, int], keys: Ints, means: Means) -> None:
        # Before all else stands what is known of a word that nobody has seen.
        self._rows = rows
        self._keys = np.concatenate([[np.iinfo(np.int64).min], keys])
        """Row of the word and month, ascending."""
        self._means = np.concatenate([np.zeros((1, len(WORD_COLUMNS)), np.float32), means])
        """What is known after that month; shape (n_keys, len(WORD_COLUMNS)), single precision as features."""

    @classmethod
    def of_months(cls, months: Iterable[tuple[int, WordSums]]) -> "WordBook":
        """Return what some months' runs tell, given the sums of each, by month since 1970-01, ascending."""
        so_far = RunningSums()
        keys, means = [np.zeros(0, np.int64)], [np.zeros((0, len(WORD_COLUMNS)), np.float32)]
        for month, found in months:
            rows = so_far.add(found)
            keys.append(rows * _MONTHS + month)
            means.append(_means(so_far.sums[rows]))
        every_key = np.concatenate(keys)
        order = np.argsort(every_key)
        return cls(so_far.rows, every_key[order], np.concatenate(means)[order])

    @classmethod
    def of_document(cls, document: Mapping[str, Sequence[float]], month: int) -> "WordBook":
        """Return what :meth:`RunningSums.document` wrote of the months before one: for that and any later."""
        keys = np.arange(len(document)) * _MONTHS + month - 1
        means = np.array(list(document.values()), np.float32).reshape(-1, len(WORD_COLUMNS))
        return cls({word: row for row, word in enumerate(document)}, keys, means)

    def rows_of(self, words: Iterable[Words]) -> Ints:
        """Return the rows of first and last words, shape (n, 2); -1 for a word that nobody has seen."""
        get = self._rows.get
        return np.array([(get(first, -1), get(last, -1)) for first, last in words], np.int64).reshape(-1, 2)

    def of(self, rows: Ints, month: Ints | int) -> Means:
        """Return :data:`WORD_COLUMNS` as of the beginning of a month, shape (n, len(WORD_COLUMNS)).

        ``month`` is one for all or one a row, since 1970-01. A word that nobody had seen by then is as all.
        """
        place = np.searchsorted(self._keys, rows * _MONTHS + np.asarray(month)[..., None]) - 1
        place = np.where(self._keys[place] // _MONTHS == rows, place, 0)
        return self._means[place[:, 0]] + self._means[place[:, 1]]


def _means(sums: Floats) -> Means:
    """Return the shrunk means of words, 0 without a run."""
    return (sums[:, 1::2] / (sums[:, 0::2] + _PRIOR_WEIGHTS)).astype(np.float32)
