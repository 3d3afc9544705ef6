"""What the rules of the site refuse. Raised in models, worded for a person, answered in microblog/errors/."""

from typing import Any

from microblog.extensions import Claim


class DomainError(Exception):
    """A rule said no. `message` is shown to the person; `code` is for programs.

    What somebody may have typed stands in it as `{name}`, and is given as `name=…`: the log has it without.
    `title` and `next_step` are for where those of the status (errors/table.py) would say something else.
    """

    status = 400
    code = "refused"
    title = ""
    next_step = ""

    def __init__(self, message: str, **values: object) -> None:
        self.template = message
        self.message = message.format(**values) if values else message
        super().__init__(self.message)


class Nobody(DomainError):
    """There is no member of that name; `near` is the name of one who may be meant, or empty."""

    status = 404
    code = "not_found"

    def __init__(self, message: str, near: str = "", **values: object) -> None:
        super().__init__(message, **values)
        self.near = near


class Gone(DomainError):
    """It was here, and has been taken away; `may_return` if whoever looks did that, and may bring it back."""

    status = 410
    code = "gone"

    def __init__(self, message: str, *, may_return: bool = False) -> None:
        super().__init__(message)
        self.may_return = may_return


class Unavailable(DomainError):
    """A block or a suspension is between the two: whoever looks is told nothing more.

    With `username`, whom they asked for by that name, they can still report them.
    """

    status = 404
    code = "not_available"
    title = "This is not available to you"
    next_step = "There is more to read on the home page."

    def __init__(self, message: str, username: str = "") -> None:
        super().__init__(message)
        self.username = username


class Suspended(DomainError):
    """A moderator has stopped this account: it can neither sign in nor write."""

    status = 403
    code = "suspended"
    title = "Your account is suspended"

    def __init__(self, message: str, next_step: str, **values: object) -> None:
        super().__init__(message, **values)
        self.next_step = next_step


class NotYours(DomainError):
    """The thing belongs to somebody else."""

    status = 403
    code = "not_yours"


class NotForMembers(DomainError):
    """Moderators or administrators may see this, and whoever looks is neither."""

    status = 403
    code = "forbidden"
    title = "You may not see this page"
    next_step = "Go back, or sign in as somebody who may."


class Taken(DomainError):
    """Somebody else was first; `field` is where the message belongs."""

    status = 422
    code = "taken"

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


class Stale(DomainError):
    """It was changed meanwhile, in another tab or on another device."""

    status = 409
    code = "stale"


class TooFast(DomainError):
    """Asked too often; `retry_after` is in seconds."""

    status = 429
    code = "too_fast"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Repeated(Exception):
    """This form has changed something before, and is answered with what came of it: `kept`, from the first time.

    Not a refusal, so no DomainError. Answered by the view that knows best, else by microblog/web/once.py.
    """

    def __init__(self, kept: dict[str, Any], claim: Claim) -> None:
        super().__init__("this form was sent before")
        self.kept, self.claim = kept, claim
