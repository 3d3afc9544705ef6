"""Ids are spelled once, here, for templates, views and tests."""


def field_id(field: str) -> str:
    """The block of one profile field, shown or being edited."""
    return f"field-{field}"


def editor_id(field: str) -> str:
    """The form of one profile field; what it sends is logged under this name."""
    return f"edit-{field}"


def message_id(field: str) -> str:
    """The message beside a field: the only thing that a live check replaces."""
    return f"{field}-message"


def error_id(fingerprint: str) -> str:
    """One failure in the inbox of errors."""
    return f"error-{fingerprint}"


def post_id(post: int) -> str:
    """One post, shown, being edited or gone."""
    return f"post-{post}"


def actions_id(post: int) -> str:
    """What can be done with a post: what a like replaces."""
    return f"post-{post}-actions"


def answer_id(post: int) -> str:
    """The place below a post where an answer to it is written."""
    return f"post-{post}-answer"


def branch_id(post: int) -> str:
    """What stands below a post in a conversation: the answers to it."""
    return f"post-{post}-branch"


def composer_id(reply_to: int | None) -> str:
    """The form of a new post, or of an answer."""
    return f"composer-{reply_to}" if reply_to else "composer"


def follow_id(person: int) -> str:
    """The button that follows or unfollows a member."""
    return f"follow-{person}"


def counts_id(person: int) -> str:
    """How many follow a member, and are followed by them."""
    return f"counts-{person}"


def case_id(report: int) -> str:
    """What is reported about one subject, under the oldest report."""
    return f"case-{report}"


MAIN = "main"
TOASTS = "toasts"
TIMELINE = "timeline"
OLDER = "older"
NEWER = "newer"
HEADING = "profile-heading"
VIEWER_NAV = "viewer-nav"
UNREAD = "unread"
SIGN_OUT = "sign-out"
UNSENT = "unsent"
NEWS_READ = "news-read"
MORE = "more"
LOG_ROWS = "log-rows"
LOG_LIVE = "log-live"
SEARCH_FIELD = "search-field"
SEARCH_PEOPLE = "search-people"
SEARCH_OLDER = "search-older"
