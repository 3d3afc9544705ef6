"""A year in the life of a community, made from a seed: the same seed, the same people, posts and likes.

Rows come out as tuples, in the order of their numbers, so that a million of them can go straight into the database.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle, permutations, product
from math import log, pow
from random import Random

from microblog.dev.demo.people import Person
from microblog.dev.demo.phrases import AFTERWORDS, ANSWERS, ELSEWHERE, EXCLAMATIONS, SUBJECTS

YEAR = 365 * 86_400
RECENT = 120
"""An answer is to one of so many posts before it."""

Row = tuple[object, ...]


@dataclass(frozen=True)
class Text:
    """Something that is said, in which language, with which tag."""

    text: str
    language: str
    tag: str = ""


@dataclass
class Community:
    """Who, and what they did. Numbers begin after `first_user`, `first_post`; `until` is the present, in Unix time."""

    people: list[Person]
    posts: int
    random: Random
    until: float
    first_user: int = 0
    first_post: int = 0
    likes_each: float = 0.0
    # By post: whose it is, what it answers (0: nothing), the conversation, and what is counted with it.
    author: array[int] = field(default_factory=lambda: array("l"))
    answers: array[int] = field(default_factory=lambda: array("l"))
    thread: array[int] = field(default_factory=lambda: array("l"))
    replies: array[int] = field(default_factory=lambda: array("l"))
    likes: array[int] = field(default_factory=lambda: array("l"))
    # Who has blocked and who has muted whom.
    blocks: set[tuple[int, int]] = field(default_factory=set)
    mutes: set[tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.likes_each = 2.5 if self.posts <= 50_000 else 0.6
        self._texts = {tongue: self._dealt(texts) for tongue, texts in self._think().items()}
        answers = [f"{answer} {afterword}" for answer, afterword in product(ANSWERS, AFTERWORDS)]
        self._answers = self._dealt([Text(text, "") for text in (*ANSWERS, *EXCLAMATIONS, *answers)])
        self._live()
        self.blocks, self.mutes = self._keep_apart(), self._keep_apart()

    # Who is there when

    def joined(self, person: int) -> float:
        """When: half of them before the year began, the rest over its course."""
        half = len(self.people) // 2
        if person <= half:
            return self.until - YEAR - (half - person + 1) * 86_400.0 * 300 / (half + 1)
        return self.until - YEAR + YEAR * 0.9 * (person - half) / max(1, len(self.people) - half)

    def written(self, post: int) -> float:
        """When a post was written; later ones later, and more of them."""
        return self.until - YEAR * pow(1.0 - (post + 1) / (self.posts + 1), 1.3)

    def _present(self, share: float) -> int:
        """How many were members by then."""
        half = len(self.people) // 2
        return min(len(self.people), half + 1 + int((len(self.people) - half) * max(0.0, share) / 0.9))

    # What they do

    def _think(self) -> dict[str, list[Text]]:
        """What there is to say, by tongue, in no order."""
        said: dict[str, list[Text]] = {}
        for tongue, texts in ELSEWHERE.items():
            pairs = [f"{one.partition(' #')[0]}\n\n{other}" for one, other in permutations(texts, 2)]
            said[tongue] = [Text(text, tongue, text.partition("#")[2]) for text in (*texts, *pairs)]
        english = []
        for tag, subject in SUBJECTS.items():
            for beginning in subject["beginnings"]:
                for ending in subject["endings"]:
                    english += [
                        Text(f"{beginning} {ending}", "en"),
                        Text(f"{beginning} {ending} #{tag}", "en", tag),
                        Text(f"{beginning}\n\n{ending}", "en"),
                    ]
                english.append(Text(f"{beginning} #{tag}", "en", tag))
        said["en"] = english
        return said

    def _dealt(self, texts: list[Text]) -> Iterator[Text]:
        """Each of them once, in no order, before any comes again."""
        return cycle(self.random.sample(texts, len(texts)))

    def _live(self) -> None:
        """Decide who writes what to whom, and what is liked; texts come later."""
        draw = self.random.random
        begun = self.until - YEAR
        for post in range(self.posts):
            present = self._present((self.written(post) - begun) / YEAR)
            chance = draw()
            self.author.append(int(present * chance * chance))  # few write much
            self.replies.append(0)
            answered = -1
            if post and draw() < 0.36:
                answered = max(0, post - 1 - int(min(post, RECENT) * draw() ** 2))
                if draw() < 0.5 and self.answers[answered]:
                    answered = self.answers[answered] - 1  # rather the post than another answer to it
                self.replies[answered] += 1
            self.answers.append(answered + 1)
            self.thread.append(self.thread[answered] if answered >= 0 else post + 1)
            wanted = int(self.likes_each * -log(1.0 - draw()) + 0.25)
            self.likes.append(min(wanted, max(0, present - 2)))

    def _keep_apart(self) -> set[tuple[int, int]]:
        """Few pairs; the first of the members is in one, to be looked at."""
        count, draw = len(self.people), self.random.random
        some = [0, *(int(count * draw()) for _ in range(min(count // 12, 200)))]
        return {(one, (one + 1 + int((count - 1) * draw())) % count) for one in some}

    def _named(self, post: int) -> int:
        """Whom an answer may call by name: who began the conversation; where it is they who answer, whom they do."""
        begun = self.author[self.thread[post] - 1]
        return begun if begun != self.author[post] else self.author[self.answers[post] - 1]

    def _text(self, post: int) -> Text:
        draw, person = self.random.random, self.people[self.author[post]]
        if self.answers[post]:
            said = next(self._answers)
            if draw() < 0.3 and (other := self._named(post)) != self.author[post]:
                return Text(f"@{self.people[other].username} {said.text}", said.language)
            return said
        tongue = person.tongue if person.tongue in ELSEWHERE and draw() < 0.5 else "en"
        return next(self._texts[tongue])

    # Rows

    def user_rows(self, password_hash: str) -> Iterator[Row]:
        """id, username, username_key, email, password_hash, names and texts of the profile, and three moments."""
        newest = dict(zip(self.author, range(self.posts), strict=True))
        for number, person in enumerate(self.people):
            wrote = self.written(newest[number]) if number in newest else 0.0
            joined, seen = stamp(self.joined(number)), stamp(max(wrote, self.until - 86_400.0 * 9 * (number % 10) / 9))
            email = f"{person.username}@example.org"
            yield (
                *(self.first_user + number + 1, person.username, person.username.lower(), email, password_hash),
                *(person.name, person.about_me, person.location, person.website, joined, joined, seen),
            )

    def post_rows(self, tags: list[Row], mentions: list[Row]) -> Iterator[Row]:
        """id, author, text, language, conversation, what is answered, when, likes, replies. Fills the two lists."""
        user, first = self.first_user + 1, self.first_post
        for post in range(self.posts):
            said, number, author, answered = self._text(post), first + post + 1, self.author[post], self.answers[post]
            if said.tag:
                tags.append((said.tag, number))
            elif answered and said.text.startswith("@"):
                mentions.append((user + self._named(post), number))
            yield (
                *(number, user + author, said.text, said.language, first + self.thread[post]),
                *(first + answered if answered else None, stamp(self.written(post))),
                *(self.likes[post], self.replies[post]),
            )

    def like_rows(self) -> Iterator[Row]:
        """Who, what, when: never oneself, nobody twice."""
        user, first, draw = self.first_user + 1, self.first_post + 1, self.random.random
        begun = self.until - YEAR
        for post, likes in enumerate(self.likes):
            if not likes:
                continue
            written, author = self.written(post), self.author[post]
            present = self._present((written - begun) / YEAR)
            who, at = int(present * draw()), stamp(min(self.until, written + 3600 * draw()))
            for _ in range(likes):
                who = (who + 1) % present
                if who == author:
                    who = (who + 1) % present
                yield (user + who, first + post, at)

    def follow_rows(self) -> Iterator[Row]:
        """Who, whom, when."""
        user, count, draw = self.first_user + 1, len(self.people), self.random.random
        for person in range(count):
            wanted = min(count - 1, 3 + int(draw() * min(60, count / 2)))
            chosen = {int(count * draw() ** 2) for _ in range(wanted)} - {person}
            for other in sorted(chosen):
                if {(person, other), (other, person)} & self.blocks:
                    continue
                since = max(self.joined(person), self.joined(other))
                yield (user + person, user + other, stamp(since + (self.until - since) * draw()))

    def pair_rows(self, pairs: set[tuple[int, int]]) -> Iterator[Row]:
        """Who, whom, when."""
        user = self.first_user + 1
        return ((user + one, user + other, stamp(self.until)) for one, other in sorted(pairs))

    def bookmark_rows(self) -> Iterator[Row]:
        """Who, what, when: a few each, of the latest."""
        user, first, draw = self.first_user + 1, self.first_post + 1, self.random.random
        latest = min(self.posts, 2000)
        for person in range(len(self.people)):
            for post in sorted({self.posts - 1 - int(latest * draw()) for _ in range(int(5 * draw()))}):
                yield (user + person, first + post, stamp(self.until))


_minutes: dict[int, str] = {}


def stamp(moment: float) -> str:
    """Unix time as both databases read it, without a zone; a minute is spelled once."""
    whole = int(moment)
    minute = whole // 60
    spelled = _minutes.get(minute)
    if spelled is None:
        if len(_minutes) > 5000:
            _minutes.clear()
        spelled = _minutes[minute] = time.strftime("%Y-%m-%d %H:%M:", time.gmtime(minute * 60))
    return f"{spelled}{whole % 60:02}.000000"
