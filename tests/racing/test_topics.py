"""Topics: each feature is about one thing, and its name says which."""

import pytest

from racing.features import FEATURE_NAMES, RUN_FEATURE_NAMES
from racing.features.topics import TOPICS, topic_of


def test_every_feature_has_a_topic_and_every_topic_a_feature() -> None:
    assert {topic_of(name) for name in FEATURE_NAMES} == set(TOPICS)
    assert {topic_of(name) for name in RUN_FEATURE_NAMES} == set(TOPICS) - {
        "rated price",
        "market before the off",
    }


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("market_rating_in_box_minus_rivals", "market rating"),
        ("market_box_effect", "box"),
        ("box", "box"),
        ("early_rating_of_neighbours", "box"),
        ("early_rating_rank", "early pace"),
        ("average_early_position", "early pace"),
        ("best_time_at_course", "times"),
        ("win_rate", "results"),
        ("win_rate_at_track", "class and course"),
        ("wins_beyond_market", "results"),
        ("margin_rating_gap_to_best", "results"),
        ("uncertainty_of_rivals", "class and course"),
        ("days_since_last_run", "fitness"),
        ("run_12_days_ago", "fitness"),
        ("run_1_model_price", "market rating"),
    ],
)
def test_a_name_tells_its_topic(name: str, topic: str) -> None:
    assert topic_of(name) == topic


def test_a_name_that_fits_no_rule_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="'colour'"):
        topic_of("colour")
