"""Posts in a real browser: what is typed, what is new, where one was, and the keys."""

from playwright.sync_api import expect

from microblog.models.graphemes import graphemes

SAMPLES = [
    "abc", "👩‍🚀🦊🎈", "e\u0301te\u0301", "🇳🇴🇩🇪🇳", "👍🏽👨‍👩‍👧‍👦", "क्षि नमस्ते", "한국어 각", "ไทย กำ",
    "❤️‍🔥", "日本語", "שלום", "مرحبا بكم", "தமிழ்", "বাংলা ক্ষ", "1️⃣ #️⃣", "a\u200db", "©️®️™️", "👁️‍🗨️",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "Ελληνικά", "“quotes” – dashes…",
    "ខ្មែរ", "မြန်မာ", "မြန်မာဘာသာ အက္ခရာ", "തമിഴ് മലയാളം", "తెలుగు క్ష", "ગુજરાતી ક્ષ", "ꦗꦮ ꦲꦏ꧀ꦱꦫ", "བོད་སྐད", "አማርኛ",
]  # fmt: skip


def follow(site, follower, *followed):
    for name in followed:
        site.stored(
            "INSERT INTO follows (follower_id, followed_id, created_at) "
            "SELECT a.id, b.id, '2026-11-01 00:00:00.000000' FROM users a, users b "
            "WHERE a.username = ? AND b.username = ?",
            follower.name,
            name.name,
        )


def fill(site, author, count):
    """So many posts, without the screen."""
    for number in range(count):
        site.stored(
            "INSERT INTO posts (author_id, text, language, created_at, version, likes_count, replies_count) "
            "SELECT id, ?, '', '2026-11-01 12:00:00.000000', 1, 0, 0 FROM users WHERE username = ?",
            f"Post number {number}.\nWith a second line.",
            author.name,
        )


def texts(visitor):
    return visitor.page.locator("#timeline > .post .post__text").all_inner_texts()


def write(visitor, text):
    visitor.page.locator("#composer-text").fill(text)
    visitor.page.keyboard.press("Control+Enter")
    expect(visitor.page.locator("#timeline > .post").first).to_contain_text(text)


def test_it_works(member):
    """Write with the counter, edit, like, delete, Undo."""
    ana = member("writer").go("/")
    page, field = ana.page, ana.page.locator("#composer-text")
    counter = page.locator("#composer .control__counter")
    field.fill("👩‍🚀" * 490)
    expect(counter).to_have_text("10")
    field.fill("👩‍🚀" * 501)
    expect(counter).to_have_text("-1")
    ana.allow(422)
    field.press("Control+Enter")
    expect(page.locator("#composer-text-message")).to_contain_text("1 character too many")
    assert field.input_value() == "👩‍🚀" * 501
    field.fill("First, with <b>markup</b>\nand a second line")
    ana.go("/")
    expect(page.locator("#composer .draft")).to_contain_text("Restored")
    field.press("Control+Enter")
    post = page.locator("#timeline > .post")
    expect(post).to_have_count(1)
    expect(post.locator(".post__text")).to_have_text(
        "First, with <b>markup</b>\nand a second line", use_inner_text=True
    )
    expect(field).to_have_value("")
    expect(field).to_be_focused()
    expect(ana.toast("Posted.")).to_be_visible()

    page.get_by_label("More", exact=True).click()
    post.get_by_role("link", name="Edit").click()
    editor = post.locator("textarea")
    expect(editor).to_be_focused()
    editor.fill("Second thoughts")
    page.keyboard.press("Control+Enter")
    expect(post.locator(".post__text")).to_have_text("Second thoughts")
    expect(post.locator(".post__edited")).to_be_visible()

    like = post.get_by_role("button", name="Like")
    like.click()
    expect(like).to_have_attribute("aria-pressed", "true")
    expect(like).to_have_text("1")
    expect(like).to_be_focused()
    like.click()
    expect(like).to_have_attribute("aria-pressed", "false")

    page.get_by_label("More", exact=True).click()
    post.get_by_role("button", name="Delete").click()
    expect(post).to_contain_text("You have deleted this post.")
    ana.toast("Post deleted.").get_by_role("button", name="Undo").click()
    expect(post.locator(".post__text")).to_have_text("Second thoughts")
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft:')).length") == 0


