"""Photograph every state: ``python -m tests.browser.screenshots [state …]`` fills tests/screenshots/."""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.conftest import QUIET, SCREENS, chromium_path
from tests.browser.proxy import Proxy
from tests.browser.site import VisitedSite
from tests.browser.states import World, states
from tests.browser.visitor import Visitor

FOLDER = Path(__file__).parent.parent / "screenshots"


def main(wanted: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    with ExitStack() as stack:
        data = stack.enter_context(tempfile.TemporaryDirectory())
        playwright = stack.enter_context(sync_playwright())
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=QUIET)
        stack.callback(chromium.close)
        site = VisitedSite(Path(data)).start()
        stack.callback(site.stop)
        proxy = Proxy(site.url)
        stack.callback(proxy.close)

        def visit(server: Proxy, javascript: bool = True, **options: Any) -> Visitor:
            context = chromium.new_context(java_script_enabled=javascript, reduced_motion="reduce", **options)
            return Visitor(context, server.url)

        for name, window in states(World(visit, site, proxy)):
            if wanted and name not in wanted:
                continue
            devtools = window.context.new_cdp_session(window.page)
            for screen, (width, height) in SCREENS.items():
                devtools.send("Emulation.setTouchEmulationEnabled", {"enabled": screen != "desktop"})
                for scheme in ("light", "dark") if screen != "narrow" else ("light",):
                    window.page.set_viewport_size({"width": width, "height": height})
                    window.page.emulate_media(color_scheme=scheme)
                    window.page.screenshot(path=FOLDER / f"{name}.{screen}.{scheme}.png")
            window.page.set_viewport_size({"width": 1280, "height": 900})
            window.page.emulate_media(color_scheme="light")
            devtools.send("Emulation.setTouchEmulationEnabled", {"enabled": False})


if __name__ == "__main__":
    main(sys.argv[1:])
