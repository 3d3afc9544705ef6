"""Here every answer is held to the invariants."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.support.watched import Watched


@pytest.fixture
def browser(app: Flask, records: Callable[..., Any]) -> Watched:
    return Watched(app, records)


@pytest.fixture
def another_browser(app: Flask, records: Callable[..., Any]) -> Watched:
    return Watched(app, records)
