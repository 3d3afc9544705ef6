"""The contact sheet: every error answer on one page, in one file that needs nothing else."""

import json
import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from markupsafe import Markup

from microblog.cli.error_answers import DATABASES, PEOPLE, Answer, ThrowAway
from microblog.cli.error_findings import TOKEN
from microblog.errors.table import PROBLEMS
from microblog.web.assets import STATIC

IMPORT = re.compile(r'@import url\("([^"]+)"\) layer\((\w+)\);')


@dataclass
class Card:
    """Answers that look the same, and to whom."""

    kind: str
    body: str
    headers: str
    asked: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def whose(self) -> str:
        """The people and the state of the database, in as few words as there are."""
        everybody = {(who, state) for who in PEOPLE for state in DATABASES}
        if set(self.asked) == everybody:
            return "everybody, with and without a database"
        people = [who for who in PEOPLE if {(who, state) for state in DATABASES} <= set(self.asked)]
        if len(self.asked) == 2 * len(people):
            return f"{' and '.join(people)}, with and without a database"
        return ", ".join(f"{who} with the database {state}" for who, state in self.asked)


def draw(site: ThrowAway, answers: list[tuple[Answer, list[str]]]) -> str:
    """The sheet as HTML; with each answer comes what is wrong with it."""
    face = site.clients["member"].get("/avatar/1.svg").get_data(as_text=True)
    cases: dict[str, dict[tuple[str, str], Card]] = {}
    for answer, problems in answers:
        cards = cases.setdefault(title(answer.case), {})
        body = shown(answer, face)
        card = cards.setdefault(
            (answer.kind, body), Card(answer.kind, body, "\n".join(f"{k}: {v}" for k, v in answer.headers))
        )
        card.asked.append((answer.who, answer.database))
        card.problems += [text for text in problems if text not in card.problems]
    sprite = "".join((STATIC / name).read_text("utf-8") for name in ("icons.svg", "members.svg"))
    sprite = sprite.replace("<svg ", "<svg hidden ")
    with site.app.app_context():
        return site.app.jinja_env.get_template("errors/contact_sheet.html").render(
            site_name=site.settings.site.name,
            made=datetime.now(UTC).strftime("%-d %B %Y at %H:%M UTC"),
            count=len(answers),
            wrong=[(answer.asked, problems) for answer, problems in answers if problems],
            cases=[(name, list(cards.values())) for name, cards in cases.items()],
            css=Markup(style_sheet()),  # noqa: S704 - files of ours
            sprite=Markup(sprite),  # noqa: S704 - the same
        )


def title(case: str) -> str:
    """The case as a heading: "404 There is nothing here"."""
    if case.isdigit():
        return f"{case} {PROBLEMS[int(case)].title}"
    return {"last resort": "Last resort: no handler could answer"}.get(
        case, "Database gone before anybody is known: the home page"
    )


def shown(answer: Answer, face: str) -> str:
    """The body as it is drawn, the same for equal answers: one reference, no token, its pictures inside."""
    body = TOKEN.sub("", answer.body).replace(answer.reference, "K7Q2F-9M4ZX") if answer.reference else answer.body
    if answer.kind == "JSON":
        try:
            return json.dumps(json.loads(body.replace(f"/{answer.database}", "")), indent=2)
        except ValueError:
            return body
    body = re.sub(r'action="/-/[^"]*"', 'action="/"', body)
    body = re.sub(r'href="[^"]*(icons|members)\.svg#', 'href="#', body)
    body = re.sub(r'src="/avatar/[^"]*"', f'src="{data_address(face)}"', body)
    body = re.sub(r"\s*<(?:script [^>]*></script|link [^>]*)>", "", body)
    return body.replace("<html ", '<html class="has-script" ', 1)


def data_address(svg: str) -> str:
    """`svg` as an address that needs no server."""
    quoted = "".join(f"%{ord(c):02X}" if c in "\"'<>#%&\n" else c for c in svg)
    return f"data:image/svg+xml,{quoted}"


def style_sheet() -> str:
    """All of static/css as one text, its layers as they are."""
    main = (STATIC / "css" / "site.css").read_text("utf-8")
    return IMPORT.sub(lambda found: f"@layer {found[2]} {{\n{(STATIC / 'css' / found[1]).read_text('utf-8')}\n}}", main)


def write(path: Path, html: str) -> None:
    """Put `html` there, at once or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f".{path.name}.{os.getpid()}")
    made.write_text(html, "utf-8")
    made.replace(path)
