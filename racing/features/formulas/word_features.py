"""What dogs whose names begin or end alike have shown: next to all that is known of a dog at its debut."""

from racing.features.catalog import Feature, Formula, add_feature
from racing.ratings.words import PRIOR_RUNS, RATINGS_OF_WORDS

_WHAT = {
    "debut": "How far debuts of dogs with the {place} word of its name went beyond what their rivals let expect",
    "strength": "What runs of dogs with the {place} word of its name were worth above those of all dogs",
}


def _mean_of_word(column: str) -> Formula:
    return lambda view: view.words[column]


for _place in ("first", "last"):
    for _rating in RATINGS_OF_WORDS:
        for _mean in PRIOR_RUNS:
            _name = f"{_rating.name}_{_mean}_by_{_place}_word"
            add_feature(
                Feature(
                    _name,
                    "ratings",
                    f"{_WHAT[_mean].format(place=_place)}, by the {_rating.name} rating.",
                    _mean_of_word(_name),
                    needs="prices" if _rating.needs_prices else "results",
                )
            )
