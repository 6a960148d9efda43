"""A Markdown extension: in the site, pictures follow the colour scheme that the reader chose."""

import re
from pathlib import Path
from typing import Any

from markdown import Extension, Markdown
from markdown.postprocessors import Postprocessor

PICTURES = Path(__file__).parents[1] / "pictures"
_PICTURE = re.compile(
    r'<p><img alt="[^"]*" src="[./]*pictures/(\w+)\.svg" ?/?></p>\s*<p><em>(.*?)</em></p>', re.DOTALL
)
_STYLE = re.compile(r"<style>.*?</style>\n?", re.DOTALL)


class InlinePictures(Extension):
    """Draws pictures of ``docs/pictures`` inline, by the site's colours, each with its caption."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Replace the pictures in the finished HTML of a page."""
        md.postprocessors.register(_Pictures(md), "inline_pictures", 0)


class _Pictures(Postprocessor):
    def run(self, text: str) -> str:
        return _PICTURE.sub(lambda found: _figure(found[1], found[2]), text)


def makeExtension(**options: Any) -> InlinePictures:  # noqa: N802
    """Return the extension, as Python-Markdown asks for it."""
    return InlinePictures(**options)


def _figure(name: str, caption: str) -> str:
    drawn = _STYLE.sub("", (PICTURES / f"{name}.svg").read_text(encoding="utf-8"))
    return f'<figure class="picture">\n{drawn}<figcaption>{caption}</figcaption>\n</figure>'