def test_two_people(member, site):
    """Each sees the other's post through the pill, and what is being read does not move."""
    ana, bo = member("reader"), member("writer")
    follow(site, ana, bo)
    follow(site, bo, ana)
    fill(site, bo, 12)
    ana.go("/")
    bo.go("/")
    write(bo, "News from Bo")
    ana.page.locator("#timeline > .post").nth(5).focus()
    seen = ana.page.locator("#timeline > .post").nth(5)
    number, place = seen.get_attribute("id"), seen.bounding_box()["y"]
    assert ana.page.evaluate("scrollY") > 0
    ana.page.locator("[data-newer]").dispatch_event("look")
    pill = ana.page.get_by_role("link", name="1 new post")
    expect(pill).to_be_visible()
    pill.dispatch_event("click")  # Playwright's own click scrolls a little
    expect(ana.page.locator("#timeline > .post")).to_have_count(13)
    expect(pill).to_have_count(0)
    assert texts(ana)[0] == "News from Bo"
    assert abs(ana.page.locator(f"#{number}").bounding_box()["y"] - place) < 2
    ana.page.locator("[data-newer]").dispatch_event("look")
    write(ana, "Answer from Ana")
    bo.page.locator("[data-newer]").dispatch_event("look")
    bo.page.get_by_role("link", name="1 new post").click()
    expect(bo.page.locator("#timeline > .post").first).to_contain_text("Answer from Ana")

    bo.page.locator("#timeline > .post").first.get_by_role("link", name="Reply").click()
    answer = bo.page.locator("#timeline > .post").first.locator("textarea")
    expect(answer).to_be_focused()
    answer.fill("And back to Ana")
    bo.page.keyboard.press("Control+Enter")
    expect(bo.page.locator("#timeline > .post").nth(1)).to_contain_text("And back to Ana")
    expect(bo.page.locator("#timeline > .post").first.locator(".act--reply")).to_have_text("1")


def test_back_keeps_the_place(member, site):
    ana, bo = member("reader"), member("writer")
    follow(site, ana, bo)
    fill(site, bo, 60)
    page = ana.go("/").page
    posts = page.locator("#timeline > .post")
    expect(posts).to_have_count(25)
    page.locator("#older").scroll_into_view_if_needed()
    expect(posts).to_have_count(50)
    page.locator("#older").scroll_into_view_if_needed()
    expect(posts).to_have_count(60)
    expect(page.locator("#older")).to_have_count(0)
    assert page.url.endswith("/?show=60")
    place = posts.nth(40)
    place.scroll_into_view_if_needed()
    number, top = place.get_attribute("id"), place.bounding_box()["y"]
    place.locator(".post__time").click()
    expect(page.locator(".answers")).to_be_visible()
    page.go_back()
    expect(posts).to_have_count(60)
    page.wait_for_function(
        "([id, top]) => Math.abs(document.getElementById(id).getBoundingClientRect().top - top) < 3", arg=[number, top]
    )


