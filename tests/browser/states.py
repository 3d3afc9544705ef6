"""Every page and every state of it, once: what axe, the HTML checker and the camera look at."""

import time
from collections.abc import Callable, Iterator

from playwright.sync_api import expect

from tests.browser.proxy import Proxy
from tests.browser.site import VisitedSite
from tests.browser.test_edit_in_place import png
from tests.browser.visitor import PASSWORD, Visitor, sign_out_button
from tests.inbox.conftest import Log

ABOUT = "Librarian by day. I collect old maps, new bread recipes and other people's questions."
EXTREME = {
    "display_name": "Wolfeschlegelsteinhausenbergerdorff Hubert Blaine",
    "about_me": "👩‍🚀🦊🎈" * 28,
    "location": "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch",
    "website": f"https://{'a' * 60}.example.org/{'long/' * 20}",
}
RIGHT_TO_LEFT = {
    "display_name": "نورا الكاتبة",
    "about_me": "أحب القراءة والمشي على البحر، وأكتب قليلا كل مساء.",
    "location": "حيفا",
}


class World:
    """One fresh site with a few people, and windows into it."""

    def __init__(self, visit: Callable[..., Visitor], site: VisitedSite, proxy: Proxy) -> None:
        self._visit, self.site, self.proxy = visit, site, proxy

    def stranger(self, path: str = "/", **options: bool) -> Visitor:
        window = self._visit(self.proxy, bypass_csp=True, **options)  # axe styles what it measures
        window.allow(*range(400, 600), "net")
        return window.go(path)

    def join(self, name: str, *, javascript: bool = True, **fields: str) -> Visitor:
        window = self.stranger(javascript=javascript).register(name)
        for field, text in fields.items():
            self.site.stored(f"UPDATE users SET {field} = ? WHERE username = ?", text, name)
        return window.at_home()


HITS = (
    ("ana", "Bread, butter, silence. " * 40),
    ("nora", "خبز وزبدة bread وصمت"),
    ("extreme_name_of_thirty_chars__", "Breadbreadbread" * 30),
    ("bob", "<b>bread</b> & extreme\n\nweather"),
)


def states(world: World) -> Iterator[tuple[str, Visitor]]:
    """Each state by name, and the window that is in it; look before asking for the next."""
    yield "home-empty", world.stranger()
    yield from _accounts(world)
    ana = world.join(
        "ana", display_name="Ana Lindqvist", about_me=ABOUT, location="Bergen", website="https://ana.example"
    )
    world.join("bob", display_name="Bo", about_me="old")
    yield "profile-extreme", world.join("extreme_name_of_thirty_chars__", **EXTREME)
    yield "profile-right-to-left", world.join("nora", **RIGHT_TO_LEFT)
    new = world.join("newcomer")
    yield "profile-new", new
    yield "home-new", new.go("/")
    yield "home", world.stranger()
    yield "home-member", ana.go("/")
    yield "profile-of-another", ana.go("/user/bob")
    yield "profile", ana.afresh()
    yield from _search(world, ana)
    yield from _editing(world, ana)
    yield from _toasts(world, ana)
    yield from _posts(world, ana)
    yield from _errors(world, ana)
    yield from _inbox(world)
    yield from _logs(world)
    yield from _people(world)
    yield from _moderation(world)


def _accounts(world: World) -> Iterator[tuple[str, Visitor]]:
    new = world.stranger("/register")
    yield "register", new
    new.control("username").press_sequentially("admin")
    expect(new.message("username")).to_have_attribute("data-state", "refused")
    new.control("email").fill("ana@example.org")
    expect(new.message("email")).to_have_attribute("data-state", "fine")
    new.control("password").fill("short")
    new.page.keyboard.press("Enter")
    expect(new.message("password")).to_have_attribute("data-state", "refused")
    yield "register-refused", new
    yield "login", new.go("/login")
    new.control("username").fill("ana")
    new.control("password").fill("wrong one")
    new.page.keyboard.press("Enter")
    expect(new.message("password")).to_have_attribute("data-state", "refused")
    yield "login-refused", new


