"""What the people of the demo are called and what they say; the words are in phrases.toml."""

import tomllib
from pathlib import Path
from typing import Any

_READ: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))

NAMES: dict[str, list[list[str]]] = _READ["names"]
"""Tongue → first names, last names."""

BIOS: dict[str, list[str]] = _READ["bios"]
ELSEWHERE: dict[str, list[str]] = _READ["elsewhere"]
SUBJECTS: dict[str, dict[str, list[str]]] = _READ["subjects"]
PLACES: dict[str, list[str]] = _READ["places"]
ANSWERS: list[str] = _READ["others"]["answers"]
AFTERWORDS: list[str] = _READ["others"]["afterwords"]
EXCLAMATIONS: list[str] = _READ["others"]["exclamations"]
FAMILY_FIRST = {"ja", "zh"}
