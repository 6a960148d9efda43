"""Short honest notes: what the figures mean, and what they do not."""

from training.page.content import ReportContent
from training.page.markup import Html, element
from training.page.words import number, percent, section


def notes(content: ReportContent) -> Html:
    """Return the section."""
    runners, test = content.evaluation.runners, content.summary["data"]["test"]
    told = [
        (
            "Accuracy says nothing here.",
            f"The model's accuracy is {percent(runners.accuracy)}; saying that nobody ever wins scores "
            f"{percent(runners.nobody_wins_accuracy)}, since only {percent(runners.share_of_winners)} of "
            "the runners win. That is why the race log loss decides, and nothing else.",
        ),
        (
            "F1 is low by nature.",
            f"At the natural share of winners its F1 is {number(runners.f1, 3)}; above .5 it would mean a "
            f"leak. Weighing winners and losers even gives {number(runners.balanced_f1, 3)}, but calling "
            "every runner a winner gives .667, so it is read beside the other figures.",
        ),
        (
            "All figures are of later races.",
            f"The test races ({test['from']} to {test['until']}) come after every race that the "
            "judged model learnt, was tuned, blended or calibrated on. Shuffled cross-validation would put a "
            "dog's next race into the training of its last one, and resampling before it would put copies of "
            "a winner on both sides: such figures look splendid and hold nowhere.",
        ),
        (
            "The model was chosen before the test.",
            "Families, parameters, blend and calibration were decided on earlier races; the test races "
            "judged one model, once. "
            + (
                "What serves is the same recipe, with the same parameters, weights and calibration, fitted "
                "again on all races: it can hardly be judged, for it has seen them all, so the figures stay "
                "those of the judged model."
                if content.summary["is_refit"]
                else "The figures are those of the written model that serves."
            ),
        ),
        (
            "Intervals are of these races.",
            "They tell what another draw of such races would change, not what a change of the sport would.",
        ),
    ]
    return section(
        "notes",
        "How to read this honestly",
        "See what each figure can and cannot tell before you compare it with another page's.",
        element(
            "ul", [element("li", element("strong", f"{title} "), text) for title, text in told], cls="notes"
        ),
    )