def _search(world: World, ana: Visitor) -> Iterator[tuple[str, Visitor]]:
    for number, (author, text) in enumerate(HITS, 1):
        world.site.stored(
            "INSERT INTO posts (author_id, text, language, thread_id, created_at, version, likes_count, replies_count) "
            "SELECT id, ?, '', ?, '2026-11-20 09:12:00.000000', 1, 0, 0 FROM users WHERE username = ?",
            text,
            number,
            author,
        )
    yield "search-empty", ana.go("/search")
    yield "search-nothing", ana.go("/search?q=nowhere+to+be+found")
    yield "search-no-word", world.stranger("/search?q=%F0%9F%A6%8A")
    yield "search", world.stranger("/search?q=bread")
    yield "search-extreme", ana.go("/search?q=extreme")
    field = ana.go("/").page.locator("#search-field")
    field.press_sequentially("ex")
    expect(ana.page.locator("#search-people").get_by_role("option").first).to_be_visible()
    field.press("ArrowDown")
    yield "search-typing", ana


def _editing(world: World, ana: Visitor) -> Iterator[tuple[str, Visitor]]:
    for field in ("display_name", "username", "about_me", "location", "website", "avatar"):
        ana.afresh().edit(field)
        yield f"edit-{field}", ana
    for field in ("display_name", "username", "about_me", "location", "website"):
        ana.edit(field)
    yield "edit-all-at-once", ana
    ana.afresh()
    world.proxy.rule("POST", "/edit_profile/username/check", held=True)
    ana.edit("username").press_sequentially("x")
    expect(ana.page.locator(".control__input.htmx-request")).to_have_count(1)
    yield "edit-checking", ana
    world.proxy.calm()
    yield from _drafts(ana)
    ana.afresh().edit("username").fill("ana_of_bergen")
    expect(ana.message("username")).to_have_text("This name is free.")
    yield "edit-fine", ana
    ana.control("username").fill("bob")
    expect(ana.message("username")).to_contain_text("taken")
    yield "edit-taken", ana
    ana.afresh().edit("about_me").fill(ABOUT * 2)
    ana.save("about_me")
    expect(ana.message("about_me")).to_have_attribute("data-state", "refused")
    yield "edit-refused", ana
    world.proxy.rule("POST", "/edit_profile/about_me", held=True)
    ana.save("about_me")
    expect(ana.page.locator("form.htmx-request")).to_have_count(1)
    yield "edit-saving", ana
    world.proxy.calm()
    ana.afresh().edit("about_me").fill("Librarian. Maps, bread, questions.")
    world.site.edited_elsewhere("ana", "about_me", ABOUT + " Ask me about paper.")
    ana.save("about_me")
    expect(ana.page.locator(".conflict")).to_be_visible()
    yield "edit-conflict", ana
    ana.afresh().edit("avatar").set_input_files({"name": "letter.pdf", "mimeType": "image/png", "buffer": b"%PDF-1.7"})
    ana.save("avatar")
    expect(ana.message("avatar")).to_have_attribute("data-state", "refused")
    yield "edit-avatar-refused", ana
    ana.afresh().edit("avatar").set_input_files(png("rebeccapurple"))
    ana.save("avatar")
    expect(ana.toast("Picture saved.")).to_be_visible()
    ana.edit("avatar")
    yield "edit-avatar-removable", ana

    yield "everything", ana.afresh().go("/edit_profile")
    ana.control("location").fill("x" * 61)
    ana.control("about_me").fill("Another text")
    world.site.edited_elsewhere("ana", "about_me", ABOUT)
    ana.page.get_by_role("button", name="Save").click()
    expect(ana.message("location")).to_have_attribute("data-state", "refused")
    yield "everything-refused", ana
    ana.control("location").fill("Bergen")
    ana.page.get_by_role("button", name="Save").click()
    expect(ana.page.locator(".conflict")).to_be_visible()
    yield "everything-conflict", ana


def _drafts(ana: Visitor) -> Iterator[tuple[str, Visitor]]:
    """What was typed is back by itself, was set aside, or is offered."""
    text = "Librarian. Maps, bread, and half a thought"
    ana.afresh().edit("about_me").fill(text)
    ana.go("/").at_home()
    expect(ana.page.locator(".draft")).to_contain_text("Restored")
    yield "draft-restored", ana
    ana.control("about_me").press("Escape")
    expect(ana.toast("Put aside.")).to_be_visible()
    yield "draft-aside", ana
    ana.edit("about_me")
    expect(ana.page.locator(".draft")).to_contain_text("something else")
    yield "draft-offered", ana
    ana.go("/edit_profile")
    ana.control("location").fill("Bergen, by the sea")
    ana.go("/").go("/edit_profile")
    expect(ana.page.locator(".draft")).to_be_visible()
    yield "draft-everything", ana


