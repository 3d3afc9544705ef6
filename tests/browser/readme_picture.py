"""Make the picture of the README: ``python -m tests.browser.readme_picture`` writes docs/screenshot.png."""

import io
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import expect, sync_playwright

from microblog.config.settings import ROOT
from tests.browser.conftest import QUIET, chromium_path
from tests.browser.proxy import Proxy
from tests.browser.site import VisitedSite
from tests.browser.states import World
from tests.browser.visitor import Visitor

ABOUT = "Librarian by day. I collect old maps, new bread recipes and other people's questions."


def face() -> bytes:
    """A picture for the profile: hills in the evening."""
    size = 800
    image = Image.new("RGB", (size, size))
    draw = ImageDraw.Draw(image)
    for y in range(size):
        share = y / size
        draw.line([(0, y), (size, y)], (int(250 - 30 * share), int(190 + 20 * share), int(150 + 60 * share)))
    draw.ellipse((460, 150, 640, 330), (255, 240, 214))
    draw.ellipse((-300, 430, 640, 1400), (99, 96, 150))
    draw.ellipse((250, 520, 1250, 1500), (62, 60, 112))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def shots() -> tuple[Image.Image, Image.Image]:
    """A save that failed, on a desktop; a name that is taken, on a phone in the dark."""
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
            look = {"viewport": {"width": 1000, "height": 640}, "device_scale_factor": 1.5, "reduced_motion": "reduce"}
            return Visitor(chromium.new_context(java_script_enabled=javascript, **(look | options)), server.url)

        world = World(visit, site, proxy)
        ana = world.join("ana", display_name="Ana Lindqvist", about_me="Librarian.", location="Bergen")
        site.stored("UPDATE users SET website = 'https://ana.example' WHERE username = 'ana'")
        picture = {"name": "me.png", "mimeType": "image/png", "buffer": face()}
        ana.at_home().edit("avatar").set_input_files(picture)
        ana.save("avatar")
        expect(ana.toast("Picture saved.")).to_be_visible()
        ana.at_home().edit("about_me").fill(ABOUT)
        site.stored("UPDATE users SET edits = json('[1]') WHERE username = 'ana'")
        ana.save("about_me")
        expect(ana.toast("Something broke")).to_be_visible()
        desktop = ana.page.screenshot()

        phone: dict[str, Any] = {"viewport": {"width": 375, "height": 690}, "device_scale_factor": 1.5}
        context = chromium.new_context(
            **phone, color_scheme="dark", has_touch=True, is_mobile=True, storage_state=ana.context.storage_state()
        )
        small = context.new_page()
        small.goto(f"{proxy.url}/edit_profile/username")
        small.locator("#username").fill("admin")
        expect(small.locator("#username-message")).to_have_attribute("data-state", "refused")
        return Image.open(io.BytesIO(desktop)).convert("RGB"), Image.open(io.BytesIO(small.screenshot())).convert("RGB")


def framed(image: Image.Image, radius: int) -> Image.Image:
    """`image` with round corners."""
    mask = Image.new("L", image.size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, image.width - 1, image.height - 1), radius, fill=255)
    image.putalpha(mask)
    return image


def main() -> None:
    desktop, phone = shots()
    desktop, phone = framed(desktop, 22), framed(phone, 40)
    sheet = Image.new("RGBA", (desktop.width + 640, desktop.height + 200), (0, 0, 0, 0))
    places = ((desktop, (50, 60)), (phone, (sheet.width - phone.width - 50, sheet.height - phone.height - 40)))
    for image, place in places:
        shade = Image.new("RGBA", sheet.size, (0, 0, 0, 0))
        shade.paste((30, 28, 60, 90), (place[0], place[1] + 14), image.getchannel("A"))
        shade = shade.filter(ImageFilter.GaussianBlur(26))
        sheet = Image.alpha_composite(sheet, shade)
        sheet.paste(image, place, image.getchannel("A"))
    sheet = Image.alpha_composite(Image.new("RGBA", sheet.size, (228, 228, 240, 255)), sheet).convert("RGB")
    sheet = sheet.resize((1280, round(1280 * sheet.height / sheet.width)), Image.Resampling.LANCZOS)
    sheet.save(ROOT / "docs" / "screenshot.png", optimize=True)


if __name__ == "__main__":
    main()
