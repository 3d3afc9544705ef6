"""F9: a mistake in a template: its syntax, an undefined name, a missing file."""

import pytest
from flask import render_template
from jinja2 import ChoiceLoader, FileSystemLoader

from tests.support.kinds import KINDS

pytestmark = [pytest.mark.sqlite_only, pytest.mark.fault(9)]

TEMPLATES = {
    "syntax.html": "<p>fine</p>\n{% if %}\n",
    "undefined.html": "<p>fine</p>\n<p>\n{{ nothing_of_this_name }}</p>\n",
    "attribute.html": "<p>{{ site.nothing_of_this_name }}</p>\n",
    "includes.html": "{% include 'missing.html' %}",
    "filter.html": "<p>{{ site.name | nothing_of_this_name }}</p>",
    "deep.html": "{{ render_partial('undefined.html') }}",
}
LOGGED = {
    "syntax.html": ("TemplateSyntaxError", "syntax.html", 2),
    "undefined.html": ("UndefinedError", "undefined.html", 3),
    "attribute.html": ("UndefinedError", "attribute.html", 1),
    "includes.html": ("TemplateNotFound", "includes.html", 1),
    "filter.html": ("TemplateAssertionError", "filter.html", 1),
    "deep.html": ("UndefinedError", "undefined.html", 3),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", TEMPLATES)
def test_it_works(app, browser, route, records, tmp_path, name, kind):
    for file, text in TEMPLATES.items():
        (tmp_path / file).write_text(text)
    app.jinja_env.loader = ChoiceLoader([FileSystemLoader(tmp_path), app.jinja_env.loader])
    path, headers = KINDS[kind]
    route(path, lambda: render_template(name))
    page = browser.send("GET", path, headers=headers)

    assert page.status == 500
    assert "nothing_of_this_name" not in page.text
    assert "fine" not in page.text, "half a page is no page"
    (record,) = records("request.failed", reference=page.reference)
    kind_of_error, template, line = LOGGED[name]
    assert record["exception"][0]["type"] == kind_of_error
    frames = record["exception"][0]["frames"]
    named = [(frame["file"].rpartition("/")[2], frame["line"]) for frame in frames]
    assert (template, line) in named
    browser.still_works()


def test_every_template_compiles(app):
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(name)
