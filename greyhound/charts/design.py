"""The charts, described with Altair: ``make charts`` writes ``specs/*.json`` and ``static/vega.js``.

A chart refers to its values by the name of a data set (``alt.NamedData``); :func:`greyhound.charts.chart`
supplies them when a page is made. What depends on the values (ends of axes, order of rows) follows from them.
More than 300 lines, for every chart of the product is here, one function each.
"""

import json
from collections.abc import Callable
from pathlib import Path

import altair as alt
import vl_convert

HERE = Path(__file__).parent
MODEL, MARKET, PLAIN, SOFT, BAND = (
    "var(--model)",
    "var(--market)",
    "var(--plain)",
    "var(--soft)",
    "var(--band)",
)
FAINT = "color-mix(in srgb, var(--model) 40%, transparent)"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', Arial, sans-serif"

CONFIG = {
    "aria": False,  # the element around the chart has a text for screen readers
    "background": None,
    "font": FONT,
    "padding": {"left": 2, "right": 12, "top": 8, "bottom": 4},
    "view": {"stroke": None, "continuousHeight": 220},
    "axis": {
        "domain": False,
        "ticks": False,
        "gridColor": "var(--line)",
        "labelColor": SOFT,
        "labelFontSize": 12,
        "labelPadding": 6,
        "titleColor": SOFT,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    },
    "axisX": {"grid": False, "labelFlush": False},
    "point": {"filled": True, "size": 60, "stroke": "var(--card)", "strokeWidth": 1, "opacity": 1},
    "line": {"strokeWidth": 1.75, "strokeJoin": "round"},
}


def data(name: str) -> alt.Chart:
    """Return a chart over a data set that is supplied by its name."""
    return alt.Chart(alt.NamedData(name))


def scale(**options: object) -> alt.Scale:
    """Return a scale that ends where its values end, with a little room."""
    return alt.Scale(**{"zero": False, "nice": False, "padding": 8} | options)


def reliability(n_ticks: int = 5, *, titled: bool = True) -> alt.LayerChart:
    """bins: predicted, observed, low, high, runners; diagonal: p at both ends of the axes."""
    exact = scale(padding=0)
    axis = {"format": ".1~%", "tickCount": n_ticks, "grid": True, "labelOverlap": True}
    x = alt.X("predicted:Q", scale=exact).axis(title="win probability" if titled else None, **axis)
    y = alt.Y("observed:Q", scale=exact).axis(
        title="share that won" if titled else None, minExtent=40, **axis
    )
    hover = [
        alt.Tooltip("predicted:Q", format=".1%", title="predicted"),
        alt.Tooltip("observed:Q", format=".1%", title="won"),
        alt.Tooltip("runners:Q", format=",", title="runners"),
    ]
    band = data("bins").mark_area(color=BAND).encode(x=x, y=alt.Y("low:Q", scale=exact), y2="high:Q")
    diagonal = data("diagonal").mark_line(color=SOFT, strokeWidth=1, strokeDash=[4, 4])
    dots = data("bins").mark_point(color=MODEL).encode(x=x, y=y, tooltip=hover)
    return alt.layer(
        band, diagonal.encode(x=alt.X("p:Q", scale=exact), y=alt.Y("p:Q", scale=exact)), dots
    ).properties(height=360 if titled else 120)


def histogram() -> alt.LayerChart:
    """bars: low, high, count; ends: p at both ends of the axis."""
    exact = scale(padding=0)
    x = alt.X("low:Q", scale=exact).axis(title="win probability", format=".1~%", tickCount=5)
    y = alt.Y("count:Q").axis(title="runners", format=",d", tickCount=2, minExtent=40)
    hover = [alt.Tooltip("label:N", title="probability"), alt.Tooltip("count:Q", format=",", title="runners")]
    bars = data("bars").mark_rect(color=MODEL, opacity=0.55, clip=True)
    ends = data("ends").mark_point(opacity=0).encode(x=alt.X("p:Q", scale=exact))
    return alt.layer(ends, bars.encode(x=x, x2="high:Q", y=y, y2=alt.Y2Datum(0), tooltip=hover)).properties(
        height=80
    )


