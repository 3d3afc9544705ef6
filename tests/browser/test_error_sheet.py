"""The contact sheet of `manage.py check --errors`, opened as the file it is."""

import itertools

import pytest
from playwright.sync_api import expect

from microblog.cli import error_answers, main
from microblog.errors.table import PROBLEMS
from microblog.log import setup
from tests.support.budget import few

LIGHT, DARK = "oklch(0.984 0.004 90)", "oklch(0.205 0.012 285)"  # --paper of static/css/base.css


@pytest.fixture
def sheet(tmp_path, monkeypatch):
    monkeypatch.setenv("MICROBLOG_PATHS__DATA", str(tmp_path / "data"))
    monkeypatch.setattr(error_answers, "PROBLEMS", {404: PROBLEMS[404], 500: PROBLEMS[500]})
    assert main(["check", "--errors", "--sheet", str(tmp_path / "errors.html")]) == 0
    setup.close()
    return tmp_path / "errors.html"


@pytest.mark.parametrize(
    ("scheme", "screen"),
    few(itertools.product(["light", "dark"], ["desktop", "phone"]), ("light", "desktop"), ("dark", "phone")),
)
def test_it_works(chromium, sheet, screen, scheme):
    width, height = {"desktop": (1280, 900), "phone": (390, 844)}[screen]
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    asked, said = [], []
    context.on("request", lambda request: asked.append(request.url))
    context.on("console", lambda message: said.append(message.text))
    context.on("weberror", lambda error: said.append(str(error.error)))
    page = context.new_page()
    page.goto(sheet.as_uri())
    expect(page.locator("h1")).to_have_text("Every error of Microblog")
    frames = page.locator("iframe")
    for number in range(frames.count()):
        frames.nth(number).scroll_into_view_if_needed()
        body = frames.nth(number).content_frame.locator("body")
        expect(body.locator(".reference:visible")).to_have_text("K7Q2F-9M4ZX")
        expect(frames.nth(number).content_frame.locator("html")).to_have_css(
            "background-color", {"dark": DARK, "light": LIGHT}[scheme]
        )
        # It wears the site's style sheet, and its picture and icons are in the file.
        assert "mono" in body.locator(".reference:visible").evaluate("e => getComputedStyle(e).fontFamily")
        for picture in body.locator("img").all():
            assert picture.evaluate("e => e.decode().then(() => e.naturalWidth)") > 0
        for icon in body.locator(".icon use:visible").all():
            assert icon.evaluate("e => e.getBBox().width") > 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for wanted, colour in (("dark", DARK), ("light", LIGHT)):
        page.locator(f"#{wanted}").check()
        expect(frames.first.content_frame.locator("html")).to_have_css("background-color", colour)
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "about:"))] == []
    assert len([url for url in asked if url.startswith("file:")]) == 1
    context.close()
