"""Reading profiles."""


def test_it_works(browser, person):
    person("ana", display_name="Ana Ñandú", about_me="Hello\nthere", location="Oslo", website="https://example.org/")
    page = browser.get("/user/ana")

    assert page.said("h1") == "Ana Ñandú"
    assert "@ana" in page.said()
    assert page.one("#field-website a")["href"] == "https://example.org/"
    assert page.said("#field-website") == "example.org"


def test_any_case_leads_to_the_right_one(browser, ana):
    page = browser.get("/user/ANA")
    assert (page.status, page.headers["Location"]) == (301, "/user/ana")


def test_nobody_there_is_404(browser):
    for path in ("/user/nobody", "/user/" + "x" * 200, "/user/%00", "/user/%FF", "/user/a%2Fb"):
        page = browser.get(path)
        assert page.status == 404, path
        assert page.is_page


def test_costs_the_same_for_everybody(browser, person, records):
    for number in range(20):
        person(f"name_{number}")
    browser.sign_in("name_3")
    for path, most in (("/", 3), ("/user/name_3", 3), ("/user/name_5", 3), ("/edit_profile", 1)):
        page = browser.get(path)
        line = records("request.finished", reference=page.reference)[0]
        assert line["sql_count"] <= most, (path, line)


def test_the_member_has_an_identicon_until_they_upload(browser, ana):
    source = browser.get("/user/ana").one("#field-avatar img")["src"]
    page = browser.get(source)
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("image/svg+xml")
    assert "immutable" in page.headers["Cache-Control"]