def roc() -> alt.LayerChart:
    """points: losers, winners."""
    exact = scale(padding=0)
    x = alt.X("losers:Q", scale=exact).axis(title="losers taken along", tickCount=5)
    y = alt.Y("winners:Q", scale=exact).axis(title="winners found", tickCount=5, minExtent=40)
    hover = [
        alt.Tooltip("winners:Q", format=".1%", title="winners found"),
        alt.Tooltip("losers:Q", format=".1%", title="losers taken along"),
    ]
    diagonal = (
        data("points")
        .transform_filter("datum.losers == datum.winners && (datum.losers == 0 || datum.losers == 1)")
        .mark_line(color=SOFT, strokeWidth=1, strokeDash=[4, 4])
        .encode(x=x, y=y)
    )
    curve = data("points").mark_line(color=MODEL).encode(x=x, y=y)
    touch = data("points").mark_point(size=200, opacity=0).encode(x=x, y=y, tooltip=hover)
    return alt.layer(diagonal, curve, touch).properties(height=240)


def ageing() -> alt.LayerChart:
    """weeks and expected: week, value, low, high, days, races, figure; mean: value."""
    x = alt.X("week:Q", scale=scale(padding=20)).axis(
        title="weeks after the last training day", tickMinStep=1, format="d"
    )
    y = alt.Y("value:Q", scale=scale()).axis(title=None, tickCount=4)
    hover = [
        alt.Tooltip("days:N", title="days"),
        alt.Tooltip("figure:N", title="difference"),
        alt.Tooltip("races:N", title="races"),
    ]
    weeks, expected = data("weeks"), data("expected")
    return alt.layer(
        data("mean").mark_rule(color=SOFT, strokeDash=[4, 4]).encode(y=alt.Y("value:Q", scale=scale())),
        weeks.mark_rule(color=MODEL, strokeWidth=1.5, opacity=0.7).encode(
            x=x, y=alt.Y("low:Q", scale=scale()), y2="high:Q"
        ),
        weeks.mark_point(color=MODEL).encode(x=x, y=y, tooltip=hover),
        expected.mark_rule(color=MARKET, strokeWidth=1.5, opacity=0.7).encode(
            x=x, y=alt.Y("low:Q", scale=scale()), y2="high:Q"
        ),
        expected.mark_point(color=MARKET, shape="diamond").encode(x=x, y=y, tooltip=hover),
    )


def learning() -> alt.LayerChart:
    """points: races (each twice those before), loss, low, high (null for all races), figure."""
    x = alt.X("races:O").axis(title="training races", labelExpr="format(datum.value, ',')", labelAngle=0)
    y = alt.Y("loss:Q", scale=scale()).axis(title=None, tickCount=4)
    hover = [alt.Tooltip("races:Q", format=",", title="races"), alt.Tooltip("figure:N", title="loss")]
    points = data("points")
    return alt.layer(
        points.mark_line(color=MODEL).encode(x=x, y=y),
        points.transform_filter("isValid(datum.low)")
        .mark_rule(color=MODEL, strokeWidth=1.5, opacity=0.7)
        .encode(x=x, y=alt.Y("low:Q", scale=scale()), y2="high:Q"),
        points.mark_point(color=MODEL).encode(x=x, y=y, tooltip=hover),
    )