def _toasts(world: World, ana: Visitor) -> Iterator[tuple[str, Visitor]]:
    ana.afresh().edit("location").fill("Bergen, by the sea")
    ana.save("location")
    expect(ana.toast("Location saved.")).to_be_visible()
    yield "toast-saved", ana
    ana.edit("location")
    ana.save("location")
    expect(ana.toast("saved already")).to_be_visible()
    yield "toast-note", ana
    ana.afresh().edit("about_me").fill("half a thought")
    world.site.stored("UPDATE users SET edits = json('[1]') WHERE username = 'ana'")
    ana.save("about_me")
    expect(ana.toast("Something broke")).to_be_visible()
    yield "toast-error", ana
    ana.save("about_me")
    expect(ana.toast("×2")).to_be_visible()
    world.site.stored("UPDATE users SET edits = json('{}') WHERE username = 'ana'")
    world.proxy.rule("POST", "/edit_profile/about_me", "502")
    ana.save("about_me")
    expect(ana.toast("not answering")).to_be_visible()
    world.proxy.rule("POST", "/edit_profile/about_me", "refuse")
    ana.save("about_me")
    expect(ana.toast("cannot be reached")).to_be_visible()
    yield "toast-stack", ana
    world.proxy.calm()
    ana.at_home().edit("about_me").fill("half a thought")
    world.proxy.rule("POST", "/edit_profile/about_me", "busy:600", times=1)
    ana.save("about_me")
    expect(ana.toast("Try again in 10 minutes.")).to_be_visible()
    yield "toast-counting", ana
    world.proxy.rule("POST", "/edit_profile/about_me", "busy:1", times=1)
    ana.save("about_me")
    expect(ana.toast("You can try again now.")).to_be_visible()
    yield "toast-try-again", ana
    ana.at_home().edit("about_me").fill("half a thought")
    world.proxy.rule("POST", "/edit_profile/about_me", held=True)
    ana.save("about_me")
    expect(ana.toast("Still working …")).to_be_visible()
    yield "edit-slow", ana
    world.proxy.calm()


