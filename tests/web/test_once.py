"""A form is answered once: every repeat of it is told what became of the first."""

import json
from datetime import timedelta

import pytest
from flask import abort, request
from sqlalchemy import func, select, update

from microblog.extensions import db, writing
from microblog.models import Outcome, Session, User
from microblog.models.columns import now
from microblog.models.errors import Gone, Taken
from microblog.models.outcome import is_key, new_key
from tests.conftest import PASSWORD

ABOUT = "/edit_profile/about_me"
NEW = {"username": "nora", "email": "nora@example.org", "password": PASSWORD}


def edit(browser, field="about_me"):
    return browser.hx_get(f"/edit_profile/{field}").values()


def cookie(browser):
    return browser.client.get_cookie("session").value


def saved(browser, form):
    return browser.get(f"/outcome?key={form['once']}").json["saved"]


def test_it_works(browser, ana, stored, records):
    browser.sign_in(ana)
    form = edit(browser) | {"about_me": "Bergen"}
    assert not saved(browser, form)
    first, again = (browser.hx_post(ABOUT, data=form) for _ in range(2))

    assert (first.status, again.status) == (200, 200)
    for page in (first, again):
        assert page.said(".toast__words") == "About me saved."
        assert page.one("form[data-undo] [name=version]")["value"] == "2"
        assert page.one("form[data-undo] [name=about_me]")["value"] == ""
    assert first.headers["HX-Trigger"] == again.headers["HX-Trigger"]
    assert stored(select(User.version)) == 2
    assert len(records("profile.saved")) == 1
    assert [r["reference"] for r in records("request.repeated")] == [again.reference]
    assert saved(browser, form)


@pytest.mark.parametrize("path", [ABOUT, "/edit_profile"])
def test_as_a_page_without_javascript(browser, ana, stored, records, path):
    browser.sign_in(ana)
    form = browser.get(path).values("#main form") | {"about_me": "Bergen"}
    for _ in range(3):  # Back and reload, "send the form again?": yes
        page = browser.post(path, data=form)
        assert (page.status, page.headers["Location"]) == (303, "/user/ana")
        assert "saved." in browser.get("/user/ana").said("#toasts > .toast .toast__words")
    assert stored(select(User.version)) == 2
    assert (len(records("profile.saved")), len(records("request.repeated"))) == (1, 2)


def test_an_undo_happens_once(browser, ana, stored, records):
    browser.sign_in(ana)
    undo = browser.hx_post(ABOUT, data=edit(browser) | {"about_me": "new"}).values("form[data-undo]")
    pages = [browser.hx_post(ABOUT, data=undo) for _ in range(2)]
    assert [page.said(".toast__words") for page in pages] == ["About me put back."] * 2
    assert (stored(select(User.about_me)), stored(select(User.version))) == ("", 3)
    assert len(records("profile.undone")) == 1


@pytest.mark.parametrize("path", [ABOUT, "/edit_profile"])
def test_other_words_are_another_change_and_no_conflict_with_oneself(browser, ana, stored, records, path):
    browser.sign_in(ana)
    form = browser.get(path).values("#main form")
    for number, words in enumerate(("half a thought", "a whole thought", ""), 1):  # the last: as it began
        assert browser.hx_post(path, data=form | {"about_me": words}).status in (200, 204), words
        assert (stored(select(User.about_me)), stored(select(User.version))) == (words, number + 1)
    assert not records("request.repeated")


def test_what_another_tab_saved_is_still_a_conflict(browser, ana, stored):
    browser.sign_in(ana)
    form, other = edit(browser), edit(browser)
    browser.hx_post(ABOUT, data=form | {"about_me": "mine"})
    other["version"] = str(stored(select(User.version)))
    browser.hx_post(ABOUT, data=other | {"about_me": "from the other tab"})
    assert browser.hx_post(ABOUT, data=form | {"about_me": "mine, longer"}).status == 409
    page = browser.hx_post(ABOUT, data=form | {"about_me": "mine"})
    assert page.status == 200, "that had happened"
    assert page.said("#field-about_me") == "from the other tab", "and what is there now is shown"
    # An editor that stayed open goes on from what it saved itself, not from what the other tab did.
    assert json.loads(page.headers["HX-Trigger"])["field:saved"]["version"] == 2


