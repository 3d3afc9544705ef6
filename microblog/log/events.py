"""The catalogue: every event the program may log, with its level, its keys and what it means to the operator.

Names are ``noun.verb_past``. A call site hands over the constant and plain keys::

    log.info(events.PROFILE_SAVED, user_id=user.id, fields=["location"])

so that `grep '"event":"profile.saved"'` finds every one, and nothing is ever interpolated into the name.
tests/logs/test_catalogue.py compares every call in the program with this file; docs/logs.md shows it as a table.
"""

from collections.abc import Iterator

from microblog.log.event import Event

# What every record may carry besides the keys of its event: (key, meaning). The first five stand first, in this order.
CANONICAL = {
    "timestamp": "when, ISO 8601 in UTC with milliseconds",
    "level": "`debug`, `info`, `warning`, `error` or `critical`",
    "event": "what happened: a name of the table below, or the text of another library",
    "logger": "the module that says so",
    "reference": "the code the person was shown; the same in every record of one request",
}
CONTEXT = {
    "method": "of the request that was answered meanwhile",
    "route": "the pattern of its address, such as `/user/<username>`",
    "user_id": "who was signed in",
    "exception": "a list, what was raised and then what caused it: `type`, `module`, `message`, `frames`; no locals",
    "fingerprint": "12 hex digits: the same for the same kind of failure at the same place",
    "drill": "`true` where `manage.py drill` asked for the error: it counts nowhere",
    "stack": "where the program was, where no exception tells it",
    "truncated": "`true` where values were shortened to keep the line below 64 KB",
}


# --- requests ---------------------------------------------------------------------------------------------------------
REQUEST_FINISHED = Event(
    "request.finished",
    "info",
    "address answer bytes code complete endpoint fragment hx_source method ms page path route said sql_count sql_ms "
    "status user_id",
    "The one line of every request. Warning for 401, 403 and 429, error for 5xx. `ms` is the whole time, `complete` is "
    "false where the client went away before the last byte, `route` is the pattern and not the address, `page` the "
    "path of our page it was sent from, `hx_source` the control there. Of a failure also `answer` (fragment, page or "
    "json), `code`, and what it `said` where those are not the usual words of the status.",
    varies=("warning", "error"),
)
REQUEST_FAILED = Event(
    "request.failed",
    "error",
    "endpoint fragment method path route status user_id",
    "An exception nobody expected; the person saw a 500.",
)
REQUEST_REPEATED = Event(
    "request.repeated",
    "info",
    "",
    "A form that had changed something arrived again: nothing was changed, the first outcome was answered.",
)
REQUEST_SLOW = Event(
    "request.slow",
    "warning",
    "recent seconds",
    "A request has taken 5 seconds and goes on; `stack` is where it was then. Error, and mailed, from the fifth within "
    "five minutes in one process; `recent` counts them.",
    varies=("error",),
)
TEARDOWN_FAILED = Event("teardown.failed", "error", "", "Clearing up after a request failed; its answer stood.")
PARTIAL_FAILED = Event(
    "partial.failed", "error", "part", "A part that a page can do without failed; the page came without it."
)
ANSWER_FAILED = Event(
    "answer.failed", "critical", "", "The error page itself failed; the prepared last resort was sent."
)
BODY_TRUNCATED = Event(
    "body.truncated",
    "info",
    "",
    "The body was shorter than announced; nothing was stored.",
)
CSRF_REJECTED = Event(
    "csrf.rejected", "warning", "hint origin reason", "A form without a valid token, or from another site."
)
HOST_REFUSED = Event("host.refused", "warning", "host", "A Host header outside `server.trusted_hosts`.")
REDIRECT_REFUSED = Event("redirect.refused", "info", "target", "A `next=` that leads away from the site.")
RATE_LIMITED = Event("rate.limited", "warning", "retry_after", "Too many of one kind; the answer was 429.")
FORM_REFUSED = Event(
    "form.refused",
    "info",
    "field form rule",
    "Validation said no: which form, field and rule, never the value.",
)