def _posts(world: World, ana: Visitor) -> Iterator[tuple[str, Visitor]]:
    """Writing, reading and what can happen to a post."""
    page, composer = ana.go("/bookmarks").page, ana.page.locator("#composer-text")
    yield "bookmarks-empty", ana
    nora = world.join("writer_with_thirty_characters_", **RIGHT_TO_LEFT)
    for text in ("أحب القراءة والمشي على البحر. #كتب", "x" * 180 + " https://example.org/" + "long/" * 40):
        nora.go("/").page.locator("#composer-text").fill(text)
        nora.page.keyboard.press("Control+Enter")
        expect(nora.page.locator("#timeline > .post").first).to_contain_text(text[:30])
    yield "home-right-to-left", nora
    nora.page.locator("[data-post] .act--like").first.click()
    nora.page.locator("[data-post] .act--keep").first.click()
    expect(nora.page.locator('.act--keep[aria-pressed="true"]')).to_have_count(1)
    yield "bookmarks", nora.go("/bookmarks")
    yield "deleted-empty", ana.go("/post/deleted")
    ana.go("/")
    composer.fill(ABOUT)
    sign_out_button(page).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    yield "sign-out-unsent", ana
    page.keyboard.press("Escape")
    composer.fill("Bread day 👩‍🚀. " * 60)
    composer.press("Control+Enter")
    expect(ana.message("composer-text")).to_have_attribute("data-state", "refused")
    yield "post-refused", ana
    composer.fill("Bread day. The crumb is open, @nora, the crust #sings.")
    composer.press("Control+Enter")
    post = page.locator("#timeline > .post")
    expect(post).to_have_count(2)  # below it the one that was searched for
    yield "home-posted", ana
    world.site.stored("INSERT INTO follows (follower_id, followed_id, created_at) SELECT a.id, b.id, a.created_at FROM "
                      "users a, users b WHERE a.username = 'ana' AND b.username LIKE 'writer_with%'")  # fmt: skip
    nora.go("/").page.locator("#composer-text").fill("News")
    nora.page.keyboard.press("Control+Enter")
    expect(nora.toast("Posted.")).to_be_visible()
    page.locator("[data-newer]").dispatch_event("look")
    expect(page.locator(".pill__link")).to_be_visible()
    yield "home-new-posts", ana
    page.locator(".pill__link").click()
    expect(page.locator(".pill__link")).to_have_count(0)
    post.first.get_by_role("link", name="Reply").click()
    expect(page.locator(".post .composer__text")).to_be_focused()
    yield "home-replying", ana
    page.locator(".post .composer__text").fill("Which flour?")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".post .composer")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    yield "keys", ana
    ana.go("/user/ana")
    yield "profile-posts", ana
    page.get_by_label("More", exact=True).first.click()
    yield "post-menu", ana
    post.first.get_by_role("link", name="Edit").click()
    expect(post.first.locator("textarea")).to_be_focused()
    yield "post-editing", ana
    world.site.stored(
        "UPDATE posts SET text = 'Saved meanwhile', edited_at = created_at, version = 2 WHERE text LIKE 'Bread%'"
    )
    post.first.locator("textarea").fill("Bread day, again")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".conflict")).to_be_visible()
    yield "post-conflict", ana
    page.keyboard.press("Control+Enter")
    expect(post.first.locator(".post__edited")).to_be_visible()
    post.first.locator(".post__edited").click()
    expect(page.locator("h1")).to_have_text("What this post said")
    yield "post-history", ana
    page.get_by_role("link", name="Back to the post").click()
    page.locator(".thread--here .composer__text").fill("And it tastes.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#timeline > .said")).to_have_count(1)
    yield "post", ana
    number = page.url.rpartition("/")[2]
    yield "post-stranger", world.stranger(f"/post/{number}")
    page.locator("#timeline .post__time").first.click()
    expect(page.locator(".thread:not(.thread--here) .post")).to_be_visible()
    yield "post-answer", ana
    yield "explore", ana.go("/explore")
    yield "explore-stranger", world.stranger("/explore")
    yield "tag", ana.go("/tag/sings")
    yield "tag-empty", ana.go("/tag/nothing")
    yield "post-compose", ana.go("/post")
    yield "post-reply-page", ana.go(f"/post/{number}/reply")
    ana.go(f"/post/{number}")
    page.get_by_label("More", exact=True).first.click()
    page.get_by_role("button", name="Delete").first.click()
    expect(ana.toast("Post deleted.")).to_be_visible()
    yield "post-deleted", ana
    yield "post-gone", ana.go(f"/post/{number}")


def _errors(world: World, ana: Visitor) -> Iterator[tuple[str, Visitor]]:
    yield "error-404", ana.go("/nothing-here")
    yield "error-404-stranger", world.stranger("/user/annna")
    yield "error-405", world.stranger("/logout")
    world.site.stored("UPDATE users SET created_at = 'never' WHERE username = 'bob'")
    yield "error-500", ana.go("/user/bob")
    world.site.stored("UPDATE users SET created_at = '2026-11-21 12:00:00.000000' WHERE username = 'bob'")
    plain = world.join("plain", javascript=False)
    plain.go("/edit_profile/about_me")
    plain.control("about_me").fill("What I typed before my session ended.")
    world.site.stored("DELETE FROM sessions WHERE user_id = (SELECT id FROM users WHERE username = 'plain')")
    plain.save("about_me")
    yield "error-401-kept", plain
    plain.page.get_by_label("Username").fill("plain")
    plain.page.get_by_label("Password").fill("wrong one")
    plain.page.keyboard.press("Enter")
    expect(plain.message("sign_in-password")).to_have_attribute("data-state", "refused")
    yield "sign-in-kept-refused", plain
    plain.page.get_by_label("Password").fill(PASSWORD)
    plain.page.keyboard.press("Enter")
    expect(plain.page.locator("h1")).to_have_text("You are signed in")
    yield "sign-in-kept", plain
    other = world.join("signed_out_soon")
    other.edit("about_me").fill("half a thought")
    world.site.stored("DELETE FROM sessions WHERE user_id = (SELECT id FROM users WHERE username = 'signed_out_soon')")
    other.save("about_me")
    expect(other.page.get_by_role("dialog")).to_be_visible()
    yield "sign-in-dialog", other
    other.control("here-password").fill("wrong one")
    other.page.keyboard.press("Enter")
    expect(other.message("here-password")).to_have_attribute("data-state", "refused")
    world.proxy.rule("POST", "/login", "refuse")
    other.page.keyboard.press("Enter")
    expect(other.toast("cannot be reached")).to_be_visible()
    yield "sign-in-dialog-trouble", other
    world.proxy.calm()
    other.page.get_by_role("dialog").get_by_role("button", name="Close").click()
    other.toast("cannot be reached").get_by_role("button", name="Dismiss").click()
    expect(other.toast("Please sign in")).to_be_visible()
    yield "toast-sign-in", other
    other.toast("Please sign in").get_by_role("button", name="Sign in").click()
    other.control("here-password").fill(PASSWORD)
    other.page.keyboard.press("Enter")
    expect(other.toast("You are signed in again.")).to_be_visible()
    yield "toast-send-again", other


