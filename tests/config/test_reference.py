"""config.toml, the typed settings and docs/configuration.md say the same."""

import json
import re
import tomllib
from dataclasses import fields

import pytest

from microblog.config.settings import KEYS, ROOT, SECTIONS, Settings, load
from microblog.config.sources import ALIASES, TLS_SWITCHES

TOML = (ROOT / "config.toml").read_text()
DOC = (ROOT / "docs" / "configuration.md").read_text()
ROWS = dict(re.findall(r"^\| `(\w+\.\w+)` \| `(.*?)` \|", DOC, re.MULTILINE))


def test_config_toml_holds_every_setting_with_its_default() -> None:
    tables = tomllib.loads(TOML)

    assert [f"{section}.{key}" for section, table in tables.items() for key in table] == list(KEYS)
    assert load(environ={}, folder=ROOT / "tests" / "config") == Settings()
    assert load(ROOT / "config.toml", environ={}, folder=ROOT / "tests" / "config") == Settings()


def test_every_line_of_config_toml_has_its_comment() -> None:
    for line in TOML.splitlines():
        if "=" in line and not line.startswith("#"):
            assert re.search(r"  # \S.{5,}", line), line


@pytest.mark.parametrize("key", KEYS)
def test_the_documentation_has_each_setting_with_its_default(key: str) -> None:
    section, name = key.split(".")
    default = tomllib.loads(TOML)[section][name]

    assert key in ROWS
    assert json.loads(ROWS[key]) == default


def test_the_documentation_has_no_setting_that_is_none() -> None:
    assert set(ROWS) == set(KEYS)


@pytest.mark.parametrize("name", [*ALIASES, *TLS_SWITCHES, "FLASK_DEBUG", "FLASK_ENV", "MICROBLOG_CONFIG"])
def test_the_documentation_has_every_variable(name: str) -> None:
    assert f"`{name}`" in DOC or f"`{name}=" in DOC


def test_every_section_is_one_of_settings() -> None:
    assert list(SECTIONS) == [f.name for f in fields(Settings)][: len(SECTIONS)]
