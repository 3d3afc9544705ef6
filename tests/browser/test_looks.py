"""Every state, looked at by axe, by the HTML checker, and for what does not fit a small screen."""

import itertools
import json
import shutil
import subprocess

import pytest

from microblog.config.settings import ROOT
from tests.browser.proxy import Proxy
from tests.browser.site import VisitedSite
from tests.browser.states import World, states
from tests.conftest import absent
from tests.support.budget import few

AXE = ROOT / "node_modules/axe-core/axe.min.js"
CHECKER = ROOT / "node_modules/vnu-jar/build/dist/vnu.jar"
DESKTOP, PHONE = (1280, 900), (390, 844)
VIEWS = few(itertools.product([DESKTOP, PHONE], ["light", "dark"]), (DESKTOP, "light"), (PHONE, "dark"))
"""Each colour and each layout is seen in one of these two."""
RUN_AXE = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"], preload: false });
  return found.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id} (${help}): ${html.slice(0, 200)} ${failureSummary}`));
}"""
SIDEWAYS = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.scrollingElement.scrollWidth <= wide) return [];
  return [...document.querySelectorAll("body *")]
    .filter((element) => element.getBoundingClientRect().right > wide + 1 && !element.closest(".visually-hidden"))
    .map((element) => `${element.tagName}.${element.className}`);
}"""


@pytest.fixture
def world(visit, tmp_path):
    """An empty site of its own: emptiness is a state too."""
    site = VisitedSite(tmp_path).start()
    proxy = Proxy(site.url)
    yield World(visit, site, proxy)
    proxy.close()
    site.stop()


@pytest.mark.timeout(900)  # a hundred states in five windows: a minute, and on a busy machine many
def test_every_state_is_accessible_fits_and_is_valid(world, tmp_path):
    """One walk, because getting into each state is most of the cost."""
    if not AXE.is_file():
        absent("axe-core", "npm ci")
    source, problems, pages = AXE.read_text("utf-8"), [], tmp_path / "pages"
    pages.mkdir()
    for name, window in states(world):
        page = window.page
        html = page.content()
        (pages / f"{name}.html").write_text(html, "utf-8")
        if page.evaluate("document.documentElement.classList.contains('has-script')"):
            if page.evaluate("!window.axe"):
                page.evaluate(source)
            for (width, height), scheme in VIEWS:
                page.set_viewport_size({"width": width, "height": height})
                page.emulate_media(color_scheme=scheme)
                problems += [f"{name} {scheme} {width}: {text}" for text in page.evaluate(RUN_AXE)]
        page.set_viewport_size({"width": 320, "height": 640})
        problems += [f"{name}: {element} is wider than 320 px" for element in page.evaluate(SIDEWAYS)]
        page.set_viewport_size({"width": 1280, "height": 900})
        page.emulate_media(color_scheme="light")
    problems += _checked(pages)
    assert not problems, f"{len(problems)}:\n" + "\n".join(problems[:40])


def _checked(pages):
    """What the Nu HTML checker says about what the browser made of each state."""
    if shutil.which("java") is None or not CHECKER.is_file():
        absent("the Nu HTML checker", "apt-get install default-jre-headless; npm ci")
    command = [
        "java",
        "-Xmx400m",
        "-jar",
        str(CHECKER),
        "--format",
        "json",
        "--errors-only",
        "--skip-non-html",
        "--filterpattern",
        "Attribute “hx-.*",  # htmx's own; it spells data-hx- too, at twice the reading
        str(pages),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [
        f"{m['url'].rpartition('/')[2]}: {m['message']} {m.get('extract', '')!r}"
        for m in json.loads(done.stderr)["messages"]
    ]