def loss_over_cost(title: str) -> alt.LayerChart:
    """points: cost, loss, label_loss (of the name), kind (of ``COST_KINDS``), name, figure, note."""
    room = 150  # pixels at the right, for the names
    in_plot = alt.Scale(type="log", nice=False, rangeMin=14, rangeMax=alt.ExprRef(f"width - {room}"))
    x = alt.X("cost:Q", scale=in_plot).axis(title=title, format="~g", tickCount=4, labelOverlap=True)
    y = alt.Y("loss:Q", scale=scale(padding=14)).axis(
        title=None, tickCount=4, format=".3f", grid=True, minExtent=44
    )
    names = alt.Y("label_loss:Q", scale=scale(padding=14))
    hover = [
        alt.Tooltip("name:N", title="of"),
        alt.Tooltip("figure:N", title="loss"),
        alt.Tooltip("note:N", title="cost"),
    ]

    def look(of: type, values: list[str]) -> object:
        return of("kind:N", legend=None, scale=alt.Scale(domain=list(COST_KINDS), range=values))

    points = data("points")
    at_names = alt.value(alt.expr(f"width - {room - 4}"))
    return alt.layer(
        points.mark_rule(color="var(--line)", strokeWidth=1).encode(x=x, y=y, x2=at_names, y2="label_loss:Q"),
        points.mark_point(size=90).encode(
            x=x,
            y=y,
            fill=look(alt.Fill, [MODEL, "var(--ink)", MARKET]),
            shape=look(alt.Shape, ["circle", "diamond", "square"]),
            tooltip=hover,
        ),
        points.mark_text(align="left", dx=4, fontSize=12, color="var(--ink)").encode(
            x=alt.value(alt.expr(f"width - {room - 4}")), y=names, text="name:N"
        ),
    ).properties(height=260)


COST_KINDS = ("family", "blend", "other")


def search_history() -> alt.LayerChart:
    """trials: trial, loss (cut at the top), state (complete, stopped or above), label; best: trial, loss;
    ends: loss at both ends of the axis.
    """
    x = alt.X("trial:Q", scale=scale(padding=10)).axis(title="trial", tickMinStep=1, format="d", tickCount=5)
    y = alt.Y("loss:Q", scale=scale()).axis(title=None, tickCount=4, minExtent=40)
    states = ["complete", "stopped", "above"]
    look = {"title": None, "legend": None}
    dots = (
        data("trials")
        .mark_point(size=36)
        .encode(
            x=x,
            y=y,
            fill=alt.Fill(
                "state:N", scale=alt.Scale(domain=states, range=[MODEL, "var(--card)", PLAIN]), **look
            ),
            stroke=alt.Stroke(
                "state:N", scale=alt.Scale(domain=states, range=[MODEL, MARKET, PLAIN]), **look
            ),
            shape=alt.Shape(
                "state:N", scale=alt.Scale(domain=states, range=["circle", "circle", "triangle-up"]), **look
            ),
            tooltip=alt.Tooltip("label:N"),
        )
    )
    best = data("best").mark_line(color=MODEL, interpolate="step-after").encode(x=x, y=y)
    ends = data("ends").mark_point(opacity=0).encode(y=y)
    return alt.layer(ends, best, dots).properties(height=130)


def intervals() -> alt.LayerChart:
    """rows: row, figure; bars: row, from, to, label; intervals: row, low, high, label;
    dots: row, value, series, label; reference: value.
    """
    heading = {"condition": {"test": "datum.value[3] == '#'", "value": "bold"}, "value": "normal"}
    y = alt.Y("row:N", sort="ascending", scale=alt.Scale(type="band", paddingInner=0)).axis(
        title=None,
        labelExpr="substring(datum.value, 4)",
        labelFontWeight=heading,
        labelColor="var(--ink)",
        labelLimit=alt.ExprRef("max(110, 0.38 * (containerSize()[0] || 760))"),
        minExtent=0,
    )

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=scale()).axis(title=None, grid=True, tickCount=4, labelOverlap=True)

    looks = {
        "model": (MODEL, MODEL, "circle"),
        "market": (MARKET, MARKET, "circle"),
        "plain": (PLAIN, PLAIN, "circle"),
        "ring": ("var(--card)", MARKET, "circle"),
        "faint": (FAINT, FAINT, "circle"),
        "beyond": (FAINT, FAINT, "triangle-right"),
    }
    names, hover = list(looks), alt.Tooltip("label:N")

    def look(of: type, i: int) -> object:
        return of(
            "series:N", legend=None, scale=alt.Scale(domain=names, range=[one[i] for one in looks.values()])
        )

    figures = data("rows").mark_text(align="left", dx=10, color="var(--ink)", fontSize=12)
    return alt.layer(
        figures.encode(y=y, x=alt.value("width"), text="figure:N"),
        data("reference")
        .mark_rule(color=MODEL, strokeDash=[2, 3], strokeWidth=1.25)
        .encode(x=alt.X("value:Q", scale=scale())),
        data("bars")
        .mark_bar(color=MODEL, opacity=0.55, height=12)
        .encode(y=y, x=x("from"), x2="to:Q", tooltip=hover),
        data("intervals")
        .mark_rule(color="var(--ink)", opacity=0.55, strokeWidth=1.5)
        .encode(y=y, x=x("low"), x2="high:Q", tooltip=hover),
        data("dots")
        .mark_point(size=70)
        .encode(
            y=y,
            x=x("value"),
            fill=look(alt.Fill, 0),
            stroke=look(alt.Stroke, 1),
            shape=look(alt.Shape, 2),
            tooltip=hover,
        ),
    ).properties(padding={"left": 2, "right": 72, "top": 4, "bottom": 4})


