"""The story of one request in words, the same in the shell and in the browser."""

from typing import Any

from microblog.errors.table import problem
from microblog.logbook.story import Story

STRANGER = "a stranger"
KINDS = {"fragment": "a note", "page": "a page", "json": "JSON"}


def summary(story: Story, who: str) -> list[tuple[str, str]]:
    """The lines on top, each with its word; only what the log tells. `who` is the person in words."""
    known = story.known
    address = known("address")
    lines = [("who", f"{who}, from {address}" if address else who)]
    if known("method") or known("path"):
        lines.append(("did", _did(story)))
    if isinstance(status := known("status"), int):
        lines.append(("saw", _saw(story, status)))
    if (ms := story.finished.get("ms")) is not None:
        count = known("sql_count")
        statements = f"{count} SQL statement{'s' if count != 1 else ''}"
        sql = f", {statements} in {known('sql_ms')} ms" if count else ", no SQL"
        gone = "" if story.finished.get("complete", True) else "; the client went away before the end"
        lines.append(("took", f"{ms} ms{sql}{gone}"))
    if why := cause(story.failed):
        lines.append(("why", why))
        lines.append(("mail", _mail(story)))
    if story.retry is not None:
        lines.append(("retry", _retry(story)))
    return lines


def cause(record: dict[str, Any]) -> str:
    """The exception of a record in one line: what, and the deepest place."""
    described = record.get("exception")
    first = described[0] if isinstance(described, list) and described and isinstance(described[0], dict) else {}
    if not first:
        return ""
    text = f"{first.get('type')}: {str(first.get('message', '')).splitlines()[0] if first.get('message') else ''}"
    frames = first.get("frames")
    if isinstance(frames, list) and frames and isinstance(frames[-1], dict):
        text += f", in {frames[-1].get('file')}:{frames[-1].get('line')} {frames[-1].get('function')}"
    return f"{text} (fingerprint {record.get('fingerprint')})"


def _did(story: Story) -> str:
    path, route = story.known("path") or "", story.known("route")
    text = f"{story.known('method') or ''} {path}".strip()
    if route and route != path:
        text += f" (route {route})"
    if page := story.known("page"):
        text += f", on {page}"
    if source := story.known("hx_source"):
        text += f", by {source}"
    return text + (", as a part of a page" if story.known("fragment") else "")


def _saw(story: Story, status: int) -> str:
    if status < 400:
        return str(status)
    how = KINDS.get(story.known("answer")) or ("a part of a page" if story.known("fragment") else "a page")
    if story.known("code") or _was_last_resort(story):
        words = problem(status)
        said = story.finished.get("said") or f"{words.title}. {words.sentence}"
        return f"{status}, {how}: “{said}”"
    refused = [record for record in story.records if record.get("event") == "form.refused"]
    if refused:
        told = (f"“{record.get('rule')}” at {record.get('field')} of {record.get('form')}" for record in refused)
        return f"{status}, the form again: {', '.join(told)}"
    if any(str(record.get("event")).endswith(".conflicted") for record in story.records):
        return f"{status}, the form again, with both texts"
    return f"{status}, {how}; the log does not have its words"


def _was_last_resort(story: Story) -> bool:
    return any(record.get("event") == "answer.failed" for record in story.records)


def _mail(story: Story) -> str:
    if story.alert is None:
        return "none in the log about this failure, up to a day later"
    count, stamp = story.alert.get("count"), str(story.alert.get("timestamp", ""))
    return f"sent at {stamp[:10]} {stamp[11:19]} UTC, about {count} error{'s' if count != 1 else ''}"


def _retry(story: Story) -> str:
    assert story.retry is not None
    stamp = str(story.retry.get("timestamp", ""))[11:19]
    how = "worked" if story.retry_worked else f"failed too ({story.retry.get('status')})"
    return f"the same was tried again and {how}: {stamp} UTC, {story.retry.get('reference')}"
