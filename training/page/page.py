"""The page: one HTML file with its own style, no script, and nothing from the network."""

from importlib.resources import files

from training.page.content import ReportContent
from training.page.markup import Html, element, join
from training.page.sections.ageing import ageing
from training.page.sections.baselines import baselines
from training.page.sections.features import features
from training.page.sections.gates import gates
from training.page.sections.headline import headline
from training.page.sections.imbalance import imbalance
from training.page.sections.learning import learning
from training.page.sections.lift import lift
from training.page.sections.notes import notes
from training.page.sections.origin import origin
from training.page.sections.reliability import reliability
from training.page.sections.search import search

SECTIONS = {
    "baselines": ("Baselines", baselines),
    "gates": ("Gates", gates),
    "reliability": ("Reliability", reliability),
    "lift": ("By slice", lift),
    "ageing": ("Ageing", ageing),
    "learning": ("Learning curve", learning),
    "features": ("Features", features),
    "search": ("Search", search),
    "imbalance": ("SMOTE-NC", imbalance),
    "notes": ("Notes", notes),
    "origin": ("Do it again", origin),
}
"""By key, the link's words and the section."""


def render_report(content: ReportContent) -> str:
    """Return the whole page as HTML."""
    name = f"version {content.version}" if content.version is not None else "a trained model"
    links = [element("a", words, href=f"#{key}") for key, (words, _) in SECTIONS.items()]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"Greyhound: report of {name}"),
        element("style", style()),
    )
    body = element(
        "body",
        headline(content),
        element("nav", links, aria_label="Sections"),
        element("main", [write(content) for _, write in SECTIONS.values()]),
        element("footer", element("p", f"Greyhound, {name}, trained {content.summary['last_trained']}.")),
    )
    return join(Html("<!doctype html>\n"), element("html", head, body, lang="en"), "\n")


def style() -> Html:
    """Return the style sheet."""
    return Html(files("training.page").joinpath("style.css").read_text(encoding="utf-8"))
