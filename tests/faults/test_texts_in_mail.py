"""F7 hostile texts, F16 every script: one subject line, nothing that acts, nothing lost. The mail's side."""

import pytest

from tests.support.alerting import handler_for, raised, record, settings_for
from tests.support.mailbox import wait_until

HOSTILE = [
    "first\nBcc: everyone@example.org\n\nbody",
    "first\r\nBcc: everyone@example.org\r\n\r\nbody",
    "\x1b[2J\x1b]0;title\x07red",
    "abc\u202egpj.exe\u2066\u2069",
    "nul\0nul",
    "lone \ud800\udfff surrogate",
    "line\u2028separator\u2029paragraph\x85next",
    "x" * 1_000_000,
    "\n" * 1_000_000,
    "=?utf-8?q?=0ABcc:_x?=",
    "=?utf-8?b?CkJjYzogeA==?=",
    "=?utf-8?q?a?= =?utf-8?q?=0D=0ABcc:_x?=",
    "==??utf-8?q?=0ABcc:_x?=",
    "<script>alert(1)</script>",
]


@pytest.mark.fault(7)
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_one_subject_line_and_no_header_of_others(tmp_path, mailbox, text):
    with handler_for(settings_for(tmp_path, mailbox.port)) as handler:
        # Everywhere at once, the type's name included.
        name = text[:50].replace("\0", "").encode(errors="replace").decode()
        error = raised(type(name, (RuntimeError,), {})(text))
        handler.emit(
            record(error, method="POST", route=text, path=text, status=500, user_id=text, reference=text, x=text)
        )
        assert wait_until(lambda: mailbox.mails)
    (mail,) = mailbox.mails
    head = mailbox.raw[0].partition(b"\r\n\r\n")[0]
    assert head.isascii()
    assert head.lower().count(b"\nsubject:") == 1
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("[Microblog] ")
    assert "\n" not in mail["Subject"]
    assert len(mail["Subject"]) <= 200
    assert not mail.defects
    assert len(mailbox.raw[0]) < 200_000
    shown = mailbox.text() + mailbox.html() + mail["Subject"]
    assert not set(shown) & set("\0\x1b\x07\x85\u202e\u2066\u2069\u2028\u2029")
    assert "<script" not in mailbox.html()
    # Nothing that is no reference gets into a line made for pasting into a shell.
    assert "manage.py logs show" not in mailbox.text()


class HostileError(Exception):
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


class WorseText(str):
    def __getitem__(self, key):
        raise RuntimeError("no part")

    def __len__(self):
        raise RuntimeError("no length")

    __str__ = __getitem__


class Meta(type):
    def __getattribute__(cls, name):
        raise RuntimeError("no name")


class NamelessError(RuntimeError, metaclass=Meta):
    pass


@pytest.mark.fault(8)
@pytest.mark.parametrize(
    "error", [HostileError(), NamelessError("x"), raised(RuntimeError(HostileError())), RecursionError()]
)
def test_str_and_repr_that_raise_still_make_a_mail(tmp_path, mailbox, error):
    cycle = {"again": None}
    cycle["again"] = cycle
    with handler_for(settings_for(tmp_path, mailbox.port)) as handler:
        handler.emit(
            record(
                error, route=WorseText("/x"), path=HostileError(), huge=10**5000, cycle=cycle, bad={HostileError(): 1}
            )
        )
        assert wait_until(lambda: mailbox.mails)
    assert sum(mailbox.counts().values()) == 1


TEXT = "Ошибка профиля · 用户名已被占用 · 🎈👩‍👩‍👧 · ñ"


@pytest.mark.fault(16)
def test_every_script_arrives_as_it_was(tmp_path, mailbox):
    with handler_for(settings_for(tmp_path, mailbox.port)) as handler:
        error = raised(ValueError(TEXT))
        handler.emit(record(error, method="POST", route="/профиль/<имя>/🎈", path="/профиль/安娜/🎈", status=500))
        assert wait_until(lambda: mailbox.mails)
    (mail,) = mailbox.mails
    assert mail["Subject"] == "[Microblog] 500 ValueError at POST /профиль/<имя>/🎈 (×1)"
    assert f"ValueError: {TEXT}" in mailbox.text()
    assert "/профиль/安娜/🎈" in mailbox.text()
    assert TEXT in mailbox.html()
    assert mailbox.raw[0].isascii()  # passes servers without SMTPUTF8 and without 8BITMIME


@pytest.mark.fault(16)
@pytest.mark.parametrize("text", ["Ошибка " * 30, "占用" * 100, "🎈" * 150], ids=["cyrillic", "chinese", "emoji"])
def test_a_long_subject_folds_and_comes_back_whole(tmp_path, mailbox, text):
    with handler_for(settings_for(tmp_path, mailbox.port)) as handler:
        handler.emit(record(event=text))
        assert wait_until(lambda: mailbox.mails)
    subject = mailbox.mails[0]["Subject"]
    kept = subject.removeprefix("[Microblog] ERROR ").partition("…")[0]
    assert len(kept) > 90
    assert text.startswith(kept)
    assert subject.endswith("(×1)")