def weekly_losses() -> alt.LayerChart:
    """weeks: start, end, week, races and each series in text;
    losses: day, loss, series, stroke (its points are joined).
    """
    names = ["uniform", "market", "model"]
    colour = alt.Color("series:N", legend=None, scale=alt.Scale(domain=names, range=[PLAIN, MARKET, MODEL]))
    utc = alt.Scale(type="utc", nice=False)
    x = alt.X("day:T", scale=utc).axis(title=None, format="%-d %b %y", tickCount=5, labelOverlap=True)
    y = alt.Y("loss:Q", scale=scale()).axis(title=None, tickCount=4, grid=True)
    losses = data("losses")
    strip = (
        data("weeks")
        .mark_rect(color=PLAIN)
        .encode(
            x=alt.X("start:T", scale=utc),
            x2="end:T",
            opacity=alt.condition(
                alt.selection_point(name="hovered", on="pointerover", clear="pointerout", empty=False),
                alt.value(0.12),
                alt.value(0),
            ),
            tooltip=[
                alt.Tooltip(f"{field}:N", title=title)
                for field, title in [
                    ("week", "week of"), ("races", "races"), *((of, of) for of in names[::-1])
                ]
            ],
        )
        .add_params(alt.selection_point(name="hovered", on="pointerover", clear="pointerout", empty=False))
    )  # fmt: skip
    return alt.layer(
        losses.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour, detail="stroke:N"),
        losses.mark_point(size=50).encode(x=x, y=y, color=colour),
        strip,
    ).properties(height=240)


def through_the_clock() -> alt.LayerChart:
    """losses: order, minutes, loss, series (both, market or model), figure, races."""
    names = ["both", "market", "model"]
    colour = alt.Color("series:N", legend=None, scale=alt.Scale(domain=names, range=[PLAIN, MARKET, MODEL]))
    shape = alt.Shape(
        "series:N", legend=None, scale=alt.Scale(domain=names, range=["diamond", "square", "circle"])
    )
    x = alt.X("minutes:O", sort=alt.EncodingSortField("order", op="min")).axis(
        title="minutes to the off", labelAngle=0
    )
    y = alt.Y("loss:Q", scale=scale()).axis(title=None, tickCount=4, grid=True)
    hover = [
        alt.Tooltip("minutes:O", title="minutes to the off"),
        alt.Tooltip("series:N", title="of"),
        alt.Tooltip("figure:N", title="log loss"),
        alt.Tooltip("races:Q", format=",", title="races"),
    ]
    losses = data("losses")
    return alt.layer(
        losses.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour),
        losses.mark_point(size=70).encode(x=x, y=y, color=colour, shape=shape, tooltip=hover),
    ).properties(height=240)


def judged_races() -> alt.LayerChart:
    """races: day, loss, date, track, number, winner, probability, address; mean: loss."""
    x = alt.X("day:T", scale=alt.Scale(type="utc", nice=False, padding=12)).axis(
        title=None, format="%-d %b", tickCount=5, labelOverlap=True
    )
    y = alt.Y("loss:Q", scale=scale()).axis(title="log loss of the race", tickCount=4, grid=True)
    fields = ("date", "track", "race", "winner", "probability", "loss")
    hover = [alt.Tooltip("loss:Q", format=".3f") if of == "loss" else alt.Tooltip(f"{of}:N") for of in fields]
    races = data("races").mark_point(color=MODEL, size=70, cursor="pointer")
    return alt.layer(
        data("mean").mark_rule(color=SOFT, strokeDash=[4, 4]).encode(y=alt.Y("loss:Q", scale=scale())),
        races.encode(x=x, y=y, tooltip=hover, href="address:N"),
    ).properties(height=200)


