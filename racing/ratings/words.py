"""Words of names: what dogs whose names begin or end alike have shown, as of the first day of each month.

The first or the last word of a greyhound's name is often the mark of its kennel ("Zipping Kyrgios", "Aston
Bale"), and next to all that is known of a dog at its debut. By word, and by rating, two means are learnt:

- *debut*: how far first runs went beyond what the field let expect of an unknown dog (the run's innovation);
- *strength*: what all runs were worth above the mean of their month.

Both are shrunk towards 0 by some runs of nothing (:data:`PRIOR_RUNS`), and hold what the months before a
race's own have taught. A dog's first stored run is its debut only if what is stored is not just beginning:
the first runs of a month in which they are too many teach nothing of debuts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from racing.domain.runs import Flags, Floats, Ints
from racing.ratings.catalog import MARKET, RESULT

RATINGS_OF_WORDS = (MARKET, RESULT)
PRIOR_RUNS = {"debut": 3.0, "strength": 10.0}
"""So many runs that showed nothing are counted in with those of a word."""
SUMS = tuple(
    f"{rating.name}_{what}_{part}" for rating in RATINGS_OF_WORDS for what in PRIOR_RUNS for part in ("n", "sum")
)
"""By rating and mean: how many runs there were, and what they sum up to."""
WORD_COLUMNS = tuple(
    f"{rating.name}_{what}_by_{place}_word"
    for place in ("first", "last")
    for rating in RATINGS_OF_WORDS
    for what in PRIOR_RUNS
)
"""What is known of a runner by its name: the means of its first word, then those of its last."""
_N_MEANS = len(WORD_COLUMNS) // 2
_PRIORS = np.array([PRIOR_RUNS[what] for _ in RATINGS_OF_WORDS for what in PRIOR_RUNS])
_MOST_FIRST_RUNS = 0.05  # of a month's runs; 2 to 4 % in Betfair's months, 12 to 36 % after a gap in the files
MOST_WORDS = 20_000
"""So many go with a model at most, to be used without a database; 35,000 runs a month name 12,000."""
_MONTHS = 1 << 16  # a month since 1970-01 lies below

Words = tuple[str, str]
"""The first and the last word of a name: :func:`racing.domain.outer_words.outer_words`."""


@dataclass(frozen=True, slots=True)
class WordSums:
    """What some months' runs sum up to, by word."""

    words: tuple[str, ...]
    sums: Floats
    """Shape (n_words, len(SUMS))."""

    def document(self) -> dict[str, list[float | int]]:
        """Return the sums of each word as JSON types: of :data:`MOST_WORDS` at most, those of most runs."""
        n_runs = self.sums[:, 0::2].max(axis=1, initial=0.0).tolist()
        most = sorted(range(len(self.words)), key=lambda row: (-n_runs[row], self.words[row]))[:MOST_WORDS]
        return {
            self.words[row]: [int(value) if value.is_integer() else value for value in self.sums[row].tolist()]
            for row in most
        }

    @classmethod
    def of_document(cls, document: Mapping[str, Sequence[float]]) -> "WordSums":
        """Return what :meth:`document` wrote."""
        return cls(tuple(document), np.array(list(document.values()), np.float64).reshape(-1, len(SUMS)))


