"""Turning what somebody wrote, in a file or a variable, into one typed value, or into one sentence saying why not."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, get_args, get_origin

SHOWN = 60  # characters of a refused value that a message repeats


class UnfitError(Exception):
    """The value cannot be used; the text completes the sentence "<key> …"."""


@dataclass(frozen=True)
class Between:
    """A number from `low` to `high`, both included; for a list of numbers, each of them."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"from {self.low} to {self.high}"


@dataclass(frozen=True)
class OneOf:
    """One of a few words."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return "one of " + ", ".join(self.words)


@dataclass(frozen=True)
class Shape:
    """A text that a regular expression matches whole; for a list of texts, each of them."""

    pattern: str
    meaning: str

    def __str__(self) -> str:
        return self.meaning


Rule = Between | OneOf | Shape


def convert(hint: object, value: object, *, spelled: bool) -> Any:
    """`value` as the type in `hint`, a plain or `Annotated` one; raises UnfitError.

    `spelled` values come from a variable, where everything is text: "5000" is a number and "a, b" a list there.
    In config.toml they are the wrong type.
    """
    rules: tuple[Rule, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        rules = tuple(rest)
    if get_origin(hint) is tuple:
        item = get_args(hint)[0]
        return tuple(_one(item, rules, part, spelled=spelled) for part in _parts(value, spelled=spelled))
    return _one(hint, rules, value, spelled=spelled)


def _parts(value: object, *, spelled: bool) -> list[object]:
    if spelled:
        return [part.strip() for part in re.split(r"[,;]", str(value)) if part.strip()]
    if not isinstance(value, list):
        raise UnfitError("must be a list in square brackets")
    return value


def _one(kind: object, rules: tuple[Rule, ...], value: object, *, spelled: bool) -> Any:
    if kind is int:
        result: Any = _whole(value, spelled=spelled)
    elif kind is float:
        result = _number(value, spelled=spelled)
    elif isinstance(value, str):
        result = value
    else:
        raise UnfitError("must be text in quotes")
    for rule in rules:
        _obey(rule, result)
    return result


def _obey(rule: Rule, value: Any) -> None:
    match rule:
        case Between(low, high) if not low <= value <= high:
            raise UnfitError(f"must be {rule}")
        case OneOf(words) if value not in words:
            raise UnfitError(f"must be {rule}{did_you_mean(value, words)}")
        case Shape(pattern) if not re.fullmatch(pattern, value):
            raise UnfitError(f"must be {rule}")
        case _:
            return


def _whole(value: object, *, spelled: bool) -> int:
    if spelled and isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,18}\s*", value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise UnfitError("must be a whole number" + _unquoted(value, spelled=spelled))


def _number(value: object, *, spelled: bool) -> float:
    if spelled and isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,18}(\.[0-9]{1,9})?\s*", value):
        return float(value)
    # A NaN in the file passes no Between: every comparison with it is false.
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise UnfitError("must be a number" + _unquoted(value, spelled=spelled))


def _unquoted(value: object, *, spelled: bool) -> str:
    return ", without quotes" if not spelled and isinstance(value, str) else ""


YES = frozenset({"1", "true", "yes", "on"})
NO = frozenset({"0", "false", "no", "off"})


def yes_or_no(text: str) -> bool:
    """The boolean that `text` spells; raises UnfitError for anything doubtful, such as "maybe"."""
    word = text.strip().lower()
    if word in YES:
        return True
    if word in NO:
        return False
    raise UnfitError("must be 1 or 0 (or true/false, yes/no, on/off)")


def did_you_mean(name: str, known: Collection[str]) -> str:
    """The words to add about the nearest known name: "; did you mean …?", or nothing where none is near."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def sentence(text: str) -> str:
    """`text` with its full stop, unless it already ends as a question."""
    return text if text.endswith("?") else text + "."


def shown(value: object) -> str:
    """A refused value as a message repeats it: short, on one line, quotes where it was text."""
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
