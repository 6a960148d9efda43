"""How to do the same again: the command, the data, the code, the libraries, and the time it took."""

from training.page.content import ReportContent
from training.page.markup import Html, element, join
from training.page.words import duration, plain_table, section


def origin(content: ReportContent) -> Html:
    """Return the section."""
    of = content.origin
    facts = {
        "trained at": str(content.summary["last_trained"]),
        "data hash": of.data_hash,
        "git commit": of.git_commit,
        "feature version": of.feature_version,
        "about few winners": str(content.summary["class_balance"]),
        "calibration": str(content.summary["calibration"]),
        "search": str(content.summary["optimization"]),
    }
    return section(
        "origin",
        "How to do it again",
        "The same command on the same data with the same code and libraries makes the same model.",
        element("pre", element("code", of.command)),
        element(
            "dl",
            [join(element("dt", name), element("dd", element("code", said))) for name, said in facts.items()],
            cls="facts",
        ),
        element(
            "div",
            plain_table(
                "Versions of the libraries", ["library", "version"], [[*pair] for pair in of.versions.items()]
            ),
            plain_table(
                "Time by stage",
                ["stage", "time"],
                [[name, duration(seconds)] for name, seconds in of.seconds.items()],
            ),
            cls="pair",
        ),
    )
