"""The figures beside the baselines: uniform ... model ... market on one axis, then a table."""

from model_registry.artifact import ADDS_NOTHING
from training.evaluation.evaluation import COMBINED, MARKET, MODEL, TRUTH, UNIFORM, Comparison, Figures
from training.evaluation.places import PlaceComparison
from training.page.axis import axis_over
from training.page.content import ReportContent
from training.page.markup import Html, element
from training.page.rows import Mark, Row, rows_chart
from training.page.words import interval, note, number, percent, plain_table, section

_EXPLAINED = {
    UNIFORM: "knows only the number of runners",
    "box only": "knows only the boxes",
    "rated price": "a professional's price, before the race",
    MARKET: "the closing prices",
    TRUTH: "what the simulator drew the winner from",
    COMBINED: "this model and the closing prices",
}


def baselines(content: ReportContent) -> Html:
    """Return the section."""
    evaluation = content.evaluation
    if content.loss_name != "race log loss":
        return section("baselines", "Beside the baselines", _lead_by_runner(content), _by_runner(content))
    races, beside = evaluation.races, evaluation.beside_market
    shown = beside or races
    tables = [_table(races, f"All {races.n_races:,} whole races with one winner")]
    if beside is not None:
        with_prices = _table(beside, f"The {beside.n_races:,} whole races where every price is known")
        tables = [with_prices, *(tables if beside.n_races != races.n_races else [])]
    return section(
        "baselines",
        "Beside the baselines",
        _lead(content),
        _axis_chart(shown),
        note(
            "The whisker of a row is the 95 % interval of its difference from the model (bootstrap by race, "
            "paired): where it keeps clear of the model's upright line, the difference is no chance."
        ),
        _market_alone(content),
        *tables,
        note(
            "Race log loss: minus the log of the probability that the winner had been given, mean over "
            "races. Brier: mean squared error by runner. ECE: mean gap between what was said and what "
            "happened, ten bins. Top pick: how often the likeliest runner won."
        ),
        _places(evaluation.places),
    )


def _market_alone(content: ReportContent) -> Html | None:
    if not content.is_market_alone:
        return None
    return note(
        f"Combined with the market, {ADDS_NOTHING}: on these later races the combination that was best on "
        "the calibration races did not beat the market by a standard error. So the combined "
        "probability is the market's."
    )


def _places(places: PlaceComparison | None) -> Html | None:
    if places is None:
        return None
    return plain_table(
        f"Being placed, {places.n_runners:,} runners of {places.n_races:,} races",
        ["", "log loss", "Brier", "ECE", "model less this [95 %]"],
        [
            [
                row.name,
                number(row.log_loss),
                number(row.brier),
                number(row.ece),
                "" if row is places.rows[0] else interval(row.model_minus_this),
            ]
            for row in places.rows
        ],
        [row is places.rows[0] for row in places.rows],
    )


def _lead(content: ReportContent) -> str:
    evaluation = content.evaluation
    model, uniform = evaluation.races[MODEL].race_log_loss, evaluation.races[UNIFORM].race_log_loss
    if evaluation.market_information is not None:
        return (
            "See where the model's dot stands between knowing nothing (uniform) and the closing market, "
            f"smaller being better: it has covered {percent(evaluation.market_information)} of the way."
        )
    return (
        "See how far the model's dot lies below uniform, which knows only the number of runners: "
        f"{number(model)} against {number(uniform)}. No market prices are known for these races."
    )


def _axis_chart(comparison: Comparison) -> Html:
    model = comparison[MODEL].race_log_loss
    ordered = sorted(comparison.rows, key=lambda row: -row.race_log_loss)
    spans = [_span(row, model) for row in ordered]
    axis = axis_over([end for span in spans for end in span], n_ticks=4)
    rows = [
        Row(
            name=_name(row),
            marks=[Mark(row.race_log_loss, _cls(row.name), f"{row.name}: {number(row.race_log_loss)}")],
            whisker=None if row.name == MODEL else span,
            figures=[
                number(row.race_log_loss),
                "" if row.name == MODEL else interval(row.model_minus_this),
            ],
            cls="marked" if row.name == MODEL else "",
        )
        for row, span in zip(ordered, spans, strict=True)
    ]
    return rows_chart(
        rows,
        axis,
        caption=f"Race log loss on the same {comparison.n_races:,} races, smaller is better",
        heads=["", "race log loss", "", "model less this [95 %]"],
        reference=model,
    )


def _span(row: Figures, model: float) -> tuple[float, float]:
    """Return where a source may stand beside the model as it stands."""
    gap = row.model_minus_this
    return model - gap.high, model - gap.low


def _cls(name: str) -> str:
    return {MODEL: "model", MARKET: "market", TRUTH: "market"}.get(name, "plain")


def _name(row: Figures) -> Html:
    said = _EXPLAINED.get(row.name)
    name = "this model" if row.name == MODEL else row.name
    return element("span", name, element("small", said) if said else None)


def _table(comparison: Comparison, caption: str) -> Html:
    return plain_table(
        caption,
        ["", "race log loss", "AUC", "Brier", "ECE", "top pick"],
        [
            [
                row.name,
                number(row.race_log_loss),
                number(row.auc, 3),
                number(row.brier),
                number(row.ece),
                percent(row.top_pick_rate),
            ]
            for row in comparison.rows
        ],
        [row.name == MODEL for row in comparison.rows],
    )


def _lead_by_runner(content: ReportContent) -> str:
    runners, n_races = content.evaluation.runners, content.evaluation.races.n_races
    return (
        f"Only {n_races} test races are whole, so runners are judged one by one: log loss "
        f"{number(runners.log_loss)} against {number(runners.base_rate_log_loss)} of the base rate."
    )


def _by_runner(content: ReportContent) -> Html:
    judged = [("every runner", content.evaluation.runners)]
    if content.evaluation.known_runners is not None:
        judged.append(("runners with a run before", content.evaluation.known_runners))
    return plain_table(
        "Single runners at their natural share of winners",
        ["", "runners", "log loss", "base rate's", "AUC", "Brier", "ECE", "balanced F1"],
        [
            [
                name,
                f"{of.n_runners:,}",
                number(of.log_loss),
                number(of.base_rate_log_loss),
                number(of.auc, 3),
                number(of.brier),
                number(of.ece),
                number(of.balanced_f1, 3),
            ]
            for name, of in judged
        ],
    )
