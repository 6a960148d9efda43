"""What Betfair's own models say of this very race, before it: only for models that may know it."""

import numpy as np

from racing.domain.runs import Floats
from racing.features.catalog import feature
from racing.features.formulas.aggregations import (
    fill_nan,
    first,
    gap_to_best,
    log_share,
    log_share_of_prices,
    minus_rivals,
    rank_in_race,
    weighted_mean,
)
from racing.features.formulas.rating_features import market_rating_in_box
from racing.features.view import RaceView


@feature("rated", needs="rated")
def rated_log_share(view: RaceView) -> Floats:
    """Ln of the share of the race that the rated prices give; unknown unless all are known."""
    price = view.card.rated_price
    return view.once("rated", lambda: log_share_of_prices(price, view.race, view.card.n_runners))


@feature("rated", needs="rated")
def rated_rank(view: RaceView) -> Floats:
    """Rank by rated price in the race, 1 the shortest."""
    return rank_in_race(rated_log_share(view), view.race)


@feature("rated", needs="rated")
def rated_gap_to_best(view: RaceView) -> Floats:
    """Ln of the rated share less the best rival's."""
    return gap_to_best(rated_log_share(view), view.race)


@feature("rated", needs="rated")
def rated_beyond_market_rating(view: RaceView) -> Floats:
    """Ln of the rated share less that of the market rating's."""
    return rated_log_share(view) - log_share(market_rating_in_box(view), view.race)


def _market_beyond_rated(view: RaceView) -> Floats:
    # a model's prices carry no margin: their inverse is a share as it stands
    return view.once("beyond_rated", lambda: np.log(view.form.market_share) + np.log(view.form.rated_price))


@feature("rated", needs="rated")
def last_market_beyond_rated(view: RaceView) -> Floats:
    """Ln of the market's share less the rated price's in the last run."""
    return first(_market_beyond_rated(view))


@feature("rated", needs="rated")
def market_beyond_rated(view: RaceView) -> Floats:
    """The same over the form, halving every three runs back: what the price lacks."""
    return weighted_mean(_market_beyond_rated(view), 3.0)


@feature("rated", needs="rated")
def market_beyond_rated_minus_rivals(view: RaceView) -> Floats:
    """The same less the mean of its rivals'."""
    return minus_rivals(market_beyond_rated(view), view.race)


@feature("rated", needs="rated")
def rated_share_corrected(view: RaceView) -> Floats:
    """Ln of the rated share, with what the market saw beyond it in the form."""
    return log_share(rated_log_share(view) + fill_nan(market_beyond_rated(view), 0.0), view.race)


@feature("rated", needs="rated")
def early_speed(view: RaceView) -> Floats:
    """Betfair's early speed, 0 to 1."""
    return view.card.early_speed


@feature("rated", needs="rated")
def early_speed_minus_rivals(view: RaceView) -> Floats:
    """Betfair's early speed less the mean of its rivals'."""
    return minus_rivals(view.card.early_speed, view.race)


@feature("rated", needs="rated")
def early_speed_rank(view: RaceView) -> Floats:
    """Rank by Betfair's early speed in the race, 1 the fastest out."""
    return rank_in_race(view.card.early_speed, view.race)
