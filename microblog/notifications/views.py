"""The page of notifications, how many are unread, and of what one wants to be told."""

from flask import Response, g, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from microblog.extensions import db, writing
from microblog.models import news
from microblog.models.errors import Repeated
from microblog.models.notification import KINDS, Notification
from microblog.notifications import bp
from microblog.web.access import login_required
from microblog.web.htmx import leave_to, wants_fragment
from microblog.web.pages import number, sent_number
from microblog.web.times import zone_of_viewer
from microblog.web.toasts import Toast, keep_for_next_page

LABELS = {
    "mention": "Somebody mentions me in a post",
    "reply": "Somebody answers a post of mine",
    "like": "Somebody likes a post of mine",
    "follow": "Somebody follows me",
}


@bp.get("/notifications")
@login_required
def index() -> ResponseReturnValue:
    """By day, the latest first. Looking changes nothing: the page sends a form that says how far it was read."""
    found, more = news.page(current_user.id, number("before"))
    link = f"/notifications?before={more}" if more else ""
    days = news.by_day(found, zone_of_viewer())
    if wants_fragment() and number("before"):
        return render_template("notifications/more.swaps.html", days=days, more=link, named=news.NAMED)
    newest = found[0].id if found else 0
    unread = current_user.unread if number("before") is None else 0
    return render_template(
        "notifications/index.html",
        days=days,
        more=link,
        named=news.NAMED,
        unread=unread,
        until=newest if unread else None,
        first=number("before") is None,
    )


@bp.post("/notifications/read")
@login_required
def read() -> ResponseReturnValue:
    """What is shown on the page was read; what came since was not."""
    try:
        with writing():
            Notification.read_all(current_user.id, until=sent_number("until"))
            db.session.commit()
    except Repeated:
        pass  # read before; the answer is the same
    if not wants_fragment():
        return leave_to("notifications.index")
    db.session.refresh(current_user, ["unread"])
    return render_template("notifications/read.swaps.html", unread=current_user.unread)


@bp.get("/notifications/unread")
def unread() -> ResponseReturnValue:
    """How many are unread, for a page that is open; 204 where it knows already. One statement, that of the session.

    A page that merely stands open is nobody who is here: it neither counts as "last seen" nor keeps a session alive.
    """
    g.pop("seen_session", None)
    count = g.viewer.unread if g.viewer else 0
    if request.args.get("seen") == str(count):
        return Response(status=204)
    return jsonify(unread=count)


@bp.route("/settings/notifications", methods=["GET", "POST"])
@login_required
def settings() -> ResponseReturnValue:
    """Of what one wants to be told."""
    if request.method == "GET":
        chosen = {kind for kind in KINDS if current_user.notify.get(kind) is not False}
        return render_template("notifications/settings.html", labels=LABELS, chosen=chosen)
    wanted = {kind for kind in KINDS if request.form.get(kind)}
    try:
        with writing():
            Notification.choose(current_user.id, wanted)
            db.session.commit()
    except Repeated:
        pass  # saved before; the answer is the same
    toast = Toast("Notifications saved.")
    if not wants_fragment():
        keep_for_next_page(toast)
        return leave_to("notifications.settings")
    return make_response(render_template("notifications/saved.swaps.html", labels=LABELS, chosen=wanted, toast=toast))
