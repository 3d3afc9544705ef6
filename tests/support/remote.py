"""The browser of tests/support/client.py, pointed at a site that is another process."""

from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import Any, Protocol, Self

from werkzeug.test import EnvironBuilder

from microblog.models import User
from tests.support.watched import Records, Watched


class Answering(Protocol):
    """A site that can be asked; tests/support/site.py has it."""

    def exchange(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Any: ...


class RemoteClient:
    """What tests.support.client.Browser needs of a test client, over a real connection."""

    def __init__(self, site: Answering) -> None:
        self.site = site
        self.cookies: dict[str, str] = {}

    def open(self, path: str, *, method: str, follow_redirects: bool = False, **options: Any) -> Any:
        options.pop("buffered", None)
        builder = EnvironBuilder(path, method=method, **options)
        environ = builder.get_environ()
        builder.close()
        headers = {name: value for name, value in builder.headers if name not in {"Cookie", "Host"}}
        if environ.get("CONTENT_TYPE"):
            headers["Content-Type"] = environ["CONTENT_TYPE"]
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        response = self.site.exchange(method, path, body, headers)
        for line in response.headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        if follow_redirects and 300 <= response.status_code < 400:
            return self.open(response.headers["Location"], method="GET")
        return response

    def get_cookie(self, name: str) -> Any:
        return SimpleNamespace(value=self.cookies[name]) if name in self.cookies else None

    def set_cookie(self, name: str, value: str) -> None:
        self.cookies[name] = value

    def delete_cookie(self, name: str) -> None:
        self.cookies.pop(name, None)


class RemoteBrowser(Watched):
    """The browser of the other tests, pointed at a running site."""

    def __init__(self, site: Answering, records: Records, *, canaries: tuple[str, ...] = ()) -> None:
        super().__init__(None, records, canaries=canaries)
        self.client: Any = RemoteClient(site)

    def sign_in(self, user: User | str) -> Self:
        """Through the form: the site is another process."""
        return self.sign_in_by_form(user)