def _inbox(world: World) -> Iterator[tuple[str, Visitor]]:
    """The errors of the site itself, and a few worse ones."""
    log, now = Log(world.site.folder / "logs"), time.time()
    for number in range(60):
        at = now - 13 * 86_400 + number * 17_000
        log.fails("OperationalError", "0a11111111aa", at=at, user_id=number, route="/", reference="K7Q2F-9M4ZX")
    log.fails("ValueError" + "Long" * 12, "0b11111111bb", at=now - 5, route=f"/{'very/' * 12}long")
    log.fails("KeyError", "0c11111111cc", at=now - 90_000, route="/user/<username>")
    chief = world.join("chief")
    world.site.stored("UPDATE users SET role = 'administrator' WHERE username = 'chief'")
    chief.go("/admin/errors?state=ongoing")
    muted, resolved = chief.page.locator("#error-0a11111111aa"), chief.page.locator("#error-0c11111111cc")
    muted.get_by_role("button", name="Mute for a week").click()
    expect(chief.toast("Muted for a week.")).to_be_visible()
    resolved.get_by_role("button", name="Resolve").click()
    expect(chief.toast("Resolved in")).to_be_visible()
    yield "inbox-decided", chief
    log.fails("KeyError", "0c11111111cc", at=time.time() + 60, route="/user/<username>", reference="K7Q2F-9M4ZX")
    yield "inbox", chief.go("/admin/errors")
    yield "inbox-none-in-state", chief.go("/admin/errors?state=resolved")
    yield "inbox-error", chief.go("/admin/errors/0c11111111cc")
    yield "inbox-error-long", chief.go("/admin/errors/0b11111111bb")
    yield "inbox-error-muted", chief.go("/admin/errors/0a11111111aa")


def _logs(world: World) -> Iterator[tuple[str, Visitor]]:
    chief = world.join("log_reader")
    world.site.stored("UPDATE users SET role = 'administrator' WHERE username = 'log_reader'")
    yield "admin-logs", chief.go("/admin/logs?level=warning")
    chief.page.locator(".log-row summary").first.click()
    yield "admin-logs-open", chief
    yield "admin-logs-asked", chief.go("/admin/logs?q=method%3DPOST+status%21%3D303&since=2h&live=0")
    yield "admin-logs-empty", chief.go("/admin/logs?q=status%3D777")
    chief.go("/nope").go("/admin/logs?q=status%3D404")
    chief.page.locator(".log-row__ways a:has(code)").first.click()
    expect(chief.page.locator(".log-story")).to_be_visible()
    yield "admin-log-story", chief


