"""The headline: which version, made of what, the verdict, and the figures to remember."""

import datetime as dt

from training.evaluation.evaluation import MARKET, MODEL, UNIFORM
from training.gates import failed
from training.page.content import ReportContent
from training.page.markup import Html, element, join
from training.page.words import among, kind, number, percent, races_text

_KNOWS = {
    "results": "from results alone, without any price",
    "form": "from past races and their prices, without any price of the race itself",
    "rated": "from past races, their prices, and the rated price of the race itself",
}


def headline(content: ReportContent) -> Html:
    """Return the page's head."""
    summary = content.summary
    number_of = f"Version {content.version}" if content.version is not None else "A trained model"
    return element(
        "header",
        element("p", "Greyhound \N{MIDDLE DOT} report of a training", cls="kicker"),
        element("h1", f"{number_of}: {kind_of(content)}"),
        _simulated(float(summary["simulated_share"])),
        _verdict(content),
        element("p", made_of(content), cls="lead"),
        _timeline(content),
        element("dl", [_card(*card) for card in key_figures(content)], cls="cards"),
    )


def verdict_words(content: ReportContent) -> str:
    """Return the verdict as a sentence says it."""
    failures = [gate.name for gate in failed(content.gates)]
    said = f"did not pass {among(failures)}" if failures else f"passed all {len(content.gates)} gates"
    match content.standing:
        case "promoted":
            return f"Promoted: {said}."
        case "promoted by force":
            return f"Promoted by force: {said}."
        case "challenger":
            return f"Registered as challenger, the champion stays: {said}."
        case "held back":
            return f"Held back: {said}."
        case "undecided":
            return f"{said[0].upper()}{said[1:]}."


def key_figures(content: ReportContent) -> list[tuple[str, str, str]]:
    """Return name, figure and what to hold it against, for the cards."""
    evaluation, runners = content.evaluation, content.evaluation.runners
    if content.loss_name != "race log loss":
        return [
            (
                "Log loss per runner",
                number(runners.log_loss),
                f"base rate {number(runners.base_rate_log_loss)}",
            ),
            ("AUC", number(runners.auc, 3), "0.5 is a coin"),
            (
                "Calibration error",
                number(runners.ece),
                f"chance alone: up to {number(content.ece_by_chance)}",
            ),
        ]
    races, beside = evaluation.races, evaluation.beside_market
    model = races[MODEL]
    cards = [
        ("Race log loss", number(model.race_log_loss), f"uniform {number(races[UNIFORM].race_log_loss)}")
    ]
    if evaluation.market_information is not None:
        cards.append(
            (
                "Market information",
                percent(evaluation.market_information),
                "of the way from uniform to the market",
            )
        )
    if evaluation.truth_covered is not None:
        cards.append(
            ("Truth covered", percent(evaluation.truth_covered), "of the way to the simulator's own odds")
        )
    market = beside[MARKET] if beside is not None and MARKET in beside else None
    of_market = f", the market's {percent(market.top_pick_rate)}" if market else ""
    return [
        *cards,
        ("AUC", number(model.auc, 3), f"market {number(market.auc, 3)}" if market else "0.5 is a coin"),
        ("Calibration error", number(model.ece), f"chance alone: up to {number(content.ece_by_chance)}"),
        (
            "Top pick wins",
            percent(model.top_pick_rate),
            f"a random one {percent(races[UNIFORM].top_pick_rate)}{of_market}",
        ),
    ]


def kind_of(content: ReportContent) -> str:
    """Return what was chosen, e.g. ``Ensemble of 5 families``."""
    chosen = next(candidate.name for candidate in content.candidates if candidate.is_chosen)
    families = list(dict.fromkeys(kind(name) for name, _ in content.members))
    return f"{kind(chosen)} of {len(families)} families" if len(families) > 1 else kind(chosen)


def made_of(content: ReportContent) -> str:
    """Return what it is made of, what it learnt from and what it is judged on, in sentences."""
    families = list(dict.fromkeys(kind(name) for name, _ in content.members))
    made = f"A blend of {among(families)}. " if len(families) > 1 else ""
    summary = content.summary
    learnt, test = summary["learnt"], summary["data"]["test"]
    return (
        f"{made}Learnt from {races_text(learnt)} with {learnt['runners']:,} runners and "
        f"{summary['features']} features, {_KNOWS[content.knows]}. {summary['judgement']} The judged model "
        f"and its search had seen none of those {races_text(test)}."
    )


def simulated_words(share: float) -> str:
    """Return what a reader must know of simulated races; empty where there are none."""
    if not share:
        return ""
    what = "All races are" if share == 1 else f"{percent(share, 0)} of the runners are"
    return f"{what} made up by the simulator: no real dog, no real price. They tell nothing of real ones."


def _simulated(share: float) -> Html | None:
    text = simulated_words(share)
    return element("p", element("strong", "SIMULATED. "), text, cls="banner", role="note") if text else None


def _verdict(content: ReportContent) -> Html:
    passed = not failed(content.gates)
    mark = "\N{HEAVY CHECK MARK}" if passed else "\N{HEAVY BALLOT X}"
    words = element("span", verdict_words(content))
    sign = element("span", mark, aria_hidden="true", cls="mark")
    return element("p", sign, words, cls=f"verdict {'good' if passed else 'bad'}")


def _timeline(content: ReportContent) -> Html:
    """Return the three parts side by side, as wide as they are long."""
    use_of_test = "judge, then learn" if content.summary["is_refit"] else "judge"
    parts = (("search, learn", "train"), ("calibrate, choose, learn", "calibration"), (use_of_test, "test"))
    entries = []
    for words, name in parts:
        part = content.summary["data"][name]
        first, last = dt.date.fromisoformat(part["from"]), dt.date.fromisoformat(part["until"])
        days = (last - first).days + 1
        entries.append(
            element(
                "li",
                element("strong", words),
                element("span", f"{first} to {last}"),
                element("span", races_text(part)),
                cls=name,
                style=f"flex-grow:{days}",
            )
        )
    return element("ol", entries, cls="timeline", aria_label="The parts of the data, in the order of time")


def _card(name: str, figure: str, beside: str) -> Html:
    return element(
        "div", element("dt", name), element("dd", join(element("b", figure), element("span", beside)))
    )
