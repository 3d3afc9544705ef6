"""The form of a post: a new one, an answer, or a change of one's own."""

import re
from functools import lru_cache

from markupsafe import Markup
from wtforms import Field, ValidationError
from wtforms.validators import DataRequired, StopValidation
from wtforms.widgets import HiddenInput

from microblog.extensions import settings
from microblog.models.graphemes import graphemes
from microblog.models.languages import LANGUAGES
from microblog.web.text import LongText, Readable, RowVersion, SiteForm, Text, stripped

CODE_POINTS = 10
"""So many code points a character may have on average: marks can be piled up without end."""


_EMPTY_LINES = re.compile(r"(?<![^\S\n])[^\S\n]*+\n(?:[^\S\n]*+\n){2,}")
"""Linear: a run of spaces is entered only at its beginning, and none of it is given back."""


def paragraphs(value: str | None) -> str:
    """`stripped`, with no more than one empty line in a row."""
    return _EMPTY_LINES.sub("\n\n", stripped(value))


def known_language(value: str | None) -> str:
    """The code of a language of ours; else none, for only a list of ours offers them."""
    return value if value in LANGUAGES else ""


@lru_cache(maxsize=len(LANGUAGES) + 1)
def language_options(chosen: str, none: str = "Language") -> Markup:
    """The options of the list of languages, and what `none` is called; drawn once, for every page with a form."""
    option = Markup('<option value="{0}"{1}{2}>{3}</option>')
    return Markup("").join(
        option.format(
            code,
            Markup(' lang="{}"').format(code) if code else "",
            Markup(" selected") if code == chosen else "",
            name,
        )
        for code, name in {"": none, **LANGUAGES}.items()
    )


class FitsPost:
    """At most posts.max_length characters, counted as a person counts."""

    def __call__(self, _form: object, field: Field) -> None:
        limit, text = settings().posts.max_length, field.data or ""
        if len(text) > limit * CODE_POINTS:
            raise StopValidation(f"This is far too long: at most {limit} characters fit.")
        over = graphemes(text) - limit
        if over > 0:
            raise ValidationError(f"{over} character{'s' if over != 1 else ''} too many: at most {limit} fit.")


class PostForm(SiteForm):
    """Of a new post, an answer and a change alike."""

    text = LongText(
        "Your post",
        filters=[paragraphs],
        validators=[DataRequired("Write something first."), FitsPost(), Readable(lines=True, newcomers=True)],
    )
    language = Text("Language", filters=[known_language])
    version = RowVersion(widget=HiddenInput(), default=0)

    @property
    def problem(self) -> str:
        """What is wrong with the text; empty where nothing is."""
        return str(self.text.errors[0]) if self.text.errors else ""
