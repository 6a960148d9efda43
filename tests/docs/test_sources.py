"""The sources of the documentation read well where they lie: nothing in them waits for a build."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from markdown.extensions.toc import slugify

from docs.made.pages import REFERENCE, reference_pages
from docs.pictures.charts import STYLE
from service.observability.metrics import Metrics

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
DEPLOYED = sorted(
    path for path in (ROOT / "deploy").rglob("*") if path.is_file() and "__pycache__" not in path.parts
)
TRACKED = set(
    subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()
)  # fmt: skip
_FENCE = re.compile(r"^( *)(```+|~~~+).*?^\1\2 *$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
_HTML = re.compile(r"<(?:a|img|source)\b[^>]*?\b(?:href|src)=[\"']([^\"']+)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)


def prose(page: Path) -> str:
    """The text of a page without what stands in blocks and spans of code."""
    return re.sub(r"`[^`\n]*`", "", _FENCE.sub("", page.read_text(encoding="utf-8")))


def anchors(page: Path) -> set[str]:
    """The names of a page's headings, as GitHub and the site make them."""
    headings = _HEADING.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "") for heading in headings]
    return {slugify(heading, "-") for heading in plain}


def links(page: Path) -> list[str]:
    text = prose(page)
    found = [first or second for first, second in _LINK.findall(text)] + _HTML.findall(text)
    return [link for link in found if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file_and_a_heading_of_the_repository(page: Path) -> None:
    wrong = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        inside = target.relative_to(ROOT).as_posix()
        is_there = (
            inside in TRACKED if target.suffix else any(file.startswith(f"{inside}/") for file in TRACKED)
        )
        if not is_there or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    assert wrong == []


def test_every_page_is_in_the_sites_navigation() -> None:
    """Zensical builds a page that is not, without a warning."""
    navigation = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    listed = re.findall(r"'([\w/-]+\.md)'", repr(navigation))
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    assert sorted(listed) == sorted(pages)


def test_links_are_found() -> None:
    assert sum(len(links(page)) for page in PAGES) > 100
    assert "metrics" in anchors(ROOT / "docs/how-to/watch.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_page_has_what_only_a_build_understands(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(
        r"--8<--|^(!!!|\?\?\?|===) |^:::|\{[%{]|^ *\{[:.#]", _FENCE.sub("", text), re.MULTILINE
    )
    assert "--8<--" not in text


def test_the_reference_is_what_the_code_says() -> None:
    pages = reference_pages()
    stale = [name for name, text in pages.items() if (REFERENCE / name).read_text(encoding="utf-8") != text]
    assert stale == [], "`make reference` writes them anew"
    assert {path.name for path in REFERENCE.iterdir()} == {*pages, "index.md", "files.md"}


@pytest.mark.parametrize("unit", sorted((ROOT / "deploy/systemd").iterdir()), ids=lambda unit: unit.name)
def test_a_unit_stands_in_the_documentation_as_it_is(unit: Path) -> None:
    block = f'```ini title="deploy/systemd/{unit.name}"\n{unit.read_text(encoding="utf-8")}```\n'
    assert sum(block in page.read_text(encoding="utf-8") for page in PAGES) == 1


def test_every_picture_can_be_looked_at_by_itself() -> None:
    pictures = sorted((ROOT / "docs/pictures").glob("*.svg"))
    assert len(pictures) > 5
    for picture in pictures:
        text = picture.read_text(encoding="utf-8")
        assert text.startswith('<svg xmlns="http://www.w3.org/2000/svg" width='), picture.name
        assert STYLE in text, picture.name


def test_in_the_site_pictures_are_drawn_in_the_colours_of_the_page(site: Path) -> None:
    page = (site / "explanation/leaks.html").read_text(encoding="utf-8")
    assert re.search(r'<figure class="picture">\s*<svg [^>]+><title', page)
    assert "leaks.svg" not in page
    assert "prefers-color-scheme: dark) {\ntext" not in page


def metric_names() -> set[str]:
    """Every metric by the names that Prometheus has of it."""
    names = set()
    for family in Metrics().registry.collect():
        if family.type == "counter":
            names.add(f"{family.name}_total")
        else:
            names.add(family.name)
            if family.type == "histogram":
                names |= {f"{family.name}_{part}" for part in ("bucket", "sum", "count")}
    return names


@pytest.mark.parametrize("file", [*PAGES, *DEPLOYED], ids=lambda file: file.relative_to(ROOT).as_posix())
def test_every_metric_that_is_named_exists(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".md":
        text = "\n".join([*re.findall(r"`([^`\n]+)`", text), *(found[0] for found in _FENCE.finditer(text))])
    elif file.suffix == ".sh":
        return  # databases and their users bear the product's name too
    named = set(re.findall(r"(?<![\w/.-])greyhound_(?!client\b)[a-z0-9_]+", text))
    packages = {path.parent.name for path in ROOT.glob("greyhound_*/__init__.py")}
    assert named - metric_names() - packages == set()
