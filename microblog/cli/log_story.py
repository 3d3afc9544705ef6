"""The story of one request, in words: a summary on top, the records, and what happened around it."""

import shlex
from pathlib import Path
from typing import Any

from microblog.cli.log_people import person
from microblog.config.settings import ROOT, Settings
from microblog.errors.stories import STRANGER, summary
from microblog.log.human import rendered, safe
from microblog.logbook.reader import Search
from microblog.logbook.story import AROUND, LINES, gather


def tell(found: Search, current: Path, settings: Settings, *, colour: bool) -> None:
    """Print everything that is known of the request."""
    story = gather(found, current)
    user_id = story.known("user_id")
    who = str(person(settings, str(user_id))) if user_id is not None else STRANGER
    stamp = str(story.records[0].get("timestamp", ""))
    print(f"{found.reference}, {safe(stamp[:10])} {safe(stamp[11:19])} UTC")
    for word, text in summary(story, who):
        print(f"  {word:6}  {safe(text)}")
    print()
    for record in story.records:
        print(rendered(record, colour=colour))
    if story.around:
        print(f"\nAround it, the same person within {AROUND:.0f} seconds:")
        for record in story.around:
            print(f"  {one_line(record)}")
        if story.more_around:
            print(f"  … and {story.more_around} more; {LINES} are shown")


def one_line(record: dict[str, Any]) -> str:
    """A request in one line."""
    stamp = str(record.get("timestamp", ""))
    parts = (stamp[11:23], record.get("method"), record.get("path"), record.get("status"), f"{record.get('ms')} ms")
    return safe("  ".join(str(part) for part in (*parts, record.get("reference"))))


def file_name(current: Path) -> str:
    """The log as one types it in the folder of the program."""
    return shlex.quote(str(current.relative_to(ROOT)) if current.is_relative_to(ROOT) else str(current))
