"""Every fault that can be injected, by the name that the header X-Fault, the panel and the tests use."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Fault:
    """`what` happens, in a few words; `saved` says whether the change was made all the same."""

    name: str
    group: Literal["Answers of the site", "Who asks", "Database", "The machine", "Between site and browser"]
    what: str
    saved: bool = False


_ANSWERS = {
    "400": "half of the form arrives",
    "401": "sign in first",
    "403": "it belongs to somebody else",
    "404": "the thing is gone",
    "409": "it was saved elsewhere meanwhile",
    "413": "more fields than the site takes",
    "422": "a rule refuses it",
    "429": "too often; wait two seconds",
    "500": "a bug in the view",
    "502": "a service refuses the connection",
    "503": "looked after, back in a moment",
    "504": "a service does not answer in time",
    "507": "no room on the disk",
}

FAULTS = {
    fault.name: fault
    for fault in (
        *(Fault(status, "Answers of the site", what) for status, what in _ANSWERS.items()),
        Fault("csrf", "Who asks", "the token of the form is of an earlier session"),
        Fault("session", "Who asks", "the session has ended; for strangers, its cookie is lost"),
        Fault("locked", "Database", "another program holds the database for the whole request"),
        Fault("down", "Database", "the database cannot be reached"),
        Fault("readonly", "Database", "the database can be read, not changed"),
        Fault("full", "Database", "the disk of the database has no room for the change"),
        Fault("template", "The machine", "a template is missing when the answer is drawn", saved=True),
        Fault("mail", "The machine", "a bug, and for a minute no mail server to tell the administrator"),
        Fault("slow", "Between site and browser", "the request takes three seconds to arrive", saved=True),
        Fault("cut", "Between site and browser", "the connection breaks in the middle of the answer", saved=True),
        Fault("foreign", "Between site and browser", "a proxy answers 502 by itself; the site never hears of it"),
        Fault("late", "Between site and browser", "a proxy gives up waiting and answers 504", saved=True),
        Fault("empty", "Between site and browser", "an answer without headers of ours and without a word"),
    )
}
