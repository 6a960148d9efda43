"""How it ages: the loss beside the market's, by week after training ended."""

from training.page.axis import Axis, axis_over
from training.page.charts import Chart
from training.page.content import Ageing, ReportContent
from training.page.markup import Html, element
from training.page.words import beside, figure, interval, note, section, signed


def ageing(content: ReportContent) -> Html:
    """Return the section."""
    of = content.ageing
    return section(
        "ageing",
        "How it ages",
        _lead(of),
        beside(
            _chart(of, content.loss_name) if len(of.weeks) > 1 else element("div"),
            note(
                f"Each dot is one week of test races: the model's {content.loss_name} less that of "
                f"{of.reference}, so that weeks of easy races do not mislead. Whiskers: 95 % interval "
                f"(bootstrap by race). The last day that the model learnt from is {of.last_training_day}; "
                "its ratings of the dogs go on from race to race."
            ),
        ),
    )


def _lead(of: Ageing) -> str:
    if len(of.weeks) < 2:
        return "The test races span fewer than two weeks that say anything: nothing can be said of ageing."
    slope = of.per_four_weeks
    said = f"{interval(slope)} in four weeks"
    if slope.low > 0:
        told = f"and it does: {said}"
    elif slope.high < 0:
        told = f"and it does not, the dots even fall: {said}"
    else:
        told = f"and no trend can be told from chance: {said}"
    return f"Dots that rise to the right would mean that the model ages, {told}."


def _chart(of: Ageing, loss_name: str) -> Html:
    weeks = of.weeks
    ends = [end for week in weeks for end in (week.minus_reference.low, week.minus_reference.high)]
    first, last = weeks[0].number, weeks[-1].number
    step = max(1, (last - first) // 6)
    ticks = tuple((float(n), str(n)) for n in range(first, last + 1, step))
    n_races = sum(week.n_races for week in weeks)
    total = sum(week.minus_reference.difference * week.n_races for week in weeks)
    mean = total / n_races
    alt = f"{loss_name} less that of {of.reference} in {len(weeks)} weeks, mean {signed(mean)}"
    y = axis_over([*ends, mean], n_ticks=4)
    title = "weeks after the last training day"
    chart = Chart(Axis(first - 0.6, last + 0.6, ticks), y, alt, height=220, x_title=title)
    chart.line([first - 0.6, last + 0.6], [mean, mean], "diagonal")
    for week in weeks:
        gap = week.minus_reference
        chart.whisker(week.number, gap.low, gap.high, "model")
        chart.dot(
            week.number,
            gap.difference,
            "model",
            f"week {week.number}: {interval(gap)}, {week.n_races:,} races",
        )
    return figure(chart.html(), f"Dashed: the mean of all weeks, {signed(mean)}.")