def bars() -> alt.LayerChart:
    """bars: row, slot (place within the row), name, value, figure, series (ours or warn)."""
    colour = alt.Color(
        "series:N",
        legend=None,
        scale=alt.Scale(domain=["ours", "warn"], range=["var(--model)", "var(--market)"]),
    )
    y = alt.Y("name:N", sort=alt.EncodingSortField("row", op="min")).axis(
        title=None, labelColor="var(--ink)", labelFontSize=13, labelLimit=240, minExtent=150
    )
    offset = alt.YOffset("slot:O")
    x = alt.X("value:Q", scale=alt.Scale(nice=True)).axis(title=None, grid=True, tickCount=4)
    base = data("bars").transform_calculate(end="max(datum.value, 0)").encode(y=y, x=x, yOffset=offset)
    return alt.layer(
        base.mark_bar(opacity=0.75).encode(color=colour),
        base.mark_text(align="left", dx=8, fontSize=12.5, color="var(--ink)").encode(
            x=alt.X("end:Q"), text="figure:N"
        ),
    ).properties(padding={"left": 2, "right": 60, "top": 8, "bottom": 4})


def gap_over_time() -> alt.LayerChart:
    """points: day, gap, low, high, races, figure; zero: value."""
    x = alt.X("day:T", scale=alt.Scale(type="utc", nice=False, padding=8)).axis(
        title=None, format="%-d %b", tickCount=5, labelOverlap=True
    )
    y = alt.Y("gap:Q", scale=scale()).axis(title=None, tickCount=4, grid=True, format="+.3f", minExtent=44)
    hover = [
        alt.Tooltip("day:T", format="%-d %b %Y"),
        alt.Tooltip("figure:N", title="gap"),
        alt.Tooltip("races:Q", format=",", title="races"),
    ]
    points = data("points")
    return alt.layer(
        points.transform_filter("isValid(datum.low)")
        .mark_area(color=BAND, interpolate="linear")
        .encode(x=x, y=alt.Y("low:Q", scale=scale()), y2="high:Q"),
        data("zero").mark_rule(color=MARKET, strokeDash=[4, 4]).encode(y=alt.Y("value:Q", scale=scale())),
        points.mark_line(color=MODEL, strokeWidth=2).encode(x=x, y=y),
        points.mark_point(color=MODEL, size=120, opacity=0).encode(x=x, y=y, tooltip=hover),
    ).properties(height=220)


def rating_over_time() -> alt.LayerChart:
    """points: day, mean, low, high, figure."""
    x = alt.X("day:T", scale=alt.Scale(type="utc", nice=False, padding=8)).axis(
        title=None, format="%b %y", tickCount=3, labelOverlap=True
    )
    y = alt.Y("mean:Q", scale=scale()).axis(title=None, tickCount=3, grid=True, minExtent=32)
    hover = [alt.Tooltip("day:T", format="%-d %b %Y"), alt.Tooltip("figure:N", title="rating")]
    points = data("points")
    return alt.layer(
        points.mark_area(color=BAND).encode(x=x, y=alt.Y("low:Q", scale=scale()), y2="high:Q"),
        points.mark_line(color=MODEL, strokeWidth=2).encode(x=x, y=y),
        points.mark_point(color=MODEL, size=80, opacity=0).encode(x=x, y=y, tooltip=hover),
    ).properties(height=130)