# --- people -----------------------------------------------------------------------------------------------------------
PRESENCE_SKIPPED = Event(
    "presence.skipped", "info", "reason", "When a member was last seen was not written: the database was busy."
)
SESSION_REFUSED = Event("session.refused", "info", "", "A session that ended, was revoked or never was.")
SIGN_IN_REQUIRED = Event("sign_in.required", "info", "", "A stranger asked for a member's page.")
SIGN_IN_SUCCEEDED = Event("sign_in.succeeded", "info", "remember user_id", "Somebody signed in.")
SIGN_IN_FAILED = Event("sign_in.failed", "warning", "", "A wrong name or password.")
SIGN_IN_THROTTLED = Event(
    "sign_in.throttled",
    "warning",
    "retry_after scope",
    "Too many wrong passwords for a name or a network.",
)
SIGN_OUT_SUCCEEDED = Event("sign_out.succeeded", "info", "", "Somebody signed out; the session is gone.")
USER_REGISTERED = Event("user.registered", "info", "user_id", "A new account.")
USER_RENAMED = Event("user.renamed", "info", "", "A new username; the old one redirects.")
NAME_TAKEN = Event("name.taken", "info", "form", "Two people wanted one name; this one came second.")
PROFILE_SAVED = Event("profile.saved", "info", "field version", "A profile was changed.")
PROFILE_CONFLICTED = Event(
    "profile.conflicted",
    "info",
    "field",
    "Saved meanwhile elsewhere: both texts were shown.",
)
PROFILE_UNDONE = Event("profile.undone", "info", "field version", "A change was taken back.")
AVATAR_SAVED = Event("avatar.saved", "info", "", "A picture was decoded and drawn anew.")
AVATAR_REMOVED = Event("avatar.removed", "info", "", "Back to the drawn identicon.")
AVATAR_REFUSED = Event("avatar.refused", "info", "rule", "A picture we do not take.")

# --- posts ------------------------------------------------------------------------------------------------------------
POST_WRITTEN = Event("post.written", "info", "post_id reply", "A new post; `reply` where it answers another one.")
POST_EDITED = Event("post.edited", "info", "post_id", "A post says something else; what it said before is kept.")
POST_CONFLICTED = Event("post.conflicted", "info", "post_id", "Edited meanwhile elsewhere: both texts were shown.")
POST_DELETED = Event("post.deleted", "info", "post_id", "Taken away by its author; for good after 30 days.")
POST_RESTORED = Event("post.restored", "info", "post_id", "A deletion was taken back.")
POSTS_PURGED = Event(
    "posts.purged", "info", "removed", "So many deleted posts went for good, by `manage.py posts purge`."
)
POST_MARKED = Event(
    "post.marked", "info", "post_id verb", "A member did so with a post: `like`, `unlike`, `bookmark` or `unbookmark`."
)

# --- people and people ------------------------------------------------------------------------------------------------
RELATION_CHANGED = Event(
    "relation.changed",
    "info",
    "other_id verb",
    "A member did this to another one: (un)follow, (un)block, undo_block or (un)mute. Not where it was so before.",
)
REPORT_FILED = Event("report.filed", "info", "other_id post_id", "A member reported another one, or a post of theirs.")
MODERATION_DECIDED = Event(
    "moderation.decided",
    "info",
    "action other_id post_id",
    "A moderator decided: dismiss, hide, unhide, suspend or lift; `other_id` is about whom. Why: see the audit trail.",
)
MODERATION_VIEWED = Event(
    "moderation.viewed", "info", "post_id report_id", "A moderator read a deleted post, by an open report from before."
)
SIGN_IN_SUSPENDED = Event(
    "sign_in.suspended", "info", "other_id", "The right password, or the next click, of a suspended member: 403."
)

# --- database ---------------------------------------------------------------------------------------------------------
DATABASE_BUSY = Event("database.busy", "warning", "code", "Locked by another writer for too long; the answer was 503.")
DATABASE_UNAVAILABLE = Event("database.unavailable", "error", "code", "The database does not answer; 503.")
DATABASE_READONLY = Event("database.readonly", "error", "code", "The database cannot be written; reading works.")
DATABASE_FULL = Event("database.full", "error", "code", "No space left for the database; reading works.")
DATABASE_CORRUPT = Event("database.corrupt", "critical", "code", "The file is damaged or is no database: restore it.")