def _people(world: World) -> Iterator[tuple[str, Visitor]]:
    """Following, blocking, muting, and what one is told of it."""
    cyra = world.join("cyra", display_name="Cyra")
    yield "news-empty", cyra.go("/notifications")
    yield "following-empty", cyra.go("/user/cyra/following")
    yield "settings-people-empty", cyra.go("/settings/people")
    yield "settings-notifications", cyra.go("/settings/notifications")
    yield "settings-locale", cyra.go("/settings/locale")
    cyra.page.get_by_label("Time zone").select_option("Asia/Tokyo")
    expect(cyra.page.locator("#time_zone-message")).to_contain_text("there now")
    yield "settings-locale-checked", cyra
    cyra.go("/user/nora").page.get_by_label("More about").click()
    yield "profile-menu", cyra
    cyra.page.locator("form.follow button").click()
    expect(cyra.page.locator(".counts")).to_contain_text("1 follower")
    cyra.page.mouse.move(0, 0)
    yield "profile-followed", cyra
    cyra.go("/user/extreme_name_of_thirty_chars__").page.locator("form.follow button").click()
    expect(cyra.page.locator(".counts")).to_contain_text("1 follower")
    yield "following", cyra.go("/user/cyra/following")
    cyra.page.locator(".listing .person").first.hover()
    expect(cyra.page.locator("#person-card")).to_be_visible()
    yield "card", cyra
    nora = world.join("nora_too")
    world.site.stored(
        "INSERT INTO posts (author_id, text, language, created_at, version, likes_count, replies_count) "
        "SELECT id, 'كتاب جميل ' || hex(randomblob(60)), 'ar', '2026-11-21 12:00:00', 1, 0, 0 FROM users "
        "WHERE username = 'nora_too'"
    )
    for kind in ("follow", "mention", "reply", "like"):
        post = "NULL" if kind == "follow" else "(SELECT max(id) FROM posts)"
        world.site.stored(
            "INSERT INTO notifications (user_id, kind, actor_id, post_id, created_at) "
            f"SELECT u.id, '{kind}', a.id, {post}, "
            "'2026-11-21 12:00:00' FROM users u, users a WHERE u.username = 'nora_too' AND a.username LIKE 'extreme%'"
        )
    world.site.stored("UPDATE users SET unread = 120 WHERE username = 'nora_too'")
    yield "badge", nora.go("/")
    nora.go("/notifications")
    expect(nora.page.locator("#news-read form")).to_have_count(0)
    yield "news", nora
    cyra.go("/user/bob").page.get_by_label("More about").click()
    cyra.page.get_by_role("button", name="Block").click()
    expect(cyra.toast("is blocked.")).to_be_visible()
    yield "profile-blocked", cyra
    yield "settings-people", cyra.go("/settings/people")
    world.site.stored(
        "INSERT INTO blocks (blocker_id, blocked_id, created_at) SELECT a.id, b.id, '2026-11-21 12:00:00' "
        "FROM users a, users b WHERE a.username = 'nora' AND b.username = 'cyra'"
    )
    yield "profile-not-available", cyra.go("/user/nora")
    cyra.go("/user/newcomer/report").page.get_by_role("button", name="Report").click()
    expect(cyra.message("reason")).to_have_attribute("data-state", "refused")
    yield "report-refused", cyra
    cyra.page.get_by_label("Harassment or hate").check()
    cyra.page.get_by_label("What should the moderators know?").fill(ABOUT)
    cyra.page.get_by_role("button", name="Report").click()
    expect(cyra.toast("Reported.")).to_be_visible()


def _moderation(world: World) -> Iterator[tuple[str, Visitor]]:
    mo = world.join("mo_derator")
    world.site.stored("UPDATE users SET role = 'moderator' WHERE username = 'mo_derator'")
    world.site.stored(
        "INSERT INTO reports (reporter_id, user_id, post_id, reason, note, created_at, decision) "
        "SELECT a.id, p.author_id, p.id, 'spam', '', '2026-11-21 12:00:00', '' "
        "FROM posts p, users a WHERE a.username LIKE 'extreme%'"
    )
    yield "reports", mo.go("/moderation")
    mo.page.get_by_role("button", name="Hide the post").first.click()
    expect(mo.toast("The post is hidden.")).to_be_visible()
    yield "reports-decided", mo
    number = world.site.profile("newcomer", "id")
    mo.go(f"/moderation/user/{number}").page.get_by_label("Why").fill("After two warnings")
    mo.page.get_by_role("button", name="Suspend the member").click()
    expect(mo.toast("is suspended")).to_be_visible()
    yield "moderation-user", mo
    yield "moderation-log", mo.go("/moderation/log")
    yield "profile-suspended", mo.go("/user/newcomer")
    yield "moderation-post", mo.go(f"/moderation/post/{world.site.stored('SELECT max(id) FROM posts')}")
    out = world.stranger("/login")
    out.control("username").fill("newcomer")
    out.control("password").fill(PASSWORD)
    out.page.keyboard.press("Enter")
    expect(out.toast("is suspended")).to_be_visible()
    yield "sign-in-suspended", out
