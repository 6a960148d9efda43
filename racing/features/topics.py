"""What each feature is about, in the language of the track: the topics of an explanation.

A feature's name tells its topic, by the first rule that fits. A new feature whose name fits no rule fails a
test; give it a name that does, or add a pattern to a rule.
"""

import re
from collections.abc import Mapping
from functools import cache

TOPICS: Mapping[str, str] = {
    "market rating": "what the prices of its past races, and of dogs named alike, say of its ability",
    "rated price": "what Betfair's model says of the race itself, for models that may know it",
    "market before the off": "the market's prices of the race itself ten minutes before, for models that may",
    "results": "places, wins and margins",
    "times": "times and speeds over the whole distance",
    "early pace": "first splits, positions at the first call, early speed",
    "box": "where it starts, and who starts beside it",
    "class and course": "grade, track and distance, how they suit it, and the rivals",
    "fitness": "days since and between its runs, their number, and weight",
}
"""By topic what it covers. Exact Shapley values take 2 ** topics evaluations a runner: keep them few."""

_OF_RUN = re.compile(r"^run_\d+_")
_COMPARISON = re.compile(r"_(minus_\w+|rank|gap_to_\w+|log_share)$")
_PATTERNS = (
    ("market before the off", "price_10m"),
    ("results", "beyond_market"),
    ("box", "box_effect|box_change|box_zone|boxes|zone|neighbours?|beside|inside|outside|draw"),
    ("rated price", "rated"),
    ("early pace", "early|splits?|pace|leads?|leaders?|first_call"),
    ("market rating", "market|prices?|bsp|odds"),
    ("times", "times?|speeds?|seconds"),
    ("class and course", "class|grade|track|course|distance|field|rivals?|opposition|opponents?|collateral"),
    ("fitness", "days?|weight|runs_known|layoff|career|starters"),
    ("results", "results?|wins?|won|places?|placed|finish|margins?|performance|form"),
)
# A name that begins with "box" is about the box; "market_rating_in_box" is a rating.
_RULES = (
    ("box", re.compile("box(_|$)")),
    *((topic, re.compile(f"(?:.*_)?(?:{pattern})(?:_|$)")) for topic, pattern in _PATTERNS),
)


def of_all_runs(feature: str) -> str:
    """Return the name of a number of a run without which run it is of: ``run_3_won`` is ``runs_won``."""
    return _OF_RUN.sub("runs_", feature)


@cache
def topic_of(feature: str) -> str:
    """Return the topic of a feature, by its name; compared with its rivals, or of one run, it is the same.

    Raises
    ------
    ValueError
        If no rule fits the name.
    """
    name = _COMPARISON.sub("", _OF_RUN.sub("", feature))
    for topic, rule in _RULES:
        if rule.match(name):
            return topic
    raise ValueError(f"a feature's name must tell its topic, got {feature!r}: see racing.features.topics")
