"""One value, one place, one sentence: how settings are read and refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from microblog.config.settings import ConfigError, Settings, explicitly_production, load

Loader = Callable[..., Settings]


@pytest.fixture
def read(tmp_path: Path) -> Loader:
    """Settings from a folder of our own: `read(toml="", env="", flaskenv="", NAME="value")`."""

    def read(toml: str | None = None, env: str = "", flaskenv: str = "", **environ: str) -> Settings:
        for name, text in (("config.toml", toml), (".env", env), (".flaskenv", flaskenv)):
            if text:
                (tmp_path / name).write_text(text, encoding="utf-8")
        return load(environ=environ, folder=tmp_path)

    return read


def refused(read: Loader, *args: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(*args, **environ)
    return str(caught.value)


def test_it_works(read: Loader) -> None:
    settings = read('[server]\nport = 8000\n[mail]\nadmins = ["ana@example.org"]\n', MAIL_SERVER="mail.example.org")

    assert settings.server.port == 8000
    assert settings.mail.admins == ("ana@example.org",)
    assert settings.mail.server == "mail.example.org"
    assert settings.sources["server.port"] == "config.toml, line 2"
    assert settings.sources["mail.server"] == "environment variable MAIL_SERVER"
    assert settings.sources["mail.port"] == "default"


def test_nothing_at_all_gives_the_defaults(read: Loader) -> None:
    assert read() == Settings()


def test_precedence(read: Loader) -> None:
    toml, flaskenv, env = "[server]\nport = 1\n", "MICROBLOG_SERVER__PORT=2", "MICROBLOG_SERVER__PORT=3"

    assert read(toml).server.port == 1
    assert read(toml, flaskenv=flaskenv).server.port == 2
    assert read(toml, flaskenv=flaskenv, env=env).server.port == 3
    assert read(toml, flaskenv=flaskenv, env=env, MICROBLOG_SERVER__PORT="4").server.port == 4


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[server]\n\nprot = 1\n", "server.prot (config.toml, line 3) is not a setting; did you mean server.port?"),
        (
            "[server]\nusername = 'a'\n",
            "server.username (config.toml, line 2) is not a setting; did you mean mail.username?",
        ),
        ("[sever]\nport = 1\n", "[sever] (config.toml, line 1) is not a section; did you mean server?"),
        ("port = 1\n", "port (config.toml, line 1) stands outside every section; it belongs under [server]."),
        ('[server]\nport = "80"\n', "server.port = '80' (config.toml, line 2) must be a whole number, without quotes."),
        ("[server]\nport = true\n", "server.port = True (config.toml, line 2) must be a whole number."),
        ("[server]\nport = 80.5\n", "server.port = 80.5 (config.toml, line 2) must be a whole number."),
        ("[server]\nport = 65536\n", "server.port = 65536 (config.toml, line 2) must be from 0 to 65535."),
        ("[mail]\ntimeout = nan\n", "mail.timeout = nan (config.toml, line 2) must be from 0.1 to 300."),
        ("[site]\nname = 5\n", "site.name = 5 (config.toml, line 2) must be text in quotes."),
        (
            '[mail]\nadmins = "a@b.org"\n',
            "mail.admins = 'a@b.org' (config.toml, line 2) must be a list in square brackets.",
        ),
        (
            '[mail]\nadmins = ["ana"]\n',
            "mail.admins = ['ana'] (config.toml, line 2) must be a list of e-mail addresses.",
        ),
        ('[mail]\ntls = "startls"\n', "must be one of none, starttls, ssl; did you mean starttls?"),
        ('[site]\nurl = "blog.org"\n', "site.url = 'blog.org' (config.toml, line 2) must be an address such as"),
        ('[site]\nurl = "https://a.org/x"\n', "without a path"),
        ('[site]\nurl = "https://a.org:99999"\n', "has a port that is none"),
        (
            '[database]\nurl = "mysql://a"\n',
            "database.url (config.toml, line 2) must be an address that begins with sqlite",
        ),
        ("[server\n", "config.toml is not valid TOML"),
        ("[security]\nsession_idle_days = 91\n", "security.session_idle_days = 91 is longer than"),
        ("[alerts]\nbackoff = [5, 4]\n", "alerts.backoff must be a list of growing numbers"),
    ],
)
def test_a_mistake_in_the_file_is_one_clear_sentence(read: Loader, toml: str, message: str) -> None:
    assert message in refused(read, toml)


def test_all_problems_are_told_at_once(read: Loader) -> None:
    text = refused(read, "[server]\nprot = 1\nhost = 5\n", MAIL_PORT="x", MICROBLOG_LOGS__LEVL="info")

    assert len(text.splitlines()) == 4


def test_a_mistake_in_a_variable_names_the_variable(read: Loader) -> None:
    assert (
        refused(read, MAIL_PORT="25a") == "mail.port = '25a' (environment variable MAIL_PORT) must be a whole number."
    )
    assert refused(read, MICROBLOG_SERVER__PROT="1") == (
        "environment variable MICROBLOG_SERVER__PROT is not a setting; did you mean MICROBLOG_SERVER__PORT?"
    )
    assert ".env, line 2" in refused(read, env="# mine\nMAIL_PORT=x\n")


def test_a_refused_secret_is_not_repeated(read: Loader) -> None:
    assert "hunter2" not in refused(read, MAIL_PASSWORD="hunter2\nBcc: x")
    assert "hunter2" not in refused(read, DATABASE_URL="mysql://me:hunter2@db/x")
    assert "hunter2" not in refused(read, env="MAIL_PASSWORD hunter2")
    assert "hunter2" not in repr(read(MAIL_PASSWORD="hunter2", env="#\n", SECRET_KEY="hunter2-hunter2"))


@pytest.mark.parametrize(
    ("environ", "tls"),
    [
        ({}, "none"),
        ({"MAIL_USE_TLS": "1"}, "starttls"),
        ({"MAIL_USE_TLS": "True"}, "starttls"),
        ({"MAIL_USE_TLS": "0"}, "none"),
        ({"MAIL_USE_TLS": "false"}, "none"),
        ({"MAIL_USE_TLS": ""}, "none"),
        ({"MAIL_USE_SSL": "1", "MAIL_USE_TLS": "0"}, "ssl"),
    ],
)
def test_mail_switches_of_the_tutorial(read: Loader, environ: dict[str, str], tls: str) -> None:
    assert read(**environ).mail.tls == tls


def test_switches_in_doubt_stop_the_start(read: Loader) -> None:
    assert "MAIL_USE_TLS = 'maybe' (environment variable MAIL_USE_TLS) must be 1 or 0" in refused(
        read, MAIL_USE_TLS="maybe"
    )
    assert "both on" in refused(read, MAIL_USE_TLS="1", MAIL_USE_SSL="1")
    assert "FLASK_DEBUG = 'perhaps'" in refused(read, FLASK_DEBUG="perhaps")


def test_tutorial_names(read: Loader) -> None:
    settings = read(
        SECRET_KEY="a" * 40,
        DATABASE_URL="postgres://u:p@db.example.org/blog",
        MAIL_SERVER="mail.example.org",
        MAIL_PORT="587",
        MAIL_USERNAME="me",
        MAIL_PASSWORD="pass",
        ADMINS="ana@example.org, bo@example.org",
        MAIL_FROM="blog@example.org",
        APP_ENV="staging",
    )

    assert settings.security.secret_key == "a" * 40
    assert settings.database_url == "postgresql+psycopg://u:p@db.example.org/blog"
    assert (settings.mail.server, settings.mail.port) == ("mail.example.org", 587)
    assert (settings.mail.username, settings.mail.password) == ("me", "pass")
    assert settings.mail.admins == ("ana@example.org", "bo@example.org")
    assert settings.mail.sender == "blog@example.org"
    assert settings.site.environment == "staging"


def test_an_empty_tutorial_name_is_not_set(read: Loader) -> None:
    assert read("[mail]\nport = 587\n", MAIL_PORT="", DATABASE_URL="").mail.port == 587


def test_a_value_from_a_file(read: Loader, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("pass word\n")

    assert read(MAIL_PASSWORD_FILE=str(tmp_path / "password")).mail.password == "pass word"
    assert read(MICROBLOG_MAIL__PASSWORD_FILE="password").mail.password == "pass word"
    assert "named by MAIL_PASSWORD_FILE, cannot be read: No such file" in refused(read, MAIL_PASSWORD_FILE="/nope")


def test_one_setting_set_twice_is_refused(read: Loader) -> None:
    assert "set twice" in refused(read, MAIL_SERVER="a", MICROBLOG_MAIL__SERVER="b")
    assert read(MAIL_SERVER="a", MICROBLOG_MAIL__SERVER="a").mail.server == "a"


def test_dotenv_forms(read: Loader) -> None:
    settings = read(
        env=(
            "\n# a comment\nexport MAIL_SERVER=mail.example.org # said so\nMAIL_USERNAME='a # b'\n"
            'MAIL_PASSWORD="x\\"y\\\\z" # done\nUNRELATED=1\n'
        )
    )

    assert settings.mail.server == "mail.example.org"
    assert settings.mail.username == "a # b"
    assert settings.mail.password == 'x"y\\z'


def test_dotenv_line_that_is_none(read: Loader) -> None:
    assert refused(read, env="MAIL_SERVER mail\n") == ".env, line 1, is not of the form NAME=value."
    assert "closing" in refused(read, env="MAIL_SERVER='mail\n")


def test_another_file(read: Loader, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("[server]\nport = 8123\n")

    settings = read("[server]\nport = 1\n", MICROBLOG_CONFIG="other.toml")

    assert settings.server.port == 8123
    assert settings.sources["server.port"] == f"{tmp_path}/other.toml, line 2"
    assert "cannot be read: No such file" in refused(read, MICROBLOG_CONFIG="gone.toml")


def test_notices_never_stop_the_start(read: Loader) -> None:
    assert "FLASK_ENV has no effect" in read(FLASK_ENV="development").notices[0]
    mail = {"MAIL_SERVER": "mail.example.org", "MAIL_USERNAME": "me", "MAIL_PASSWORD": "pass"}
    assert "travels unencrypted" in read(**mail).notices[0]
    assert "465 is usual" in read(**mail, MAIL_USE_SSL="1").notices[0]
    assert read(**mail, MAIL_USE_TLS="1", MAIL_PORT="587").notices == ()


@pytest.mark.parametrize("name", ["MAIL_SERVER", "MAIL_USERNAME", "MAIL_PASSWORD", "ADMINS", "MAIL_FROM"])
def test_half_set_mail_never_stops_the_start(read: Loader, name: str) -> None:
    read(**{name: "ana@example.org" if name in {"ADMINS", "MAIL_FROM"} else "x"})


def test_the_address_has_no_slash_at_its_end(read: Loader) -> None:
    assert read('[site]\nurl = "https://blog.example.org/"\n').site.url == "https://blog.example.org"


def test_database_address(read: Loader, tmp_path: Path) -> None:
    assert read(MICROBLOG_PATHS__DATA=str(tmp_path)).database_url == f"sqlite:///{tmp_path}/microblog.db"
    assert read(DATABASE_URL="sqlite:////srv/blog.db").database_url == "sqlite:////srv/blog.db"
    assert read(DATABASE_URL="sqlite://").database_url == "sqlite://"


def test_production_is_explicit_only_when_somebody_said_so(read: Loader) -> None:
    shipped = '[site]\nenvironment = "production"\n'

    assert not explicitly_production(read())
    assert not explicitly_production(read(shipped))
    assert explicitly_production(read(APP_ENV="production"))
    assert explicitly_production(read(MICROBLOG_SITE__ENVIRONMENT="production"))
    assert not explicitly_production(read(APP_ENV="staging"))