def sums_of_month(words: Sequence[Words], is_first: Flags, columns: Mapping[str, Floats]) -> WordSums:
    """Return what the runs of one month sum up to, by the words of their dogs' names.

    Parameters
    ----------
    words
        Of each run, in race order.
    is_first
        Whether the run is of its dog's first day.
    columns
        Innovations and fresh worths by the names of :mod:`racing.ratings.performances`, one value a run.
    """
    listed = tuple(sorted({word for both in words for word in both}))
    row = {word: number for number, word in enumerate(listed)}
    rows = np.array([(row[first], row[last]) for first, last in words], np.int64).reshape(-1, 2)
    sums = np.zeros((len(listed), len(SUMS)))
    has_debuts = is_first.sum() <= _MOST_FIRST_RUNS * len(words)
    for number, rating in enumerate(RATINGS_OF_WORDS):
        debut, strength = columns[f"{rating.name}_innovation"], columns[f"{rating.name}_worth"]
        at_debut = is_first & ~np.isnan(debut) & has_debuts
        known = ~np.isnan(strength)
        away = strength - _mean(strength[known])
        for what, (which, values) in enumerate([(at_debut, debut), (known, away)]):
            column = 2 * (len(PRIOR_RUNS) * number + what)
            for place in (0, 1):
                np.add.at(sums[:, column], rows[which, place], 1.0)
                np.add.at(sums[:, column + 1], rows[which, place], values[which])
    return WordSums(listed, sums)


def _mean(values: Floats) -> float:
    """Return the mean, summed term by term."""
    return float(np.cumsum(values)[-1]) / len(values) if len(values) else 0.0


def sums_of_months(months: Iterable[WordSums]) -> WordSums:
    """Return what all months together sum up to."""
    rows: dict[str, int] = {}
    so_far = np.zeros((0, len(SUMS)))
    for found in months:
        so_far = _add(so_far, rows, found)
    return WordSums(tuple(rows), so_far)


def _add(so_far: Floats, rows: dict[str, int], found: WordSums) -> Floats:
    """Return sums with those of another month; words that are new are given a row."""
    which = [rows.setdefault(word, len(rows)) for word in found.words]
    so_far = np.concatenate([so_far, np.zeros((len(rows) - len(so_far), len(SUMS)))])
    so_far[which] += found.sums
    return so_far


class WordBook:
    """The means of every word as of the first day of each month, for look-up by words and month.

    Parameters
    ----------
    months
        By month since 1970-01, ascending: what its runs sum up to.
    """

    def __init__(self, months: Iterable[tuple[int, WordSums]]) -> None:
        self.rows: dict[str, int] = {}
        """Of each word."""
        so_far = np.zeros((0, len(SUMS)))
        keys, means = [np.zeros(0, np.int64)], [np.zeros((0, _N_MEANS), np.float32)]
        for month, found in months:
            so_far = _add(so_far, self.rows, found)
            rows = np.array([self.rows[word] for word in found.words], np.int64)
            keys.append(rows * _MONTHS + month)
            means.append(_means(so_far[rows]))
        every_key = np.concatenate(keys)
        order = np.argsort(every_key)
        self._keys = every_key[order]
        """Word and month, ascending."""
        self._means = np.concatenate(means)[order]
        """What is known after that month; shape (n_keys, means), single precision as features are."""

    def rows_of(self, words: Iterable[Words]) -> Ints:
        """Return the rows of first and last words, shape (n, 2); -1 for a word of which nothing is known."""
        rows = [(self.rows.get(first, -1), self.rows.get(last, -1)) for first, last in words]
        return np.array(rows, np.int64).reshape(-1, 2)

    def of(self, rows: Ints, month: Ints | int) -> Floats:
        """Return :data:`WORD_COLUMNS` as of the beginning of a month, shape (n, len(WORD_COLUMNS)).

        ``month`` is one for all or one a row, since 1970-01. NaN where nothing is known of a word by then.
        """
        keys = rows * _MONTHS + np.asarray(month, np.int64)[..., None]
        place = np.searchsorted(self._keys, keys) - 1
        found = np.full((*rows.shape, _N_MEANS), np.nan)
        is_known = (place >= 0) & (rows >= 0)
        is_known[is_known] = self._keys[place[is_known]] // _MONTHS == rows[is_known]
        found[is_known] = self._means[place[is_known]]
        return found.reshape(len(rows), len(WORD_COLUMNS))


def _means(sums: Floats) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    n_runs, totals = sums[:, 0::2], sums[:, 1::2]
    return np.where(n_runs > 0, totals / (n_runs + _PRIORS), np.nan).astype(np.float32)
