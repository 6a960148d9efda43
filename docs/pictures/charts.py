"""Draw the pictures that show figures: ``make charts`` writes the SVG files beside this one.

The figures are those of the report that a first ``make run`` writes (4,000 simulated races), of
``python -m benchmarks.resampling`` on the same database, and of ``python -m benchmarks.verdicts``. They are
the product's own charts, see :mod:`greyhound.charts`.
"""

from pathlib import Path

from greyhound.charts import Spec, chart
from greyhound.charts.reliability import ReliabilityBin, reliability_chart
from greyhound.charts.svg import to_svg

HERE = Path(__file__).parent

# Every picture has it, those drawn by hand too, to be read beside the sources. The site takes it out.
STYLE = """\
<style>
svg { font-family: system-ui, sans-serif; font-size: 12.5px; color-scheme: light dark; }
text { fill: #1f2328; } .soft { fill: #59636e; } .strong { font-weight: 600; } .tip { fill: #59636e; }
.box { fill: #f3f4f6; stroke: #59636e; } .ours { fill: #ddefe8; stroke: #0f7d55; }
.warn { fill: #f8e9da; stroke: #d9822b; } .dot-warn { fill: #d9822b; } .dot { fill: #0f7d55; }
.line { fill: none; stroke: #59636e; stroke-width: 1.4; } .dash { stroke-dasharray: 5 4; }
.grid { fill: none; stroke: #d5d9de; } .band { fill: #0f7d55; opacity: 0.16; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .soft { fill: #9aa4af; } .box { fill: #1c2228; } .ours { fill: #15362a; }
.warn { fill: #3a2a18; } .grid { stroke: #343b43; } .dot { fill: #a5e6c8; } }
</style>"""

COLOURS = """\
<style>
svg { --ink: #1f2328; --soft: #59636e; --line: #d5d9de; --card: #ffffff; --model: #0f7d55; --market: #d9822b;
  --plain: #59636e; --band: #0f7d5529; }
@media (prefers-color-scheme: dark) { svg { --ink: #e6edf3; --soft: #9aa4af; --line: #343b43; --card: #0d1117;
  --model: #a5e6c8; --band: #a5e6c829; } }
</style>"""
"""The colours of charts in these pictures; the site has its own."""

SMOTE_CHANGES = {
    "Logistic regression": (0.0790, 0.0005),
    "Random forest": (0.0274, 0.0052),
    "Gradient boosting": (0.0234, -0.0055),
    "XGBoost": (0.0202, 0.0047),
    "CatBoost": (0.0198, -0.0062),
}
"""Race log loss with SMOTE-NC less that without, all else the same: simulated races, real ones."""

CLAIMS = (("claimed", 0.912), ("held", 0.232), ("without SMOTE", 0.207), ("nobody wins", 0.0))
"""F1 of one model: on shuffled, resampled rows; on later races; and what it is beside."""

RELIABILITY = (
    (0.0168, 0.0086), (0.0330, 0.0328), (0.0497, 0.0483), (0.0680, 0.0518), (0.0889, 0.0793),
    (0.1121, 0.1157), (0.1392, 0.1500), (0.1801, 0.1831), (0.2488, 0.2483), (0.4436, 0.4621),
)  # fmt: skip
"""Mean probability and share that won, for ten groups of 580 runners."""


FALSE_ALARMS = (
    ("z-test, looked at after each race", 0.572),
    ("z-test, looked at once a day", 0.438),
    ("verdict, looked at after each race", 0.039),
)
"""Of 2,000 experiments without a difference; ``python -m benchmarks.verdicts``, two versions, real races."""

_PER_GROUP = 580
_ROW_PX = 22


def main() -> None:
    """Write the files."""
    pictures = {
        "smote": (smote(), "What SMOTE-NC changed, with all else the same"),
        "claims": (claims(), "F1 claimed by resampling before cross-validation, and what held"),
        "false-alarms": (false_alarms(), "Claims of a difference where there is none"),
        "reliability": (reliability(), "Reliability of the win probabilities"),
    }
    for name, (spec, title) in pictures.items():
        width = 440 if name == "reliability" else 720
        picture = to_svg(spec, title, width=width, style=f"{STYLE}\n{COLOURS}")
        (HERE / f"{name}.svg").write_text(picture, encoding="utf-8")


def smote() -> Spec:
    """Return what SMOTE-NC changed, two bars a family: orange on simulated races, green on real ones."""
    rows = [
        {
            "name": family,
            "row": row,
            "slot": slot,
            "value": value,
            "series": ("warn", "ours")[slot],
            "figure": f"{_signed(value)} {('simulated', 'real races')[slot]}",
        }
        for row, (family, changes) in enumerate(SMOTE_CHANGES.items())
        for slot, value in enumerate(changes)
    ]
    return chart("bars", height=2 * _ROW_PX * len(SMOTE_CHANGES), bars=rows)


def claims() -> Spec:
    """Return the F1 that was claimed beside the one that held."""
    rows = [
        {
            "name": name,
            "row": row,
            "slot": 0,
            "value": f1,
            "series": "ours" if row else "warn",
            "figure": f"{f1:.3f}",
        }
        for row, (name, f1) in enumerate(CLAIMS)
    ]
    return chart("bars", height=1.5 * _ROW_PX * len(CLAIMS), bars=rows)


def false_alarms() -> Spec:
    """Return how often a difference was claimed where there is none."""
    rows = [
        {
            "name": name,
            "row": row,
            "slot": 0,
            "value": share,
            "series": "warn" if name.startswith("z-test") else "ours",
            "figure": f"{share:.0%}",
        }
        for row, (name, share) in enumerate(FALSE_ALARMS)
    ]
    return chart("bars", height=1.5 * _ROW_PX * len(FALSE_ALARMS), bars=rows)


def reliability() -> Spec:
    """Return how often runners won beside their probability."""
    return reliability_chart(ReliabilityBin(predicted, won, _PER_GROUP) for predicted, won in RELIABILITY)


def _signed(number: float) -> str:
    return f"{number:+.4f}".replace("-", "\N{MINUS SIGN}")


if __name__ == "__main__":
    main()
