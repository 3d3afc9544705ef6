"""The documents: every link leads somewhere, the index has every page, and the rooms are those of the code."""

import re
from pathlib import Path

import pytest

from microblog.config.settings import ROOT
from tests.lint.imports import arrows

DOCS = ROOT / "docs"
TREES = ("microblog", "templates", "static", "tests", "docs")
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path):
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_index_has_every_document():
    listed = set(re.findall(r"\]\(([a-z-]+\.md)\)", (DOCS / "README.md").read_text()))
    assert listed == {page.name for page in DOCS.glob("*.md")} - {"README.md"}


def test_every_room_has_a_purpose():
    text = (DOCS / "architecture.md").read_text()
    rows = [row for row in text.splitlines() if row.startswith("| `")]
    assert {room for row in rows for room in re.findall(r"`(\w+)`", row.split("|")[1])} == set(arrows())


def test_every_file_that_is_named_is_there():
    made_by_the_recipe = {"lists", "test_lists.py", "lists.css", "tags.py", "test_tags.py"}
    files = {path.relative_to(ROOT).as_posix() for top in TREES for path in (ROOT / top).rglob("*.*")}
    for page in ("architecture.md", "recipes.md", "style.md"):
        for name in re.findall(r"`([\w/-]+/[\w-]+\.(?:py|html|js|css|md|svg|toml))`", (DOCS / page).read_text()):
            if made_by_the_recipe.isdisjoint(name.split("/")):
                assert any(f"/{path}".endswith(f"/{name}") for path in files), f"{page} names {name}"