def test_the_keys(member, site):
    ana = member("keys")
    fill(site, ana, 3)
    page = ana.go("/").page
    posts = page.locator("#timeline > .post")
    page.locator("#composer-text").fill("j")
    page.keyboard.type("jlr?")
    expect(page.locator("#composer-text")).to_have_value("jjlr?")
    page.locator("#composer-text").fill("")
    page.locator("#composer-text").blur()
    page.keyboard.press("j")
    expect(posts.nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(posts.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(posts.nth(0)).to_be_focused()
    page.keyboard.press("l")
    expect(posts.nth(0).locator(".act--like")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("the next post")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("j")
    page.keyboard.press("r")
    expect(page.locator(".post .composer__text")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".post .composer")).to_have_count(0)


def test_both_sides_count_alike(visit):
    page = visit().go("/login").page
    counts = page.evaluate(
        "(texts) => texts.map((text) => [...new Intl.Segmenter('en').segment(text)].length)", SAMPLES
    )
    assert {text: graphemes(text) for text in SAMPLES} == dict(zip(SAMPLES, counts, strict=True))


def test_without_javascript(member):
    ana = member("plain", javascript=False).go("/post")
    page = ana.page
    page.get_by_label("What is new?").fill("Written\nplainly")
    page.get_by_role("button", name="Post").click()
    post = page.locator("#timeline > .post")
    expect(post.locator(".post__text")).to_have_text("Written\nplainly", use_inner_text=True)
    post.get_by_role("button", name="Like").click()
    expect(post.get_by_role("button", name="Like")).to_have_attribute("aria-pressed", "true")
    post.get_by_label("More", exact=True).click()
    post.get_by_role("button", name="Delete").click()
    expect(post).to_have_count(0)
    ana.toast("Post deleted.").get_by_role("button", name="Undo").click()
    expect(page.locator(".post__text")).to_have_text("Written\nplainly", use_inner_text=True)


def test_a_lost_answer(member, site, proxy):
    """The post was written, and no answer came: the page finds out, fetches it, and there is one post."""
    ana = member("unlucky", proxy).go("/")
    ana.allow("net")
    proxy.rule("POST", "/post", "lost", times=1)
    ana.page.locator("#composer-text").fill("Lost on the way back")
    ana.page.keyboard.press("Control+Enter")
    expect(ana.page.locator("#timeline > .post")).to_have_count(1)
    expect(ana.page.locator("#composer-text")).to_have_value("")
    assert site.stored("SELECT count(*) FROM posts WHERE text = 'Lost on the way back'") == 1


def test_what_could_not_be_sent_stays_and_is_sent_once(member, site, proxy):
    ana = member("unlucky", proxy).go("/")
    ana.allow("net", 502)
    field = ana.page.locator("#composer-text")
    proxy.rule("POST", "/post", "502", times=1)
    field.fill("Written in a tunnel")
    field.press("Control+Enter")
    expect(ana.toast("not answering")).to_be_visible()
    expect(field).to_have_value("Written in a tunnel")
    ana.toast("not answering").get_by_role("button", name="Send again").click()
    expect(ana.page.locator("#timeline > .post")).to_have_count(1)
    expect(field).to_have_value("")
    count = "SELECT count(*) FROM posts WHERE text = 'Written in a tunnel'"
    assert site.stored(count) == 1


def test_an_answer_in_a_conversation(member, site):
    """It takes its place in the tree, and nothing that is being read moves; nor when more answers come."""
    ana, bo = member("reader"), member("writer")
    fill(site, bo, 1)
    first = site.stored("SELECT max(id) FROM posts")
    for _ in range(2):  # direct answers, and one to each of them
        site.stored(
            "INSERT INTO posts (author_id, text, language, thread_id, reply_to_id, created_at, version, likes_count, "
            "replies_count) SELECT author_id, 'Below ' || id, '', ?, id, created_at, 1, 0, 0 FROM posts WHERE id >= ?",
            first,
            first,
        )
    for _ in range(40):
        site.stored(
            "INSERT INTO posts (author_id, text, language, thread_id, reply_to_id, created_at, version, likes_count, "
            "replies_count) SELECT author_id, 'One of many', '', id, id, created_at, 1, 0, 0 FROM posts WHERE id = ?",
            first,
        )
    page = ana.go(f"/post/{first}").page
    below = page.locator(f"#post-{first + 1}-branch")
    expect(below.locator(".post")).to_have_count(1)
    nested = below.locator(".post").first
    nested.get_by_role("link", name="Reply").click()
    expect(nested.locator("textarea")).to_be_focused()
    place = nested.bounding_box()["y"]
    nested.locator("textarea").fill("Right here")
    page.keyboard.press("Control+Enter")
    answer = below.locator(".branch .post")
    expect(answer).to_contain_text("Right here")
    expect(nested.locator("textarea")).to_have_count(0)
    expect(nested.locator(".act--reply")).to_be_focused()
    assert abs(nested.bounding_box()["y"] - place) < 2
    posts = page.locator("#timeline > .said")
    expect(posts).to_have_count(25)
    page.locator("#older").scroll_into_view_if_needed()
    seen = posts.nth(24).bounding_box()["y"]
    page.get_by_role("link", name="More answers").click()
    expect(posts).to_have_count(42)
    assert abs(posts.nth(24).bounding_box()["y"] - seen) < 2
    assert page.url.endswith(f"/post/{first}?show=50")
    page.locator(f"#composer-{first} textarea").fill("After all others")
    page.locator(f"#composer-{first} .button--primary").click()
    expect(posts.last).to_contain_text("After all others")
    page.reload()
    expect(posts).to_have_count(43)
    expect(answer).to_contain_text("Right here")
