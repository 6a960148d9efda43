"""The front end's charts hold the values of the service's answers, and are drawn under the pages' policy."""

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from frontend.charts import LEAST_RUNNERS, reliability, weekly_losses
from greyhound_client.models import BinOut, ScoreOut


def week(day: str, model: float | None, market: float | None) -> ScoreOut:
    return ScoreOut(
        group=day, name=day, n_races=1, log_loss=model, uniform_log_loss=2.0, top_pick_rate=0.5,
        n_with_market=int(market is not None), log_loss_with_market=model, market_log_loss=market,
    )  # fmt: skip


def test_lines_break_where_weeks_are_missing_or_have_no_market() -> None:
    days = ("2026-03-02", "2026-03-09", "2026-03-16", "2026-03-30", "2026-04-06")
    markets = (1.5, None, 1.4, 1.5, 1.6)
    spec = weekly_losses([week(day, 1.6, market) for day, market in zip(days, markets, strict=True)])
    strokes = {
        series: [len(list(points)) for _, points in groupby(rows, key=lambda row: row["stroke"])]
        for series, rows in groupby(spec["datasets"]["losses"], key=lambda row: row["series"])
    }
    assert strokes == {"uniform": [3, 2], "market": [1, 1, 2], "model": [3, 2]}
    second = spec["datasets"]["weeks"][1]
    assert (second["week"], second["races"]) == ("9 Mar 2026", "1")
    assert (second["model"], second["market"], second["uniform"]) == ("1.6000", "–", "2.0000")
    assert second["start"] < "2026-03-09" < second["end"]


def test_one_week_is_a_chart_too() -> None:
    spec = weekly_losses([week("2026-03-02", 1.6, None)])
    assert [row["series"] for row in spec["datasets"]["losses"]] == ["uniform", "model"]


BINS = st.builds(
    BinOut, n_runners=st.integers(1, 10_000), predicted=st.floats(0, 1), observed=st.floats(0, 1)
)


@given(st.lists(BINS, min_size=1).filter(lambda bins: sum(one.n_runners for one in bins) >= LEAST_RUNNERS))
def test_every_bin_is_within_the_axes_and_in_the_band_where_it_came_true(bins: list[BinOut]) -> None:
    plot = reliability(bins)
    assert plot is not None
    low, top = (end["p"] for end in plot.spec["datasets"]["diagonal"])
    for bin, row in zip(plot.bins, plot.spec["datasets"]["bins"], strict=True):
        assert low <= min(row["low"], row["predicted"], row["observed"])
        assert max(row["high"], row["predicted"], row["observed"]) <= top
        if bin.is_within_chance:
            assert row["low"] - 1e-9 <= row["observed"] <= row["high"] + 1e-9
    assert reliability([]) is None


@given(st.lists(BINS, min_size=1))
def test_fewer_than_200_runners_are_no_curve(bins: list[BinOut]) -> None:
    few = [one.model_copy(update={"n_runners": 199 // len(bins)}) for one in bins]
    assert reliability(few) is None
