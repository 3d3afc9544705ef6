"""Everything that is stored. Importing this package registers every table."""

from microblog.models.moderation import ModerationAction, Report
from microblog.models.notification import Notification
from microblog.models.outcome import Outcome
from microblog.models.post import Bookmark, Like, Mention, Post, PostTag
from microblog.models.post_version import PostVersion
from microblog.models.relation import Block, Follow, Mute
from microblog.models.session import Session
from microblog.models.throttle import ThrottleBucket
from microblog.models.user import FormerUsername, User

__all__ = [
    "Block",
    "Bookmark",
    "Follow",
    "FormerUsername",
    "Like",
    "Mention",
    "ModerationAction",
    "Mute",
    "Notification",
    "Outcome",
    "Post",
    "PostTag",
    "PostVersion",
    "Report",
    "Session",
    "ThrottleBucket",
    "User",
]
