"""Make the reference pages; mkdocs' plugin gen-files runs this at each build."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # `mkdocs build` does not look where it stands, `python -m mkdocs build` does

import mkdocs_gen_files  # noqa: E402

from docs.made.client import client_page  # noqa: E402
from docs.made.commands import commands_page  # noqa: E402
from docs.made.features import features_page  # noqa: E402
from docs.made.http_api import http_api_page  # noqa: E402
from docs.made.settings import settings_page  # noqa: E402
from docs.made.tables import tables_page  # noqa: E402

PAGES = {
    "commands": commands_page,
    "features": features_page,
    "http-api": http_api_page,
    "settings": settings_page,
    "tables": tables_page,
}

for name, make in PAGES.items():
    with mkdocs_gen_files.open(f"reference/{name}.md", "w") as page:
        page.write(make())

with mkdocs_gen_files.open("reference/client.md", "a") as page:
    page.write(client_page())
