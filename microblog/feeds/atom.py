"""Posts as Atom (RFC 4287). Built as a tree: what a member wrote cannot become markup, whatever it is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from microblog.models.post_text import as_html, excerpt
from microblog.models.shown import Shown
from microblog.web.text import showable

ATOM = "http://www.w3.org/2005/Atom"
THREADS = "http://purl.org/syndication/thread/1.0"  # RFC 4685: what a post answers
XML_LANG, XML_BASE = (f"{{http://www.w3.org/XML/1998/namespace}}{name}" for name in ("lang", "base"))
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

# What XML 1.0 cannot hold besides what `showable` replaces.
_NOT_XML = re.compile("[\ufffe\uffff]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")

ET.register_namespace("", ATOM)
ET.register_namespace("thr", THREADS)


@dataclass(frozen=True)
class Feed:
    """What a feed is about. `name` and `began` make its id, which stays the same for ever; `path` is the page."""

    name: str
    began: str
    title: str
    path: str
    posts: Sequence[Shown]

    @property
    def updated(self) -> datetime:
        """When anything in it changed last."""
        return max((post.edited_at or post.created_at for post in self.posts), default=LONG_AGO)


def tag_uri(host: str, began: str, name: str) -> str:
    """An id after RFC 4151: `host` was ours at `began`, and the name says the rest."""
    return f"tag:{host},{began}:{name}"


def document(feed: Feed, *, site: str, base: str, host: str) -> bytes:
    """The feed as it travels; `base` is the address of the site, without a slash at the end."""
    root = ET.Element(f"{{{ATOM}}}feed", {XML_BASE: f"{base}/"})  # mentions and tags in a post lead to paths of ours
    _text(root, "id", tag_uri(host, feed.began, feed.name))
    _text(root, "title", f"{feed.title} · {site}")
    _text(root, "updated", _moment(feed.updated))
    _link(root, "self", f"{base}{feed.path.rstrip('/')}/feed.atom", "application/atom+xml")
    _link(root, "alternate", f"{base}{feed.path}", "text/html")
    _text(root, "generator", "Microblog")
    for post in feed.posts:
        _entry(root, post, base, host)
    # As text first: written as bytes, each of a thousand pieces would be encoded by itself.
    return ('<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode")).encode()


def _entry(root: ET.Element, post: Shown, base: str, host: str) -> None:
    entry = _text(root, "entry", "")
    _text(entry, "id", _post_id(host, post.id))
    _text(entry, "title", excerpt(post.text) or "Untitled")
    _text(entry, "published", _moment(post.created_at))
    _text(entry, "updated", _moment(post.edited_at or post.created_at))
    _link(entry, "alternate", f"{base}/post/{post.id}", "text/html")
    if post.reply_to_id is not None:
        answered = ET.SubElement(entry, f"{{{THREADS}}}in-reply-to")
        answered.set("ref", _post_id(host, post.reply_to_id))
        answered.set("href", f"{base}/post/{post.reply_to_id}")
    author = _text(entry, "author", "")
    _text(author, "name", post.name)
    _text(author, "uri", f"{base}/user/{post.username}")
    content = _text(entry, "content", str(as_html(post.text)))
    content.set("type", "html")
    if _LANGUAGE.fullmatch(post.language):
        entry.set(XML_LANG, post.language)


def _post_id(host: str, number: int) -> str:
    # By number, which is used once; a date in it would need the post that is answered.
    return tag_uri(host, "2026", f"post/{number}")


def _text(parent: ET.Element, name: str, text: str) -> ET.Element:
    element = ET.SubElement(parent, f"{{{ATOM}}}{name}")
    element.text = _NOT_XML.sub("\ufffd", showable(text)) or None
    return element


def _link(parent: ET.Element, rel: str, href: str, kind: str) -> None:
    link = ET.SubElement(parent, f"{{{ATOM}}}link")
    link.attrib.update(rel=rel, href=href, type=kind)


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
