"""What the market says of this very race ten minutes before the off: only for models that may know it."""

from racing.domain.runs import Floats
from racing.features.catalog import feature
from racing.features.formulas.aggregations import (
    gap_to_best,
    log_share,
    log_share_of_prices,
    rank_in_race,
)
from racing.features.formulas.rating_features import market_rating_in_box
from racing.features.view import RaceView


@feature("price", needs="price_10m")
def price_10m_log_share(view: RaceView) -> Floats:
    """Ln of the market's share of the race ten minutes before the off; unknown unless all are known."""
    return view.once("price_10m", lambda: log_share_of_prices(view.price_10m, view.race, view.card.n_runners))


@feature("price", needs="price_10m")
def price_10m_rank(view: RaceView) -> Floats:
    """Rank by the market's price ten minutes before the off, 1 the shortest."""
    return rank_in_race(price_10m_log_share(view), view.race)


@feature("price", needs="price_10m")
def price_10m_gap_to_best(view: RaceView) -> Floats:
    """Ln of the market's share ten minutes before the off less the best rival's."""
    return gap_to_best(price_10m_log_share(view), view.race)


@feature("price", needs="price_10m")
def price_10m_beyond_market_rating(view: RaceView) -> Floats:
    """Ln of the market's share ten minutes before the off less that of the market rating's."""
    return price_10m_log_share(view) - log_share(market_rating_in_box(view), view.race)
