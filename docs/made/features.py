"""The page of all features, by the topic under which an explanation tells of them."""

from docs.made.markdown import code, table
from racing.features import FEATURE_VERSION, FEATURES, KNOWS, features_for
from racing.features.catalog import Feature
from racing.features.topics import TOPICS, topic_of

_GROUPS = {
    "card": "the card itself",
    "form": "the dog's own past runs",
    "ratings": "the dog's [ratings](../explanation/ratings.md)",
    "field": "the dog against its rivals in this race",
    "rated": "Betfair's model on this very race",
    "price": "the market on this very race, ten minutes before the off",
}
_NEEDS = {"results": "", "prices": "prices", "rated": "rated price", "price_10m": "price ten minutes before"}
_INTRODUCTION = """
# Features

What a model may see of a runner: {n} numbers, computed by the same code for training and for a card that
the service answers, from the card and from runs **before** race day only. Unknown is NaN, never a guess.
Names are append-only: a changed formula is a new name. A model lists the names that it uses. Feature
version {version}.

They stand here by topic, as explanations tell of them. *From* says where a feature looks: {groups}.

*Needs* says what must be known beside cards and results. A model trained with `--knows results` sees no
feature that needs a price ({n_results} are left), with `--knows form`, the default, those of past prices too
({n_form}), with `--knows rated` those of the rated price too ({n_rated}), with `--knows prices-10m`
in their place those of the market ten minutes before the off ({n_early}).

[How to add one](../how-to/add-a-feature.md) takes ten minutes. This page is made from the catalog at each
build.
"""


def features_page() -> str:
    """Return the page."""
    groups = "; ".join(f"`{name}`: {text}" for name, text in _GROUPS.items())
    counts = {f"n_{knows.replace('prices-10m', 'early')}": len(features_for(knows)) for knows in KNOWS}
    parts = [_INTRODUCTION.format(n=len(FEATURES), version=FEATURE_VERSION, groups=groups, **counts)]
    for topic, meaning in TOPICS.items():
        of_topic = [feature for feature in FEATURES if topic_of(feature.name) == topic]
        rows = [_row(feature) for feature in of_topic]
        parts += [f"## {topic.capitalize()}", f"{len(rows)} features: {meaning}."]
        parts += [table(("feature", "from", "needs", "meaning"), rows)]
    return "\n\n".join(parts)


def _row(feature: Feature) -> tuple[str, ...]:
    meaning = feature.description + (" (A code, not an amount.)" if feature.is_categorical else "")
    return code(feature.name), feature.group, _NEEDS[feature.needs], meaning
