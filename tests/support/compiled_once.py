"""Templates, routes, statements and static files are prepared once per process, however many applications tests make.

Nearly every test makes an application of its own, and preparing the same things again was more than half of the
processor time of the whole run. What is made depends on its source alone, which is the key here.
"""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule
from whitenoise import WhiteNoise

from microblog.web.filters import FlatGlobals


def install() -> None:
    """Have all applications of this process share what is prepared."""
    FlatGlobals.compile = _templates(FlatGlobals.compile)  # type: ignore[method-assign, assignment]
    Rule.compile = _routes(Rule.compile)  # type: ignore[method-assign]
    WhiteNoise.get_static_file = _files(WhiteNoise.get_static_file)
    sa.Engine._compiled_cache = _statements()  # type: ignore[assignment]


def _templates(compile_template: Callable[..., Any]) -> Callable[..., Any]:
    known: dict[Any, Any] = {}

    def compiled(env: FlatGlobals, source: Any, name: str | None = None, filename: str | None = None) -> Any:
        options = (env.undefined, env.trim_blocks, env.lstrip_blocks, tuple(env.extensions))
        key = (source, name, filename, *options)
        if key not in known:
            known[key] = compile_template(env, source, name, filename)
        return known[key]

    return compiled


def _routes(compile_rule: Callable[[Rule], None]) -> Callable[[Rule], None]:
    known: dict[Any, dict[str, Any]] = {}
    made = ("_parts", "_trace", "_converters", "_build", "_build_unknown")

    def compiled(rule: Rule) -> None:
        domain = rule.host if rule.map.host_matching else rule.subdomain
        converters = tuple(rule.map.converters.items())
        key = (rule.rule, domain, rule.merge_slashes, repr(rule.defaults), converters)
        if key not in known:
            compile_rule(rule)
            known[key] = {name: getattr(rule, name) for name in made} | {"arguments": frozenset(rule.arguments)}
        rule.__dict__.update(known[key], arguments=set(known[key]["arguments"]))
        for name in ("_build", "_build_unknown"):
            setattr(rule, name, known[key][name].__func__.__get__(rule, None))

    return compiled


def _files(get_static_file: Callable[..., Any]) -> Callable[..., Any]:
    known: dict[Any, Any] = {}

    def found(noise: WhiteNoise, path: str, url: str, stat_cache: dict[str, Any] | None = None) -> Any:
        if stat_cache is None:  # in debug mode each request looks at the disk
            return get_static_file(noise, path, url, stat_cache)
        ages = [stat_cache[file].st_mtime_ns for file in (path, f"{path}.gz") if file in stat_cache]
        key = (path, url, noise.max_age, *ages)
        if key not in known:
            known[key] = get_static_file(noise, path, url, stat_cache)
        return known[key]

    return found


def _statements() -> property:
    """An engine's cache of statements, which all engines of one kind share."""
    known: dict[type[Dialect], Any] = {}

    def cache(engine: sa.Engine) -> Any:
        kind = type(engine.dialect)
        if kind not in known:
            known[kind] = LRUCache(5000)
            # A statement is kept for a dialect; those of two engines for one kind of database write the same SQL.
            kind.__eq__ = lambda one, other: type(one) is type(other)  # type: ignore[assignment, method-assign]
            kind.__hash__ = lambda one: hash(type(one))  # type: ignore[assignment, method-assign]
        return known[kind]

    return property(cache, lambda engine, made: None)