def test_keys_of_another_member_are_useless(browser, another_browser, ana, bo, stored):
    browser.sign_in(ana)
    form = edit(browser) | {"about_me": "by ana"}
    del form["person"]  # the one thing that would tell theirs apart
    browser.hx_post(ABOUT, data=form)
    another_browser.get("/login")
    assert not saved(another_browser, form), "a stranger"
    another_browser.sign_in(bo)
    assert not saved(another_browser, form)
    theirs = edit(another_browser) | {"about_me": "by bo", "once": form["once"]}
    assert another_browser.hx_post(ABOUT, data=theirs).status == 200
    assert stored(select(User.about_me).where(User.id == bo.id)) == "by bo"
    copied = form | {"csrf_token": another_browser.token}
    assert another_browser.hx_post(ABOUT, data=copied).status == 200
    assert "by ana" in another_browser.hx_post(ABOUT, data=copied).text
    assert stored(select(User.about_me).where(User.id == bo.id)) == "by ana"
    assert stored(select(User.version).where(User.id == ana.id)) == 2


def test_a_refusal_leaves_the_key_free(browser, ana, stored, records, route):
    browser.sign_in(ana)
    form = edit(browser)
    assert browser.hx_post(ABOUT, data=form | {"about_me": "x" * 141}).status == 422
    assert browser.hx_post(ABOUT, data=form | {"about_me": "x", "person": "999"}).status == 403
    assert not saved(browser, form)

    failing = [True]

    def view():
        with writing():
            db.session.get(User, ana.id).location = "Oslo"
            db.session.flush()
            if failing:
                failing.pop()
                raise ZeroDivisionError
            db.session.commit()
        return "done"

    route("/flaky", view)
    assert browser.hx_post("/flaky", once=form["once"]).status == 500
    assert not saved(browser, form)
    assert browser.hx_post("/flaky", once=form["once"]).text == "done"
    assert saved(browser, form)
    assert not records("request.repeated")


def test_a_view_that_says_nothing_about_repeats(browser, ana, stored, records, route):
    """Also where the first answer was never made: the process was killed after the commit, say."""
    browser.sign_in(ana)

    def view():
        with writing():
            db.session.get(User, ana.id).location += "x"
            db.session.commit()
        raise SystemExit  # no answer

    route("/new_feature", view)
    key = new_key()
    assert browser.hx_post("/new_feature", once=key).status == 500
    fragment = browser.hx_post("/new_feature", once=key)
    assert (fragment.status, fragment.said(".toast__words")) == (200, "It was saved.")
    assert (fragment.headers["HX-Retarget"], fragment.headers["HX-Reswap"]) == ("#toasts", "beforeend")
    page = browser.post("/new_feature", once=key, headers={"Referer": "http://localhost/edit_profile"})
    assert (page.status, page.headers["Location"]) == (303, "/edit_profile")
    assert "It was saved." in browser.get("/edit_profile").text
    assert browser.post("/new_feature", once=key, headers={"Accept": "application/json"}).json == {"saved": True}
    assert stored(select(User.location)) == "x"
    assert len(records("request.repeated")) == 3


# Refused: because of what the first one did, or not


def refusing(kind):
    """A view that looks before it writes, and knows nothing of repeats."""

    def view():
        if db.session.scalar(select(User.location)):
            if kind == "raised":
                raise Taken("Somebody was first.", "location")
            if kind == "aborted":
                abort(404, "It is not here any more.")
            return "<form>taken</form>", 422
        with writing():
            db.session.scalar(select(User)).location = request.form["location"]
            db.session.commit()
        return "done"

    return view


