"""Who comes first and second: the exactas of an answer as a matrix, and the quinellas as its upper half."""

from collections.abc import Mapping
from dataclasses import dataclass

from greyhound_client.models import BetCombinationOut, PredictionOut, RunnerOut

MAX_PAIRS = 90
"""Exactas of ten runners."""
N_LIKELIEST = 5
N_SHADES = 8


@dataclass(frozen=True)
class Pair:
    """The chance of two runners."""

    probability: float
    fair_price: float
    shade: int
    """0 for next to nothing to 8 for the likeliest of its matrix."""


Matrix = tuple[tuple[Pair | None, ...], ...]
"""First by row, second by column; None on the diagonal, and in the lower half of the quinellas."""


@dataclass(frozen=True)
class Pairs:
    """Both matrices, with their runners by number."""

    runners: tuple[RunnerOut, ...]
    exactas: Matrix
    quinellas: Matrix
    likeliest: tuple[BetCombinationOut, ...]
    """Of the exactas."""


def pairs_of(answer: PredictionOut) -> Pairs | None:
    """Return the pairs of an answer; None if the service has not sent every exacta, as an older one."""
    exacta = next((bet for bet in answer.bets or () if bet.bet == "exacta"), None)
    if exacta is None or len(exacta.combinations) < exacta.n_combinations:
        return None
    chances = {(one.rugs[0], one.rugs[1]): one.probability for one in exacta.combinations}
    runners = tuple(
        sorted((one for one in answer.runners if one.status == "starter"), key=lambda one: one.rug)
    )
    either = {
        (first, second): p + chances[second, first]
        for (first, second), p in chances.items()
        if first < second
    }
    rugs = [one.rug for one in runners]
    return Pairs(
        runners, _matrix(rugs, chances), _matrix(rugs, either), tuple(exacta.combinations[:N_LIKELIEST])
    )


def _matrix(rugs: list[int], chances: Mapping[tuple[int, int], float]) -> Matrix:
    highest = max(chances.values())
    return tuple(tuple(_pair(chances.get((first, second)), highest) for second in rugs) for first in rugs)


def _pair(p: float | None, highest: float) -> Pair | None:
    return None if p is None else Pair(p, 1 / max(p, 1e-12), round(N_SHADES * p / highest))
