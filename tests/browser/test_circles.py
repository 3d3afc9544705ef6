"""Two people in two windows: one follows, the other is told; a block parts them. Cards, and a menu without script."""

import re

import pytest
from playwright.sync_api import expect


def test_two_people_follow_are_told_and_part(member, site):
    ana, bo = member("ana"), member("bo")
    badge = bo.page.locator("#unread")
    expect(badge).to_be_hidden()
    ana.go(f"/user/{bo.name}")
    button = ana.page.locator("form.follow button")
    button.focus()
    ana.page.keyboard.press("Enter")
    expect(button).to_contain_text("Following")
    expect(button).to_be_focused()
    expect(ana.page.locator(".counts")).to_contain_text("1 follower")
    assert ana.page.url.endswith(f"/user/{bo.name}"), "in place"

    bo.go("/")
    expect(badge).to_contain_text("1")
    bo.page.get_by_role("link", name=re.compile("Notifications 1 unread")).click()
    expect(bo.page.locator(".news__item.is-new")).to_contain_text("follows you")
    expect(badge).to_be_hidden()  # opening the page has sent what was read
    assert site.profile(bo.name, "unread") == 0

    bo.go(f"/user/{ana.name}")
    bo.page.get_by_label(re.compile("^More about")).click()
    bo.page.get_by_role("button", name=re.compile("^Block")).click()
    expect(bo.toast("is blocked.")).to_be_visible()
    expect(bo.page.locator(".bond__note")).to_contain_text("You have blocked")
    ana.allow(404)
    button.click()
    expect(ana.toast("not available")).to_be_visible()
    expect(button).to_contain_text("Following")
    ana.page.reload()
    expect(ana.page.locator("h1")).to_have_text("This is not available to you")

    bo.toast("is blocked.").get_by_role("button", name="Undo").click()
    expect(bo.page.locator("form.follow button")).to_contain_text("Follow")
    ana.page.reload()
    expect(ana.page.locator("form.follow button")).to_contain_text("Follow")


def test_an_open_page_is_told_without_asking_all_the_time(member, site):
    ana = member("ana")
    ana.page.clock.install()
    ana.stop_the_clock()
    asked = []
    ana.page.on("request", lambda request: "/notifications/unread" in request.url and asked.append(request.url))
    ana.go("/settings/people")  # where nothing else asks
    site.stored("UPDATE users SET unread = 3 WHERE username = ?", ana.name)
    ana.page.clock.run_for(50_000)
    assert asked == []
    with ana.page.expect_response(re.compile("/notifications/unread")):
        ana.page.clock.run_for(20_000)
    expect(ana.page.get_by_role("link", name="Notifications 3 unread")).to_be_visible()
    with ana.page.expect_response(re.compile("/notifications/unread")) as answered:
        ana.page.clock.run_for(65_000)
    assert answered.value.status == 204
    assert len(asked) == 2


def test_the_card_of_a_person(member, site):
    bo = member("bo", about_me="Librarian by day")
    ana = member("ana").go(f"/user/{bo.name}")
    ana.page.locator("form.follow button").click()
    expect(ana.page.locator(".counts")).to_contain_text("1 follower")
    asked = []
    ana.page.on("request", lambda request: request.url.endswith("/card") and asked.append(request.url))
    ana.go(f"/user/{ana.name}/following")
    link, card = ana.page.locator(f'main .person[href="/user/{bo.name}"]'), ana.page.locator("#person-card")
    link.hover()
    expect(card).to_contain_text("Librarian by day")
    ana.page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    ana.page.locator("h1").hover()
    link.hover()
    expect(card).to_be_visible()
    ana.page.locator("h1").hover()
    expect(card).to_be_hidden()
    assert len(asked) == 1, "fetched once"
    ana.page.locator(".ways__item").last.focus()
    ana.page.keyboard.press("Tab")
    expect(link).to_be_focused()
    expect(card).to_be_visible()
    expect(link).to_have_attribute("aria-describedby", "person-card")


@pytest.mark.parametrize("screen", ["phone"])
def test_the_menu_without_javascript(member, visit, site, screen):
    bo = member("bo")
    plain = visit(screen=screen, javascript=False).register(f"plain_{bo.name}")
    plain.go(f"/user/{bo.name}")
    plain.page.get_by_label(re.compile("^More about")).click()
    plain.page.get_by_role("button", name=re.compile("^Mute")).click()
    expect(plain.toast("is muted.")).to_be_visible()
    plain.page.get_by_role("button", name=re.compile("^Follow")).click()
    expect(plain.toast("You follow")).to_be_visible()
    plain.page.get_by_label(re.compile("^More about")).click()
    plain.page.get_by_role("link", name=re.compile("^Report")).click()
    plain.page.get_by_label("Spam or advertising").check()
    plain.page.get_by_role("button", name="Report").click()
    expect(plain.toast("Reported.")).to_be_visible()
    assert site.stored("SELECT reason FROM reports ORDER BY id DESC LIMIT 1") == "spam"


def test_a_double_click_follows_and_no_answer_changes_nothing(member, proxy, site):
    """The second click comes when the button says something else already."""
    bo = member("bo")
    ana = member("ana", proxy).go(f"/user/{bo.name}")
    button = ana.page.locator("form.follow button")
    sent = []
    ana.page.on("request", lambda request: request.method == "POST" and sent.append(request.url.rpartition("/")[2]))
    button.hover()
    ana.page.mouse.down()
    ana.page.mouse.up()
    expect(button).to_contain_text("Following")
    ana.page.mouse.down(click_count=2)
    ana.page.mouse.up(click_count=2)
    ana.page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    assert sent == ["follow"]
    expect(button).to_contain_text("Following")
    with ana.page.expect_response(re.compile("/unfollow$")):
        button.click()
    expect(button).to_have_text(re.compile("^Follow "))
    number = site.profile(ana.name, "id")
    routes = [r["route"] for r in site.records_when(2, "request.finished", user_id=number, method="POST")]
    assert routes == ["/user/<username>/follow", "/user/<username>/unfollow"]

    ana.allow("net")
    proxy.rule("POST", f"/user/{bo.name}/follow", "refuse")
    button.click()
    expect(ana.toast("cannot be reached")).to_be_visible()
    expect(button).to_have_text(re.compile("^Follow "))
    proxy.calm()
    ana.toast("cannot be reached").get_by_role("button", name="Send again").click()
    expect(button).to_contain_text("Following")
