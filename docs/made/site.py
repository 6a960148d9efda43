"""A hook of MkDocs: in the site, pictures follow the colour scheme that the reader chose."""

import re
from pathlib import Path
from typing import Any

PICTURES = Path(__file__).parents[1] / "pictures"
_PICTURE = re.compile(
    r'<p><img alt="[^"]*" src="[./]*pictures/(\w+)\.svg" ?/?></p>\s*<p><em>(.*?)</em></p>', re.DOTALL
)
_STYLE = re.compile(r"<style>.*?</style>\n?", re.DOTALL)


def on_page_content(html: str, **_: Any) -> str:
    """Return a page with its pictures drawn inline, by the site's colours, each with the line below it."""
    return _PICTURE.sub(lambda found: _figure(found[1], found[2]), html)


def _figure(name: str, caption: str) -> str:
    drawn = _STYLE.sub("", (PICTURES / f"{name}.svg").read_text(encoding="utf-8"))
    return f'<figure class="picture">\n{drawn}<figcaption>{caption}</figcaption>\n</figure>'
