"""One mail, sent at once and reported step by step: what `manage.py mail test` does."""

from collections.abc import Callable
from email.message import EmailMessage

from microblog.alerts.message import compose, site_domain
from microblog.alerts.smtp import Delivery, Receipt, Step
from microblog.config.settings import Settings


def send(settings: Settings, message: EmailMessage, report: Callable[[Step], None] = lambda step: None) -> Receipt:
    """Hand `message` to the configured server now; `report` is called after each step.

    Waits for the server, up to six times mail.timeout seconds: never call it in a request. Raises NotDelivered.
    """
    return Delivery(settings.mail, hello=site_domain(settings), report=report).send(message)


def trial_message(settings: Settings, to: str) -> EmailMessage:
    """The mail of `manage.py mail test`. Raises ValueError when an address is none."""
    body = (
        f"This is a test from {settings.site.name} at {settings.site.url}.\n\n"
        "It arrived, so alerts arrive too. If these words are readable, so are all others: Привет, 你好, 🎈.\n"
    )
    return compose(settings, [to], f"[{settings.site.name}] Test mail: Привет, 你好, 🎈", body)
