"""What arrives: forms that are whole, numbers that are ids. Werkzeug takes a damaged form for an empty one."""

from typing import IO, Any
from urllib.parse import parse_qsl

from flask import Flask, Request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.routing import IntegerConverter, Map

from microblog.models.columns import LARGEST


class StrictForms(FormDataParser):
    """Says what is wrong with a form; a byte that is no UTF-8 becomes U+FFFD, which every field refuses."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.silent = False

    def _parse_urlencoded(self, stream: IO[bytes], *_args: Any) -> Any:
        """Werkzeug's would keep such bytes as the text %FF, and take any number of fields."""
        text = stream.read().decode(errors="replace")
        if self.max_form_parts is not None and text.count("&") >= self.max_form_parts:
            raise RequestEntityTooLarge
        return stream, self.cls(parse_qsl(text, keep_blank_values=True, errors="replace")), self.cls()


class WholeRequest(Request):
    """Refuses a body that was cut or lacks its last boundary."""

    form_data_parser_class = StrictForms

    def _load_form_data(self) -> None:
        try:
            super()._load_form_data()
        except ValueError as error:
            raise ClientDisconnected from error
        if self.content_length is None:
            # In chunks: Werkzeug stops at the limit without a word, but says so to whoever reads on.
            self.stream.read(1)
        self.environ["microblog.form"] = self.form  # for the last resort: Flask has let go of the request by then


class Id(IntegerConverter):
    """A number in an address, as large as a row's can be: PostgreSQL takes none above, and Python no 5,000 digits.

    An address with a larger one is none of ours: 404.
    """

    regex = "[0-9]{1,10}"

    def __init__(self, map: Map, **options: Any) -> None:
        super().__init__(map, max=LARGEST, **options)


def init_app(app: Flask) -> None:
    """Read every request in this way; before any route is added."""
    app.request_class = WholeRequest
    app.url_map.converters["int"] = Id
