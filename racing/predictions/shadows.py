"""What other contestants would have answered to a logged card, as it is stored beside its race."""

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def shadows_by_box(shadows: str, runners: Sequence[tuple[int, str]]) -> str | None:
    """Return the log's shadows of a card as ``predictedrace.shadows`` has them; None if none is whole.

    Parameters
    ----------
    shadows
        As in ``prediction.shadows``: objects with ``version`` and ``win_probability``, a number a runner.
    runners
        Box and status of each runner of the card, in its order.
    """
    starters = sorted((box, i) for i, (box, status) in enumerate(runners) if status == "starter")
    found = {}
    for shadow in json.loads(shadows):
        p = shadow["win_probability"]
        if len(p) == len(runners):
            found[str(int(shadow["version"]))] = [float(p[i]) for _, i in starters]
    return json.dumps(found) if found else None


def read_shadows(shadows: str | None) -> dict[str, NDArray[np.float64]]:
    """Return win probabilities of the starters in the order of their boxes, by version."""
    if not shadows:
        return {}
    return {version: np.array(p, np.float64) for version, p in json.loads(shadows).items()}
