"""A chart as an SVG file of its own, for places that run no script; needs vl-convert-python."""

import re
from html import escape

import vl_convert

from greyhound_charts import Spec

COLOURS = """\
svg { --ink: #1a1d21; --soft: #5d6570; --line: #e2e4e4; --card: #ffffff; --model: #0f5fc2; --market: #a6480a;
  --plain: #77808b; --band: #0f5fc21f; }
@media (prefers-color-scheme: dark) { svg { --ink: #e9ebee; --soft: #a2abb6; --line: #2c3138; --card: #1a1d21;
  --model: #6fb0ff; --market: #ff9d5c; --plain: #98a2ae; --band: #6fb0ff26; } }"""
"""The report's colours, as a style sheet for one picture."""
_OPENING = re.compile(r"<svg [^>]*?(width=\"\d+\" height=\"\d+\" viewBox=\"[^\"]+\")>")


def to_svg(spec: Spec, title: str, *, width: int = 760, style: str = f"<style>\n{COLOURS}\n</style>") -> str:
    """Return an SVG document of the given inner width in pixels, with a title that is read aloud."""
    picture: str = vl_convert.vegalite_to_svg(spec | {"width": width})
    head = f'<svg xmlns="http://www.w3.org/2000/svg" \\1 role="img"><title>{escape(title, quote=False)}</title>'
    return _OPENING.sub(f"{head}\n{style}\n".replace("\\1", r"\g<1>"), picture, count=1) + "\n"