DATABASE_BEHIND = Event(
    "database.behind",
    "error",
    "found wanted",
    "The tables are of another version than the code: 503 until `manage.py db upgrade`, or the other release.",
)

# --- backups ----------------------------------------------------------------------------------------------------------
BACKUP_FINISHED = Event(
    "backup.finished", "info", "bytes ms path removed", "A backup is whole; `removed` older ones made room."
)
BACKUP_FAILED = Event("backup.failed", "error", "", "No backup was made; the older ones are as they were.")
BACKUP_RESTORED = Event("backup.restored", "info", "aside made_at path", "A backup was put back; `aside` has the rest.")

# --- the server -------------------------------------------------------------------------------------------------------
SERVER_STARTED = Event(
    "server.started",
    "info",
    "database debug environment host mail pid port python threads url version workers",
    "The site is up: what runs, where, with how many workers.",
)
SERVER_STOPPED = Event("server.stopped", "info", "pid uptime", "The site went down, in order; `uptime` in seconds.")
REQUEST_UNREADABLE = Event(
    "request.unreadable",
    "info",
    "error status",
    "What the server could not read as a request, or could not wait for; it never reached the application.",
)
WORKER_STARTED = Event("worker.started", "info", "pid", "A worker process is ready.")
CONFIG_NOTICED = Event("config.noticed", "warning", "hint", "A setting that works but is probably not meant.")
METRICS_PARTED = Event(
    "metrics.parted",
    "warning",
    "error",
    "The processes cannot count together: each counts by itself, and `/metrics` tells what the one that answers knows.",
)
ASSETS_MISSING = Event("assets.missing", "warning", "hint", "Browser files are not there; plain forms work.")

# --- logs and alerts --------------------------------------------------------------------------------------------------
LOG_UNWRITABLE = Event(
    "log.unwritable",
    "critical",
    "path error dropped",
    "The log cannot be written; said at most once in ten seconds, on stderr.",
)
LOG_RECOVERED = Event(
    "log.recovered", "warning", "path dropped", "The log can be written again; `dropped` records are not in it."
)
LOG_ROTATION_FAILED = Event(
    "log.rotation_failed", "error", "path error", "The file could not be renamed; it goes on growing and is written to."
)
LOG_THINNED = Event(
    "log.thinned",
    "warning",
    "count bytes senders seconds",
    "So many records of so many networks or members were left out, because each had written too much in a short time "
    "(logs.sender_bytes). Said at most once a minute by each process.",
)
INBOX_LOST = Event(
    "inbox.lost",
    "warning",
    "path error",
    "The file of the error inbox was broken: it is kept aside, a new one is filled from the log; what was resolved or "
    "muted is not known any more.",
)
LOG_LEVEL_CHANGED = Event(
    "log.level_changed",
    "info",
    "levels pid until",
    "Other levels were set (`manage.py logs level`), or ended: then `levels` is empty. Each process says so.",
)
LOG_LEVELS_IGNORED = Event(
    "log.levels_ignored", "warning", "error path", "The file with the levels is not as we write it; nothing changed."
)
LOG_FORGOTTEN = Event(
    "log.forgotten", "info", "files records", "A person was taken out of the log: so many records in so many files."
)
ALERT_SENT = Event(
    "alert.sent",
    "info",
    "count fingerprints ms reason recipients",
    "A mail about errors was handed to the mail server.",
)
ALERT_FAILED = Event(
    "alert.failed",
    "warning",
    "attempt code error queued retry_in",
    "A mail could not be handed over; it is kept.",
    varies=("error",),
)


def _catalogue() -> Iterator[tuple[str, Event]]:
    for constant in list(globals().values()):
        if isinstance(constant, Event):
            yield str.__str__(constant), constant


EVENTS: dict[str, Event] = dict(_catalogue())
"""Every event by its name, in the order of this file."""


def markdown() -> str:
    """The catalogue as the Markdown table of docs/logs.md."""
    rows = ["| event | level | keys | meaning |", "|---|---|---|---|"]
    for name, event in EVENTS.items():
        keys = " ".join(f"`{key}`" for key in sorted(event.keys)) or "–"
        rows.append(f"| `{name}` | {', '.join(event.levels)} | {keys} | {event.doc} |")
    return "\n".join(rows) + "\n"