@pytest.mark.parametrize("kind", ["raised", "aborted", "returned"])
def test_a_view_that_refuses_what_it_has_done(browser, ana, stored, records, route, kind):
    browser.sign_in(ana)
    route("/new_feature", refusing(kind))
    form = {"once": new_key(), "location": "Bergen"}
    assert browser.hx_post("/new_feature", data=form).text == "done"
    page = browser.hx_post("/new_feature", data=form)
    assert (page.status, page.said(".toast__words")) == (200, "It was saved.")
    assert browser.post("/new_feature", data=form, headers={"Accept": "application/json"}).json == {"saved": True}
    assert len(records("request.repeated")) == 2
    status = 404 if kind == "aborted" else 422
    for other in (form | {"location": "Oslo"}, form | {"once": new_key()}, {"location": "Bergen"}):
        assert browser.hx_post("/new_feature", data=other).status == status, "another form, refused for good reason"
    assert browser.hx_post("/new_feature", data=form | {"password": "x"}).status == status, "perhaps another form"
    assert stored(select(User.location)) == "Bergen"


def test_what_was_done_by_this_very_request_did_not_arrive_twice(browser, ana, stored, records, route):
    browser.sign_in(ana)

    def view():
        with writing():
            db.session.get(User, ana.id).location = "Bergen"
            db.session.commit()
        raise Gone("What you answered is gone.")

    route("/new_feature", view)
    assert browser.hx_post("/new_feature", once=new_key()).status == 410
    assert not records("request.repeated")


@pytest.mark.parametrize("path", ["/edit_profile/username", "/edit_profile"])
def test_a_rename_again_when_the_name_is_somebody_else_s(browser, another_browser, ana, bo, app, changed, stored, path):
    app.config["SETTINGS"] = changed(profile={"former_name_days": 0})
    browser.sign_in(ana)
    another_browser.sign_in(bo)
    form = browser.get(path).values("#main form") | {"username": "wanted"}
    first = browser.hx_post(path, data=form)
    assert first.status in (200, 204)
    browser.hx_post("/edit_profile/username", data=edit(browser, "username") | {"username": "ana"})
    taken = another_browser.hx_post(
        "/edit_profile/username", data=edit(another_browser, "username") | {"username": "wanted"}
    )
    assert taken.status == 200

    page = browser.hx_post(path, data=form)
    assert page.status == first.status
    if path == "/edit_profile":
        assert page.headers["HX-Redirect"] == "/user/ana", "as they are called now"
    else:
        assert page.said(".toast__words") == "Username saved."
    assert browser.hx_post(path, data=form | {"once": new_key()}).status == 422
    assert stored(select(User.username).where(User.id == ana.id)) == "ana"


def test_a_refusal_costs_one_statement_more_with_a_key(browser, ana, bo, records):
    browser.sign_in(ana)

    def statements(**values):
        page = browser.hx_post("/edit_profile/username", data=edit(browser, "username") | values)
        (line,) = records("request.finished", reference=page.reference)
        return page.status, line["sql_count"]

    without, keyed = statements(username="bo_", once=""), statements(username="bo_")
    assert (without[0], keyed[0]) == (422, 422)
    assert keyed[1] == without[1] + 1


# Accounts: the cookie of a lost answer is lost too


def test_registering_again_after_a_lost_answer(browser, stored, records):
    form = browser.get("/register").values("#register-form") | NEW
    before = cookie(browser)
    assert browser.post("/register", data=form).status == 303
    won = cookie(browser)
    browser.client.set_cookie("session", before)
    page = browser.post("/register", data=form)

    assert (page.status, page.headers["Location"]) == (303, "/user/nora")
    assert "Welcome, nora." in browser.get("/edit_profile").said("#toasts"), "signed in"
    browser.client.set_cookie("session", won)
    assert browser.get("/edit_profile").status == 200, "whichever answer came last"
    counts = [stored(select(func.count()).select_from(table)) for table in (User, Session)]
    assert counts == [1, 1]
    assert len(records("user.registered")) == 1


def test_registering_again_needs_the_password(browser, stored, records):
    form = browser.get("/register").values("#register-form") | NEW
    before = cookie(browser)
    browser.post("/register", data=form)
    for changed in ({"password": "another password"}, {"once": new_key()}, {"email": "eve@example.org"}):
        browser.client.set_cookie("session", before)
        page = browser.hx_post("/register", data=form | changed)
        assert page.status == 422
        assert "taken" in page.said("#username-message")
        assert browser.get("/edit_profile").status == 302
    assert stored(select(func.count(Session.id))) == 1


