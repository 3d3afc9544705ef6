"""Real headless Chromium, the real site, and a proxy that fails on command."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.proxy import Proxy
from tests.browser.site import VisitedSite
from tests.browser.visitor import Visitor
from tests.conftest import absent

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENS = {"desktop": (1280, 900), "phone": (390, 844), "narrow": (320, 640)}

expect.set_options(timeout=30_000)  # only ends a hang: what must come, comes however slow the machine is


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def chromium_path() -> str | None:
    """The system's Chromium; the one without windows where it is there, which costs two thirds of the other."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = chromium_path()
    if path is None:
        absent("Chromium", "apt-get install chromium-headless-shell")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VisitedSite]:
    """Shared by all tests here: each makes members of its own."""
    running = VisitedSite(tmp_path_factory.mktemp("site")).start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def _proxy(site: VisitedSite) -> Iterator[Proxy]:
    made = Proxy(site.url)
    yield made
    made.close()


@pytest.fixture
def proxy(_proxy: Proxy) -> Iterator[Proxy]:
    _proxy.calm()
    yield _proxy
    _proxy.calm()


@pytest.fixture
def visit(chromium: Browser, site: VisitedSite) -> Iterator[Callable[..., Visitor]]:
    """Open a browser window for one person: ``visit(proxy, screen="phone", scheme="dark", javascript=False)``."""
    made: list[Visitor] = []

    def open_window(
        server: Any = None, screen: str = "desktop", scheme: str = "light", javascript: bool = True, **options: Any
    ) -> Visitor:
        width, height = SCREENS[screen]
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            java_script_enabled=javascript,
            has_touch=screen != "desktop",
            is_mobile=screen != "desktop",
            reduced_motion="reduce",
            **options,
        )
        made.append(Visitor(context, (server or site).url))
        return made[-1]

    yield open_window
    problems = [problem for visitor in made for problem in visitor.leave()]
    assert not problems, "\n".join(problems)


_numbers = itertools.count(1)


@pytest.fixture
def member(visit: Callable[..., Visitor], site: VisitedSite) -> Callable[..., Visitor]:
    """A new member, signed in, on their own profile: ``member("ana", proxy, about_me="old", screen="phone")``."""

    def join(stem: str = "ana", server: Any = None, **options: Any) -> Visitor:
        fields = {
            name: options.pop(name) for name in ("about_me", "display_name", "location", "website") if name in options
        }
        visitor = visit(server, **options).register(f"{stem}_{next(_numbers)}")
        for field, text in fields.items():
            site.stored(f"UPDATE users SET {field} = ? WHERE username = ?", text, visitor.name)
        return visitor.at_home()

    return join
