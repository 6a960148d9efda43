"""The gates: each with its sign and its reason in words."""

from training.gates import Gate
from training.page.content import ReportContent
from training.page.markup import Html, element
from training.page.sections.headline import verdict_words
from training.page.words import section


def gates(content: ReportContent) -> Html:
    """Return the section."""
    n_passed = sum(gate.passed for gate in content.gates)
    lead = (
        f"A model may serve by itself only if it passes every gate; this one passed {n_passed} of "
        f"{len(content.gates)}. {verdict_words(content)}"
    )
    return section("gates", "The gates", lead, element("ul", [_gate(g) for g in content.gates], cls="gates"))


def _gate(gate: Gate) -> Html:
    sign, words = ("\N{HEAVY CHECK MARK}", "passed") if gate.passed else ("\N{HEAVY BALLOT X}", "not passed")
    return element(
        "li",
        element("span", sign, cls="mark", role="img", aria_label=words),
        element("div", element("strong", gate.name), element("p", gate.reason)),
        cls="good" if gate.passed else "bad",
    )
