"""Here every answer is held to the invariants."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from microblog.config.settings import Settings
from microblog.models import User
from tests.support.signed_in import signed_in
from tests.support.site import Site
from tests.support.watched import Watched


@pytest.fixture
def browser(app: Flask, records: Callable[..., Any]) -> Watched:
    return Watched(app, records)


@pytest.fixture
def another_browser(app: Flask, records: Callable[..., Any]) -> Watched:
    return Watched(app, records)


@pytest.fixture
def site(settings: Settings, app: Flask) -> Iterator[Site]:
    """The site as a process, over the same database as `app`, through which a test makes its people."""
    with Site(settings) as running:
        yield running


@pytest.fixture
def broken_site(settings: Settings, app: Flask) -> Iterator[Site]:
    """The same with views that fail: tests/faults/broken_site.py."""
    with Site(settings, program=Path(__file__).with_name("broken_site.py")) as running:
        yield running


@pytest.fixture
def cookie_for(app: Flask) -> Callable[[User], str]:
    """The session cookie of a member who signed in, without the 20 ms of the password."""

    return lambda user: signed_in(app, user)[0]
