"""A chart as an SVG file of its own, for places that run no script; needs vl-convert-python."""

import re
from collections.abc import Sequence
from html import escape

import vl_convert

from greyhound.charts import Spec

COLOURS = """\
svg { --ink: #1a1d21; --soft: #5d6570; --line: #e2e4e4; --card: #ffffff; --model: #0f5fc2; --market: #a6480a;
  --plain: #77808b; --band: #0f5fc21f; }
@media (prefers-color-scheme: dark) { svg { --ink: #e9ebee; --soft: #a2abb6; --line: #2c3138; --card: #1a1d21;
  --model: #6fb0ff; --market: #ff9d5c; --plain: #98a2ae; --band: #6fb0ff26; } }"""
"""The report's colours, as a style sheet for one picture."""
_OPENING = re.compile(r"<svg [^>]*?(width=\"\d+\" height=\"\d+\" viewBox=\"[^\"]+\")>")


def to_svg(spec: Spec, title: str, *, width: int = 760, style: str = f"<style>\n{COLOURS}\n</style>") -> str:
    """Return an SVG document of the given inner width in pixels, with a title that is read aloud."""
    parts = [part | {"width": width} for part in spec.get("vconcat", ())]
    sized = spec | ({"vconcat": parts} if parts else {"width": width})
    picture: str = vl_convert.vegalite_to_svg(sized)
    opening = _OPENING.match(picture)
    assert opening is not None
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {opening[1]} role="img">'
    return f"{head}<title>{escape(title, quote=False)}</title>\n{style}\n{picture[opening.end() :]}\n"


def below_one_another(specs: Sequence[Spec], titles: Sequence[str]) -> Spec:
    """Return one picture of several charts, each with its title above it."""
    parts: list[Spec] = []
    datasets: Spec = {}
    config: Spec = {}
    for i, (spec, title) in enumerate(zip(specs, titles, strict=True)):
        numbered = _rename_data(spec, f"{i}-")
        datasets |= {f"{i}-{name}": rows for name, rows in numbered.pop("datasets").items()}
        config = numbered.pop("config")
        numbered.pop("autosize")
        parts.append(numbered | {"title": {"text": title, "anchor": "start", "color": "var(--ink)"}})
    return {"vconcat": parts, "datasets": datasets, "config": config}


def _rename_data(spec: Spec, prefix: str) -> Spec:
    layers = [
        layer | {"data": {"name": f"{prefix}{layer['data']['name']}"}} if "data" in layer else layer
        for layer in spec["layer"]
    ]
    shared = {"data": {"name": f"{prefix}{spec['data']['name']}"}} if "data" in spec else {}
    return spec | shared | {"layer": layers}
