"""The reference pages, made from the code: ``python -m docs.made.pages`` writes them."""

from pathlib import Path

from docs.made.client import client_page
from docs.made.commands import commands_page
from docs.made.features import features_page
from docs.made.http_api import http_api_page
from docs.made.settings import settings_page
from docs.made.tables import tables_page

REFERENCE = Path(__file__).parents[1] / "reference"
MARK = "<!-- from here on made from the code by `make reference` -->\n"


def reference_pages() -> dict[str, str]:
    """Return the text of each page that is made from the code, by the name of its file."""
    by_hand = (REFERENCE / "client.md").read_text(encoding="utf-8").partition(MARK)[0]
    return {
        "client.md": by_hand + MARK + client_page(),
        "commands.md": commands_page(),
        "features.md": features_page(),
        "http-api.md": http_api_page(),
        "settings.md": settings_page(),
        "tables.md": tables_page(),
    }


if __name__ == "__main__":
    for name, text in reference_pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