def gain_over_races() -> alt.LayerChart:
    """points: races, gain, low, high, figure; zero: value."""
    x = alt.X("races:Q", scale=scale(padding=0)).axis(
        title="races", tickCount=5, format=",d", labelOverlap=True
    )
    y = alt.Y("gain:Q", scale=scale()).axis(title=None, tickCount=4, grid=True, format="+.3f", minExtent=44)
    hover = [
        alt.Tooltip("races:Q", format=",", title="after races"),
        alt.Tooltip("figure:N", title="gain"),
    ]
    points = data("points")
    return alt.layer(
        points.transform_filter("isValid(datum.low)")
        .mark_area(color=BAND, interpolate="linear")
        .encode(x=x, y=alt.Y("low:Q", scale=scale()), y2="high:Q"),
        data("zero").mark_rule(color=SOFT, strokeDash=[4, 4]).encode(y=alt.Y("value:Q", scale=scale())),
        points.mark_line(color=MODEL, strokeWidth=2).encode(x=x, y=y),
        points.mark_point(color=MODEL, size=120, opacity=0).encode(x=x, y=y, tooltip=hover),
    ).properties(height=200)


def input_shifts() -> alt.LayerChart:
    """cells: day, feature, row (order of the features), shift (0 to 1), psi, missing."""
    x = alt.X("day:O", sort="ascending").axis(
        title=None, labelAngle=0, labelOverlap=True, labelExpr=_DAY_LABEL
    )
    y = alt.Y("feature:N", sort=alt.EncodingSortField("row", op="min")).axis(
        title=None,
        labelColor="var(--ink)",
        labelLimit=alt.ExprRef("max(100, 0.42 * (containerSize()[0] || 760))"),
    )
    hover = [
        alt.Tooltip("feature:N"),
        alt.Tooltip("day:N"),
        alt.Tooltip("psi:N", title="shift (PSI)"),
        alt.Tooltip("missing:N", title="missing"),
    ]
    # one hue, from the card's colour to the market's: a colour and a figure on hover, never colour alone
    cells = data("cells").mark_rect(color=MARKET, stroke="var(--card)", strokeWidth=1)
    opacity = alt.Opacity("shift:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=[0.06, 1]))
    return alt.layer(cells.encode(x=x, y=y, opacity=opacity, tooltip=hover)).properties(height=270)


_DAY_LABEL = "utcFormat(datetime(datum.value), '%-d %b')"

CHARTS: dict[str, Callable[[], alt.LayerChart]] = {
    "reliability": reliability,
    "reliability_small": lambda: reliability(2, titled=False),
    "histogram": histogram,
    "loss_over_seconds": lambda: loss_over_cost("seconds of training"),
    "loss_over_card": lambda: loss_over_cost("milliseconds for a card of eight"),
    "roc": roc,
    "ageing": ageing,
    "learning": learning,
    "search_history": search_history,
    "intervals": intervals,
    "weekly_losses": weekly_losses,
    "through_the_clock": through_the_clock,
    "judged_races": judged_races,
    "bars": bars,
    "gap_over_time": gap_over_time,
    "rating_over_time": rating_over_time,
    "gain_over_races": gain_over_races,
    "input_shifts": input_shifts,
}


def specification(name: str) -> str:
    """Return the JSON of a chart, with the common look and without values."""
    spec = CHARTS[name]().properties(width="container").to_dict(context={"pre_transform": False})
    spec.pop("$schema")  # its address is not for pages that need no network; charts.js names the language
    spec["config"] = CONFIG
    spec.setdefault("autosize", {"type": "fit-x", "contains": "padding"})
    return json.dumps(spec, indent=1, sort_keys=True) + "\n"


LICENCE = f"""\
/*! Vega {vl_convert.get_vega_version()}, Vega-Lite {vl_convert.get_vegalite_versions()[-1]} and Vega-Embed
{vl_convert.get_vega_embed_version()} in one file, made by vl-convert. Copyright (c) 2013-2026 University of
Washington Interactive Data Lab and contributors; BSD 3-Clause License, see vega-LICENSE.txt */
"""


def main() -> None:
    """Write the files."""
    for name in CHARTS:
        (HERE / "specs" / f"{name}.json").write_text(specification(name), encoding="utf-8")
    (HERE / "static/vega.js").write_text(LICENCE + vl_convert.javascript_bundle(), encoding="utf-8")


if __name__ == "__main__":
    main()
