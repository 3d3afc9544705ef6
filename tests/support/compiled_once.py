"""Templates and routes are compiled once per process, however many applications the tests make.

Nearly every test makes an application of its own, and compiling the same templates and routes again was more than a
third of the processor time of the whole run. What is compiled depends on its source alone, which is the key here.
"""

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

from microblog.web.filters import FlatGlobals


def install() -> None:
    """Have every environment of templates and every map of routes of this process share what is compiled."""
    FlatGlobals.compile = _templates(FlatGlobals.compile)  # type: ignore[method-assign, assignment]
    Rule._compile_builder = _routes(Rule._compile_builder)  # type: ignore[method-assign, assignment]


def _templates(compile_template: Callable[..., Any]) -> Callable[..., Any]:
    known: dict[Any, Any] = {}

    def compiled(env: FlatGlobals, source: Any, name: str | None = None, filename: str | None = None) -> Any:
        options = (env.undefined, env.trim_blocks, env.lstrip_blocks, tuple(env.extensions))
        key = (source, name, filename, *options)
        if key not in known:
            known[key] = compile_template(env, source, name, filename)
        return known[key]

    return compiled


def _routes(compile_builder: Callable[..., Any]) -> Callable[..., Any]:
    known: dict[Any, Any] = {}

    def compiled(rule: Rule, append_unknown: bool = True) -> Any:
        key = (tuple(rule._trace), repr(rule.defaults), append_unknown)
        if key not in known:
            known[key] = compile_builder(rule, append_unknown)
        return known[key]

    return compiled
