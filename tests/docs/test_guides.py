"""The guides show pictures that exist, link to what exists, and name buttons as the pages do."""

from __future__ import annotations

import ast
import re
from functools import cache
from html import unescape
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOWTO, PICTURES = ROOT / "docs" / "howto", ROOT / "docs" / "pictures" / "guide"
GUIDES = ("administrators.md", "front-desk.md")
#: Bytes of all pictures together, and how many there may be.
MOST, COUNT = 1_500_000, 16

PAGES, EMULATED = ROOT / "src/hintsync/surfaces/web", ROOT / "src/hintsync_emulators"
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_BOLD = re.compile(r"\*\*([^*]+)\*\*")
_STATEMENT = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_EXPRESSION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_QUOTED = re.compile(r'"([^"]+)"')
#: An expression that is one of two words: the first is what the guide may quote.
_ONE_OF = re.compile(r'\{\{ "([^"]*)" if [^}]*\}\}')


def text_of(guide: str) -> str:
    """Return a guide as it is written."""
    return (HOWTO / guide).read_text(encoding="utf-8")


def pieces(template: str) -> set[str]:
    """Return the texts of a page's elements, one piece for each, and the words that its expressions quote."""
    quoted = {word for expression in _EXPRESSION.findall(template) for word in _QUOTED.findall(expression)}
    bare = _EXPRESSION.sub("\0", _ONE_OF.sub(r"\1", _STATEMENT.sub("", template)))
    return {tidy(piece) for piece in {*re.split(r"<[^>]*>|\0", bare), *quoted}}


def tidy(words: str) -> str:
    """Return words without what stands around them on the page."""
    return " ".join(unescape(words).split()).strip(" :,.–")


def words_in(module: str) -> set[str]:
    """Return the texts that a module holds."""
    nodes = ast.walk(ast.parse(module))
    return {tidy(node.value) for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


@cache
def on_the_pages() -> frozenset[str]:
    """Return every text that a person may find on our pages, in the org as we deploy it, or in the emulated Hint."""
    found: set[str] = set()
    for path in (*PAGES.rglob("*.html"), *(EMULATED / "hint" / "pages").rglob("*.html")):
        found |= pieces(path.read_text(encoding="utf-8"))
    for path in (*PAGES.rglob("*.py"), *(EMULATED / "hint" / "pages").glob("*.py")):
        found |= words_in(path.read_text(encoding="utf-8"))
    for path in (ROOT / "src" / "hintsync").glob("salesforce_*/**/*"):
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            found |= pieces(path.read_text(encoding="utf-8"))
    return frozenset(found)


def anchors(page: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(path: Path) -> list[str]:
    """Return the links of a page, to files and to headings, that lead nowhere."""
    broken = []
    for link in _LINK.findall(path.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        if link.startswith(("https://", "http://")):
            continue
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)
    return broken


@pytest.mark.parametrize("path", sorted(HOWTO.glob("*.md")), ids=lambda path: path.name)
def test_every_link_and_picture_of_a_guide_leads_somewhere(path: Path) -> None:
    assert broken_links(path) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A title\n[there](page.md#a-title) [gone](other.md) ![gone](a.png) [gone](#no-title)\n")
    assert broken_links(page) == ["other.md", "a.png", "#no-title"]


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_quotes_only_words_that_are_on_the_pages(guide: str) -> None:
    quoted = {tidy(words) for words in _BOLD.findall(text_of(guide))}
    assert len(quoted) > 10
    assert quoted - on_the_pages() == set()


def test_words_that_stand_inside_other_words_are_not_on_the_pages() -> None:
    page = """<a href="{{ url('/') }}">Look</a><button{% if a %} class="b"{% endif %}>Sync now<span> {{ name }}</span></button>
    <b>Abort {{ "Batch" if x else "Run" }}</b>"""
    assert {"Look", "Sync now", "Abort Batch"} <= pieces(page)
    assert "Sync" not in pieces(page)


def test_every_picture_is_shown_in_a_guide() -> None:
    shown = {Path(link).name for guide in GUIDES for link in _LINK.findall(text_of(guide)) if link.endswith(".png")}
    assert {path.name for path in PICTURES.iterdir()} == shown


def test_every_picture_tells_what_it_shows() -> None:
    nameless = [guide for guide in GUIDES if re.search(r"!\[\s*\]", text_of(guide))]
    assert nameless == []


def test_the_pictures_stay_small() -> None:
    sizes = [path.stat().st_size for path in PICTURES.glob("*.png")]
    assert len(sizes) <= COUNT
    assert sum(sizes) <= MOST


def test_the_guide_uninstalls_by_a_command_that_there_is() -> None:
    commands = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    section = commands.partition("## `hintsync uninstall`")[2].partition("\n## ")[0]
    used = text_of("administrators.md").partition("## 16. Uninstall")[2]
    for option in ("--check-only", "--fields", "--yes-delete-fields"):
        assert f"`{option}`" in section, option
        assert option in used, option
