"""The reference is made from the code: nothing that the code has is missing."""

import json
import re
from pathlib import Path

from docs.made.client import client_page
from docs.made.commands import commands_page
from docs.made.features import features_page
from docs.made.http_api import DOCUMENT, http_api_page
from docs.made.settings import TITLES, settings_page, title_of
from docs.made.tables import stored_models, tables_page
from greyhound.cli import COMMANDS
from greyhound_client import GreyhoundClient
from racing.features import FEATURES
from service.settings import ServiceSettings

ROOT = Path(__file__).parents[2]


def headings(page: str) -> set[str]:
    return set(re.findall(r"^#+ (.+)$", page, flags=re.M))


def test_every_setting_has_its_entry_under_a_heading_that_means_it() -> None:
    page = settings_page()
    reported = set(re.findall(r"^`(GREYHOUND_\w+)`$", page, flags=re.M))
    names = set(ServiceSettings.model_fields)
    assert {f"GREYHOUND_{name.upper()}" for name in names} <= reported
    assert {title_of(name) for name in names} == set(TITLES)
    for variable in ("GREYHOUND_HOST", "GREYHOUND_PORT", "GREYHOUND_WORKERS"):
        assert f"| `{variable}` |" in page
    assert re.search(
        r"`GREYHOUND_CHAMPION_POLL_S`\n:   .*\n    <small>number above 0, to 60; default `2`<", page
    )


def test_every_command_and_subcommand_has_its_heading_options_and_example() -> None:
    page = commands_page()
    assert {f"greyhound {name}" for name in COMMANDS} <= headings(page)
    assert {
        "greyhound models promote",
        "greyhound models webhook add",
        "greyhound import results",
    } <= headings(page)
    promote = page.partition("### greyhound models promote\n")[2].partition("\n### ")[0]
    assert "| `--reason` TEXT | Why, for the record. |" in promote
    assert '```\ngreyhound models promote 3 --reason "better on July"\n```' in promote


def test_every_route_and_schema_has_its_heading_and_every_link_a_target() -> None:
    document, page = json.loads(DOCUMENT.read_text()), http_api_page()
    routes = {f"{m.upper()} {path}" for path, of in document["paths"].items() for m in of}
    schemas = set(document["components"]["schemas"])
    assert routes | schemas <= headings(page)
    linked = set(re.findall(r"\]\(#(\w+)\)", page))
    assert linked <= {name.lower() for name in schemas}
    assert "cardin" in linked


def test_every_feature_stands_once_with_its_meaning() -> None:
    page = features_page()
    reported = re.findall(r"^\| `(\w+)` \| (\w+) \| [\w ]*\| (.+?) \|$", page, flags=re.M)
    assert sorted(name for name, _, _ in reported) == sorted(feature.name for feature in FEATURES)
    meanings = {name: meaning for name, _, meaning in reported}
    assert all(meanings[feature.name].startswith(feature.description) for feature in FEATURES)


def test_every_table_and_column_is_reported() -> None:
    page = tables_page()
    assert len(stored_models()) > 10
    for model in stored_models():
        stored = model.__table__  # type: ignore[attr-defined]
        reported = page.partition(f"\n## {stored.name}\n")[2].partition("\n## ")[0]
        assert set(re.findall(r"^\| `(\w+)` \|", reported, flags=re.M)) == set(stored.columns.keys())


def test_every_method_of_the_client_has_its_heading() -> None:
    methods = {name for name in dir(GreyhoundClient) if not name.startswith("_")}
    called = {name for name in methods if callable(getattr(GreyhoundClient, name))}
    assert called <= headings(client_page())


def test_every_place_below_var_that_the_code_names_is_reported() -> None:
    page = (ROOT / "docs/reference/files.md").read_text()
    named = set()
    for package in ("racing", "model_registry", "training", "service", "greyhound", "benchmarks"):
        for file in (ROOT / package).rglob("*.py"):
            named |= set(re.findall(r"[\"/]var/([\w.-]+)", file.read_text()))
    assert {"greyhound.db", "spool", "champion"} <= named
    assert {name for name in named if f"var/{name}" not in page} == set()


def test_nothing_in_the_pages_names_another_release_of_a_page_by_its_old_place() -> None:
    old = re.compile(r"docs/(door|watching|operating|prediction-log|promotion|stored-form)\.md")
    texts = [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        *(ROOT / "service").rglob("*.py"),
        *(ROOT / "docs").rglob("*.md"),
    ]
    assert {str(path) for path in texts if old.search(path.read_text())} == set()
