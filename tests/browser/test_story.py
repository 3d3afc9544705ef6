"""From the member's screen to the operator's: the reference in a toast leads to the whole story, in one command."""

import subprocess
import sys

import pytest
from playwright.sync_api import expect

from microblog.config.settings import ROOT


def manage(site, *words):
    """What a command of the operator says, in the environment of the site."""
    command = [sys.executable, str(ROOT / "manage.py"), *words]
    ran = subprocess.run(command, env=site.environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.slow
def test_it_works(member, site):
    ana = member("ana")
    ana.allow(500)
    ana.edit("about_me").fill("canary in the text")
    expect(ana.message("about_me")).to_have_text("Fine.")
    site.stored("UPDATE users SET edits = json('[1]') WHERE username = ?", ana.name)
    ana.save("about_me")
    toast = ana.toast("Something broke")
    reference = toast.locator("[data-reference]").inner_text()
    site.stored("UPDATE users SET edits = json('{}') WHERE username = ?", ana.name)
    toast.get_by_role("button", name="Try again").click()
    expect(ana.toast("About me saved.")).to_be_visible()
    assert site.records_when(2, "request.finished", method="POST", path="/edit_profile/about_me")

    story = manage(site, "logs", "show", reference.lower().replace("-", ""))
    lines = {line.split()[0]: line for line in story.splitlines() if line.startswith("  ") and line.strip()}
    assert f"{ana.name} (member " in lines["who"]
    assert "POST /edit_profile/about_me" in lines["did"]
    assert f"on /user/{ana.name}, by form#edit-about_me, as a part of a page" in lines["did"]
    assert "500, a note: “Something broke on our side." in lines["saw"]
    assert "microblog/models/user.py" in lines["why"]
    assert "tried again and worked" in lines["retry"]
    assert "canary" not in story

    fingerprint = site.records("request.failed", reference=reference)[0]["fingerprint"]
    assert reference in manage(site, "errors", "show", fingerprint[:8])
