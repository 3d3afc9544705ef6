"""What a username may be."""

import re
import unicodedata

PATTERN = re.compile(r"[A-Za-z0-9_]{3,30}")
MIN, MAX = 3, 30

# Words that would be mistaken for the site speaking.
_RESERVED_WORDS = {
    "admin", "administrator", "everyone", "microblog", "moderator", "nobody", "root", "support", "system",
}  # fmt: skip

# Every first path segment, also of pages to come: a test compares this list with the routes.
_RESERVED_PATHS = {
    "about", "api", "auth", "avatar", "bookmarks", "check", "drill", "edit_profile", "explore", "feed", "home",
    "index", "livez", "login", "logout", "metrics", "moderation", "notifications", "outcome", "people", "post",
    "posts", "readyz", "register", "search", "settings", "static", "tag", "user",
}  # fmt: skip

RESERVED = frozenset(_RESERVED_WORDS | _RESERVED_PATHS)


def username_key(username: str) -> str:
    """The form in which two names are the same name: *Ana*, *ANA* and full-width *ＡＮＡ*."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", username).casefold())


def problem(username: str) -> str | None:
    """What is wrong with `username`, in a person's words; None where nothing is."""
    if not username:
        return "Choose a username."
    if len(username) < MIN:
        return f"A username has at least {MIN} characters."
    if len(username) > MAX:
        return f"A username has at most {MAX} characters; this one has {len(username)}."
    if not PATTERN.fullmatch(username):
        return "Use letters from a to z, digits and underscores only."
    if username_key(username) in RESERVED:
        return "This name is kept for the site. Choose another one."
    return None
