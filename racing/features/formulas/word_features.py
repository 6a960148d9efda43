"""What dogs whose names begin or end alike have shown: next to all that is known of a dog at its debut."""

from racing.domain.runs import Floats
from racing.features.catalog import feature
from racing.features.view import RaceView


@feature("ratings", needs="prices")
def market_debut_by_name(view: RaceView) -> Floats:
    """How far debuts of dogs whose names begin or end alike went beyond the usual, in ln of share."""
    return view.words["market_debut_by_name"]


@feature("ratings", needs="prices")
def market_strength_by_name(view: RaceView) -> Floats:
    """What runs of dogs whose names begin or end alike were worth above the usual by the market rating."""
    return view.words["market_strength_by_name"]


@feature("ratings")
def result_debut_by_name(view: RaceView) -> Floats:
    """How far debuts of dogs whose names begin or end alike went beyond the usual, in result score."""
    return view.words["result_debut_by_name"]


@feature("ratings")
def result_strength_by_name(view: RaceView) -> Floats:
    """What runs of dogs whose names begin or end alike were worth above the usual by the result rating."""
    return view.words["result_strength_by_name"]
