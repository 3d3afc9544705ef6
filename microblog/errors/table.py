"""What each status means to a person: a title, a sentence, and what to do next."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """The words for one status. `code` is for programs and never changes."""

    code: str
    title: str
    sentence: str
    next_step: str


PROBLEMS: dict[int, Problem] = {
    400: Problem(
        "bad_request",
        "That request did not make sense",
        "Something in it was missing or damaged on the way.",
        "Go back, reload the page and try once more.",
    ),
    401: Problem(
        "sign_in_required",
        "Please sign in",
        "You are not signed in, or your session has ended.",
        "Sign in, then send it again.",
    ),
    403: Problem(
        "forbidden",
        "This is not yours to change",
        "You are signed in, but this belongs to somebody else.",
        "Go back, or sign in as the person it belongs to.",
    ),
    404: Problem(
        "not_found",
        "There is nothing here",
        "The address may be misspelt, or what was here is gone.",
        "Check the address, or start from the home page.",
    ),
    405: Problem(
        "method_not_allowed",
        "This link only works as a button",
        "The address is used by a form; it cannot be opened or sent in this way.",
        "Go back and use the button on the page.",
    ),
    408: Problem(
        "request_timeout",
        "That took too long to arrive",
        "The connection was too slow or paused, so nothing was changed.",
        "Check your connection and send it again.",
    ),
    409: Problem(
        "conflict",
        "It was changed meanwhile",
        "Somebody, perhaps you in another tab, changed the same thing first.",
        "Look at what is there now, then decide.",
    ),
    410: Problem(
        "gone",
        "This is gone",
        "What was here has been removed for good.",
        "Start from the home page.",
    ),
    413: Problem(
        "too_large",
        "That is too large",
        "What you sent is larger than this site takes.",
        "Send something smaller.",
    ),
    414: Problem(
        "address_too_long",
        "That address is too long",
        "No page here has an address of this length.",
        "Check the address, or start from the home page.",
    ),
    415: Problem(
        "unsupported_type",
        "That kind of file does not work here",
        "What you sent is in a form this site does not read.",
        "Send it in another format.",
    ),
    422: Problem(
        "invalid",
        "Something needs another look",
        "One of the fields cannot be saved as it is.",
        "Correct it and save again.",
    ),
    429: Problem(
        "too_fast",
        "That was a little fast",
        "You have done this very often in a short time.",
        "Wait a moment and try again.",
    ),
    431: Problem(
        "headers_too_large",
        "Your browser sent too much along",
        "The cookies or headers of this request are larger than this site takes.",
        "Clear the cookies of this site and try again.",
    ),
    500: Problem(
        "internal_error",
        "Something broke on our side",
        "It is not your fault, and nothing was saved in part.",
        "Try again in a moment. If it happens again, tell us the reference.",
    ),
    502: Problem(
        "bad_gateway",
        "A service we need did not answer properly",
        "It is not your fault, and nothing was saved in part.",
        "Try again in a moment.",
    ),
    503: Problem(
        "unavailable",
        "The site needs a moment",
        "It is busy or being looked after; nothing you did was lost.",
        "Try again in a few seconds.",
    ),
    504: Problem(
        "timed_out",
        "A service we need took too long",
        "It is not your fault, and nothing was saved in part.",
        "Try again in a moment.",
    ),
    507: Problem(
        "out_of_space",
        "There is no room left",
        "The site has run out of space, so this could not be saved.",
        "Keep what you typed and try again later.",
    ),
}


def problem(status: int) -> Problem:
    """The words for `status`; a status without words of its own speaks for its class."""
    return PROBLEMS.get(status) or PROBLEMS[500 if status >= 500 else 400]
