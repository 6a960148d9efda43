"""The report as one HTML file: its own style and scripts, and nothing from the network."""

import datetime as dt
import json
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from greyhound.charts import SCRIPTS, asset
from model_registry.artifact import ADDS_NOTHING
from training.evaluation import evaluation
from training.evaluation.monotone import MUCH_WORSE
from training.evaluation.slices import MAX_ECE
from training.gates import failed
from training.report import charts, sentences, text
from training.report.content import ReportContent

SECTIONS = {
    "baselines": "Baselines",
    "gates": "Gates",
    "reliability": "Reliability",
    "lift": "By slice",
    "ageing": "Ageing",
    "learning": "Learning curve",
    "features": "Features",
    "monotone": "Better runs",
    "search": "Search",
    "imbalance": "SMOTE-NC",
    "notes": "Notes",
    "origin": "Do it again",
}
"""The text of the link to each section, by its key: ``templates/sections/KEY.html.j2``."""


def render_report(content: ReportContent) -> str:
    """Return the whole page as HTML."""
    return _environment().get_template("report.html.j2").render(
        content=content,
        summary=content.summary,
        evaluation=content.evaluation,
        failed=failed(content.gates),
        name=f"version {content.version}" if content.version is not None else "a trained model",
    ) + "\n"  # fmt: skip


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("training.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (
        "number",
        "signed",
        "percent",
        "interval",
        "with_error",
        "level_with_error",
        "parameter",
        "kind",
        "races_text",
        "duration",
        "among",
    )
    environment.filters |= {name: getattr(text, name) for name in filters}
    environment.filters |= {"breakable": breakable, "data_block": data_block, "days": _days}
    style = files("training.report").joinpath("style.css").read_text(encoding="utf-8")
    environment.globals |= {
        "charts": charts,
        "sentences": sentences,
        "names": evaluation,
        "sections": SECTIONS,
        "MAX_ECE": MAX_ECE,
        "MUCH_WORSE": MUCH_WORSE,
        "adds_nothing": ADDS_NOTHING,
        "style": Markup(style + asset("charts.css")),
        "scripts": [Markup(asset(name)) for name in SCRIPTS],
    }
    return environment


def breakable(name: str) -> Markup:
    """Return a name that may go on in the next line after an underscore."""
    return Markup("_<wbr>").join(escape(part) for part in name.split("_"))


def data_block(value: Any) -> Markup:
    """Return JSON for a ``<script type="application/json">``: nothing in it can end the element."""
    written = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return Markup(written.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _days(window: dict[str, str]) -> int:
    first, last = (dt.date.fromisoformat(window[end]) for end in ("from", "until"))
    return (last - first).days + 1