def test_a_registration_refused_for_haste_is_still_told_of_its_first_outcome(browser, app, changed):
    app.config["SETTINGS"] = changed(security={"registrations": 1})
    form = browser.get("/register").values("#register-form") | NEW
    before = cookie(browser)
    assert [browser.post("/register", data=form).status, browser.client.set_cookie("session", before)][0] == 303
    assert browser.post("/register", data=form).status == 303


def test_registering_again_with_a_wrong_password_counts_as_at_the_sign_in(browser, app, changed, records):
    app.config["SETTINGS"] = changed(security={"login_attempts": 3})
    form = browser.get("/register").values("#register-form") | NEW
    before = cookie(browser)
    browser.post("/register", data=form)
    for status in (422, 422, 422, 429):
        browser.client.set_cookie("session", before)
        assert browser.hx_post("/register", data=form | {"password": "another password"}).status == status
    assert browser.hx_post("/register", data=form).status == 429, "also with the right one"
    assert browser.hx_post("/login", username="nora", password=PASSWORD).status == 429
    assert len(records("sign_in.failed")) == 3


def test_registering_again_with_the_cookie_of_the_first_time(browser, stored):
    """Whoever was a stranger then is a member now; the form is still theirs."""
    form = browser.get("/register").values("#register-form") | NEW
    browser.post("/register", data=form)
    browser.get("/edit_profile")  # the token of this session
    page = browser.post("/register", data=form | {"csrf_token": browser.token})
    assert (page.status, page.headers["Location"]) == (303, "/user/nora")
    assert browser.get("/edit_profile").status == 200
    assert stored(select(func.count(User.id))) == 1


def test_signing_in_again_is_refused_as_before(browser, ana, app, changed):
    """Its key does not prove the password."""
    app.config["SETTINGS"] = changed(security={"login_attempts": 2})
    form = browser.get("/login").values("#login-form") | {"username": "ana", "password": PASSWORD}
    before = cookie(browser)
    assert browser.post("/login", data=form).status == 303
    for password, status in (("", 422), ("wrong one", 401), ("wrong two", 401), (PASSWORD, 429)):
        browser.client.set_cookie("session", before)
        assert browser.hx_post("/login", data=form | {"password": password}).status == status


def test_signing_in_again_after_a_lost_answer(browser, ana, stored, records):
    form = browser.get("/login").values("#login-form") | {"username": "ana", "password": PASSWORD}
    before = cookie(browser)
    assert browser.post("/login", data=form | {"password": "wrong one"}).status == 401, "and the key is still free"
    assert browser.post("/login", data=form).status == 303
    won = cookie(browser)
    browser.client.set_cookie("session", before)
    assert browser.post("/login", data=form).status == 303
    for each in (cookie(browser), won):
        browser.client.set_cookie("session", each)
        assert browser.get("/edit_profile").status == 200
    assert stored(select(func.count(Session.id))) == 1
    assert len(records("sign_in.succeeded")) == 1

    browser.post("/logout")
    browser.client.set_cookie("session", before)
    assert browser.post("/login", data=form).status == 303
    assert browser.get("/edit_profile").status == 200
    browser.client.set_cookie("session", won)
    assert browser.get("/edit_profile").status == 302, "what was ended stays ended"


def test_signing_out_twice(browser, ana, stored):
    browser.sign_in(ana)
    form, before = browser.get("/").values("form[action='/logout']"), cookie(browser)
    assert browser.post("/logout", data=form).headers["Location"] == "/"
    browser.client.set_cookie("session", before)
    assert browser.post("/logout", data=form).headers["Location"] == "/"
    assert stored(select(func.count(Session.id))) == 0


# What is kept


def test_nothing_secret_is_kept(browser, stored, app):
    form = browser.get("/register").values("#register-form") | NEW
    browser.post("/register", data=form)
    edited = edit(browser) | {"about_me": "typed words"}
    browser.hx_post(ABOUT, data=edited)
    with app.app_context():
        rows = [vars(row) for row in db.session.scalars(select(Outcome))]
    assert len(rows) == 2
    told = repr(rows)
    for secret in (form["once"], edited["once"], PASSWORD, "nora@", form["csrf_token"], cookie(browser), "typed words"):
        assert secret not in told


