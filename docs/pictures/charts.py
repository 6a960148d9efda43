"""Draw the pictures that show figures: ``python docs/pictures/charts.py`` writes the SVG files beside it.

The figures are those of the report that a first ``make run`` writes (4,000 simulated races) and of
``python -m benchmarks.resampling`` on the same database.
"""

from collections.abc import Iterable
from pathlib import Path

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
"""Mean probability said and share that won, for ten groups of 580 runners."""


def main() -> None:
    """Write the files."""
    for name, picture in {"smote": smote(), "claims": claims(), "reliability": reliability()}.items():
        (HERE / f"{name}.svg").write_text(picture)


def smote() -> str:
    """Return what SMOTE-NC changed, a row a family."""
    left, zero, scale = 170, 250, 6000.0
    parts = [
        '<text class="soft" x="250" y="18" text-anchor="middle">0</text>',
        f'<text class="soft" x="{zero + 0.04 * scale:g}" y="18" text-anchor="middle">+0.04</text>',
        f'<text class="soft" x="{zero + 0.08 * scale:g}" y="18" text-anchor="middle">+0.08 worse</text>',
        *(_line(zero + x * scale, 26, zero + x * scale, 236, "grid") for x in (0.04, 0.08)),
        _line(zero, 26, zero, 236, "line"),
    ]
    for row, (family, (simulated, real)) in enumerate(SMOTE_CHANGES.items()):
        y = 46 + 40 * row
        parts += [
            f'<text x="{left}" y="{y + 9}" text-anchor="end">{family}</text>',
            _bar(zero, zero + simulated * scale, y - 9, "warn"),
            _bar(zero, zero + real * scale, y + 7, "ours"),
            f'<text x="{zero + simulated * scale + 8:g}" y="{y + 3}">{simulated:+.4f}</text>',
            f'<text x="{max(zero, zero + real * scale) + 8:g}" y="{y + 19}">{_signed(real)}</text>',
        ]
    parts.append(_legend(590, 190, (("warn", "simulated races"), ("ours", "real races"))))
    return _svg(860, 250, "What SMOTE-NC changed, with all else the same", parts)


def claims() -> str:
    """Return the F1 that was claimed beside the one that held."""
    parts = []
    for row, (what, f1) in enumerate(CLAIMS):
        y = 16 + 36 * row
        parts += [
            f'<text x="150" y="{y + 16}" text-anchor="end">{what}</text>',
            _bar(164, 164 + 600 * f1, y, "warn" if not row else "ours", 24),
            f'<text x="{172 + 600 * f1:g}" y="{y + 17}">{f1:.3f}</text>',
        ]
    return _svg(860, 160, "F1 claimed by resampling before cross-validation, and what held", parts)


def reliability() -> str:
    """Return what was said beside what happened."""
    parts = []
    for share in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5):
        x, y = _at(share, share)
        parts += [
            _line(x, 20, x, 320, "grid"),
            _line(280, y, 580, y, "grid"),
            f'<text class="soft" x="{x:g}" y="338" text-anchor="middle">{share:.0%}</text>',
            f'<text class="soft" x="272" y="{y + 4:g}" text-anchor="end">{share:.0%}</text>',
        ]
    parts.append(_line(*_at(0, 0), *_at(0.5, 0.5), "line dash"))
    for said, won in RELIABILITY:
        x, y = _at(said, won)
        parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="5"/>')
    parts += [
        '<text x="430" y="360" text-anchor="middle">what was said</text>',
        '<text x="232" y="166" text-anchor="end">what happened</text>',
        '<text class="soft" x="596" y="96">on the line: said as often</text>',
        '<text class="soft" x="596" y="114">as it happened</text>',
    ]
    return _svg(860, 368, "Reliability of the win probabilities", parts)


def _at(said: float, won: float) -> tuple[float, float]:
    return 280 + 600 * said, 320 - 600 * won


def _signed(number: float) -> str:
    return f"{number:+.4f}".replace("-", "−")


def _bar(start: float, end: float, y: float, cls: str, height: float = 13) -> str:
    left, width = min(start, end), max(abs(end - start), 1.0)
    return f'<rect class="{cls}" x="{left:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="2"/>'


def _line(x1: float, y1: float, x2: float, y2: float, cls: str) -> str:
    return f'<line class="{cls}" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"/>'


def _legend(x: float, y: float, entries: Iterable[tuple[str, str]]) -> str:
    return "\n".join(
        f'<rect class="{cls}" x="{x:g}" y="{y + 22 * i:g}" width="13" height="13" rx="2"/>'
        f'<text x="{x + 22:g}" y="{y + 22 * i + 11:g}">{words}</text>'
        for i, (cls, words) in enumerate(entries)
    )


def _svg(width: int, height: int, title: str, parts: Iterable[str]) -> str:
    inner = "\n".join(parts)
    size = f'width="{width + 4}" height="{height + 4}" viewBox="-2 -2 {width + 4} {height + 4}"'
    start = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><title>{title}</title>'
    return f"{start}\n{STYLE}\n{inner}\n</svg>\n"


if __name__ == "__main__":
    main()
