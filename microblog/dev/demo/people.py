"""The members of the demo."""

import unicodedata
from dataclasses import dataclass
from random import Random

from microblog.dev.demo.phrases import BIOS, FAMILY_FIRST, NAMES, PLACES
from microblog.models import usernames

LATIN = str.maketrans("ßøłıŁØđ", "soliLOd")


@dataclass(frozen=True)
class Person:
    """Who writes; `tongue` is the language of some of what they write."""

    username: str
    name: str
    tongue: str
    about_me: str
    location: str
    website: str


def people(count: int, random: Random, taken: set[str]) -> list[Person]:
    """So many, each with a name of their own; none of `taken`, which are keys of usernames."""
    tongues = list(NAMES)
    known, called, made = set(taken), set[str](), []
    for number in range(count):
        # All scripts early, so that a small community has them; later mostly those who write English.
        tongue = tongues[number % len(tongues)] if number < 2 * len(tongues) else random.choice(["en", *tongues])
        first, last = ([_spelled(word) for word in names] for names in NAMES[tongue])
        for _ in range(20):  # two of one name are rare where there are few
            (given, plain), (family, plain_family) = random.choice(first), random.choice(last)
            name = f"{family} {given}" if tongue in FAMILY_FIRST else f"{given} {family}"
            if name not in called:
                break
        called.add(name)
        username = _free([plain, f"{plain}_{plain_family}", f"{plain_family}_{plain}"], known, random)
        known.add(usernames.username_key(username))
        about_me = random.choice(BIOS[tongue]) if random.random() < 0.8 else ""
        website = f"https://{plain}.example/" if random.random() < 0.25 else ""
        made.append(Person(username, _shown(name, random), tongue, about_me, _place(tongue, about_me, random), website))
    return made


def _place(tongue: str, about_me: str, random: Random) -> str:
    """Where they live, if they say so: where their bio says."""
    place = random.choice([place for place in PLACES[tongue] if place in about_me] or PLACES[tongue])
    return place if random.random() < 0.7 else ""


def _shown(name: str, random: Random) -> str:
    """The display name: hardly ever none, now and then with a picture."""
    chance = random.random()
    return "" if chance < 0.06 else f"{name} {random.choice('🌿🚲📚☕🌊')}" if chance < 0.16 else name


def _spelled(word: str) -> tuple[str, str]:
    """A name, and its letters in a username."""
    name, _, plain = word.partition(":")
    return name, plain or unicodedata.normalize("NFKD", name.translate(LATIN)).encode(
        "ascii", "ignore"
    ).decode().lower()


def _free(wishes: list[str], known: set[str], random: Random) -> str:
    for wish in wishes:
        if wish not in known and not usernames.problem(wish):
            return wish
    while True:
        wish = f"{wishes[-1][:22]}_{random.randrange(10, 1_000_000)}"
        if wish not in known:
            return wish