def test_bookkeeping_does_not_take_the_key(browser, ana, app, stored):
    form = browser.get("/login").values("#login-form") | {"username": "ana"}
    browser.hx_post("/login", data=form | {"password": "wrong one"})
    browser.post("/login", data=form | {"password": PASSWORD})
    with app.app_context(), writing():
        db.session.execute(update(Session).values(last_seen_at=now() - timedelta(hours=1)))
        db.session.commit()
    count = stored(select(func.count()).select_from(Outcome))
    browser.hx_post("/edit_profile/location/check", data=edit(browser, "location") | {"location": "x"})
    assert stored(select(func.count()).select_from(Outcome)) == count == 1, "the sign-in"


def test_a_day_later_it_is_forgotten(browser, ana, app, stored, monkeypatch):
    monkeypatch.setattr("microblog.models.outcome.SWEPT_EVERY", 1)
    browser.sign_in(ana)
    form = edit(browser) | {"about_me": "Bergen"}
    browser.hx_post(ABOUT, data=form)
    with app.app_context(), writing():
        db.session.execute(update(Outcome).values(created_at=now() - timedelta(hours=25)))
        db.session.commit()
    browser.hx_post("/edit_profile/location", data=edit(browser, "location") | {"location": "Oslo"})
    assert stored(select(func.count()).select_from(Outcome)) == 1
    assert not saved(browser, form)


def test_what_is_no_key(browser, ana, stored):
    """Somebody's own idea of a key would meet other people's; such a form is one without a key."""
    browser.sign_in(ana)
    for key in ("", "1", "x" * 21, "x" * 65, "é" * 30, "a b" * 10, "x" * 22 + "\0"):
        assert not is_key(key)
        assert browser.hx_post(ABOUT, data=edit(browser) | {"about_me": key[:3], "once": key}).status in (200, 422)
        assert browser.get("/outcome", query_string={"key": key}).json == {"saved": False}
    assert browser.get("/outcome").json == {"saved": False}
    assert is_key(new_key())
    assert len({new_key() for _ in range(1000)}) == 1000


def test_the_question_costs_one_statement(browser, ana, records, monkeypatch):
    monkeypatch.setattr("microblog.models.outcome.SWEPT_EVERY", 10**12)
    browser.sign_in(ana)
    form = edit(browser) | {"about_me": "Bergen"}
    page = browser.hx_post(ABOUT, data=form)
    assert records("request.finished", reference=page.reference)[0]["sql_count"] <= 8
    page = browser.get(f"/outcome?key={form['once']}")
    (line,) = records("request.finished", reference=page.reference)
    assert (line["sql_count"], line["level"]) == (2, "info"), "who asks, and the question"
    assert form["once"] not in json.dumps(records()), "a key is as good as what it was made for: it is in no log"
    assert page.headers["Cache-Control"] == "no-store"


def test_every_form_has_a_key_of_its_own(browser, ana, route):
    """Each form of each page that a test opens must have one (support/inspection.py); here they must differ."""

    def keys(page):
        return [tag["value"] for tag in page.all('input[name="once"]')]

    seen = keys(browser.get("/login")) + keys(browser.get("/register"))
    browser.sign_in(ana)
    for path in ("/", "/user/ana", "/edit_profile", "/edit_profile/avatar", ABOUT, ABOUT):
        seen += keys(browser.get(path))
    seen += keys(browser.hx_post(ABOUT, data=edit(browser) | {"about_me": "x"}))
    assert len(seen) == len(set(seen)) >= 13

    def broken():
        raise ZeroDivisionError

    route("/broken", broken)
    page = browser.post("/broken", once=seen[0], about_me="typed")
    assert page.one('form.kept input[name="once"]')["value"] == seen[0], "the second try is the same form"
    assert page.one('form.kept input[name="once"]')["type"] == "hidden"
    assert is_key(browser.post("/broken", about_me="typed").one('form.kept input[name="once"]')["value"])
