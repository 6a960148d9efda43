"""The win probabilities of a race, in Python.

``GREYHOUND_URL=http://localhost:8000 python examples/predict.py``
"""

import os
import sys

from greyhound_client import GreyhoundClient, Problem, Unreachable

RUN = {"date": "2026-03-07", "track": "Sandown Park", "distance_m": 515, "finish_position": 2, "time_s": 29.6}
CARD = {
    "date": "2026-03-14",
    "track": "Sandown Park",
    "distance_m": 515,
    "runners": [
        {"name": "Sir Tick", "box": 1, "price": 2.4, "form": [RUN]},
        {"name": "Nala's Ghost", "box": 2, "price": 3.6},
        {"name": "Quiet Harbour", "box": 4, "price": 3.9},
    ],
}


def main() -> int:
    """Ask for the card's probabilities, and say why the likeliest runner is the likeliest."""
    # The client asks again by itself if the service is overloaded and says when to come back.
    with GreyhoundClient(os.environ.get("GREYHOUND_URL", "http://localhost:8000")) as greyhound:
        try:
            answer = greyhound.predict(CARD, explain=True)
        except Problem as problem:  # the service says no, and why; `problem.errors` names the fields
            print(problem, file=sys.stderr)
            return 1
        except Unreachable as error:
            print(error, file=sys.stderr)
            return 1
    print(f"model version {answer.model_version}{' (simulated races)' if answer.is_simulated else ''}")
    best, *others = sorted(answer.runners, key=lambda runner: runner.rank)
    for runner in (best, *others):
        line = f"{runner.box:2} {runner.name:15} {runner.win_probability:6.1%}  fair {runner.fair_price:6.2f}"
        if runner.market_probability is not None:  # where every runner has a price
            line += f"  market {runner.market_probability:6.1%}"
        print(line)
    if best.explanation:  # with explain=True; the largest contributions come first
        for part in best.explanation.contributions[:3]:
            print(f"   {best.name}: {part.topic} multiplies its odds by {part.multiplies_odds_by:.2f}")
    for warning in answer.warnings:
        print(f"note: {warning.text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
