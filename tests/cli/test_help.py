"""What the command line says of itself, for every command there is."""

import argparse

import pytest

from microblog.cli import build, main


def parsers(parser):
    """Each command with its parser, and so on downwards."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from parsers(below)


@pytest.mark.parametrize("parser", [pytest.param(one, id=one.prog) for one in parsers(build())])
def test_each_has_an_example_of_its_own(parser):
    _, _, example = parser.format_help().lower().partition("\nexample")
    assert parser.prog in example


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--people", "abc"], "argument --people: 'abc' is no whole number."),
        (["--people", "1"], "argument --people: a community has at least 2 members."),
        (["--posts", "-5"], "argument --posts: a community has at least 2 posts."),
    ],
)
def test_a_number_that_is_none(words, said, capsys):
    with pytest.raises(SystemExit):
        main(["demo", *words])
    assert said in capsys.readouterr().err
