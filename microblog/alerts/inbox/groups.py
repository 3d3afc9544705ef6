"""One failure of the inbox, what was decided about it, and the state that follows from both."""

from dataclasses import dataclass, field
from typing import Literal

State = Literal["new", "ongoing", "regressed", "resolved", "muted"]
STATES: tuple[State, ...] = ("regressed", "new", "ongoing", "muted", "resolved")
OPEN: frozenset[State] = frozenset(("regressed", "new", "ongoing"))
"""What somebody may want to look at; the rest is dealt with."""

NEW_FOR = 86_400.0  # seconds after its first sight that a failure is called new
HEADING = 100  # characters of a message on top of its page: some five lines of a telephone
MANY_PEOPLE = 500  # beyond that they are not told apart


@dataclass(frozen=True)
class Decision:
    """`kind` is "resolved", "muted", or "" where nobody has decided; times in seconds since 1970.

    `release` is the one that was running then. A mute ends at `until`; 0 is never.
    """

    kind: Literal["", "resolved", "muted"] = ""
    at: float = 0.0
    by: str = ""
    release: str = ""
    until: float = 0.0

    def mutes(self, now: float) -> bool:
        """Whether nothing is mailed at `now`."""
        return self.kind == "muted" and (not self.until or now < self.until)

    def broken_by(self, seen: float) -> bool:
        """Whether a sight at `seen` is a regression: it was said to be resolved before."""
        return self.kind == "resolved" and seen > self.at


NOTHING = Decision()


@dataclass(frozen=True)
class Group:
    """One failure. `people` counts members, exactly up to MANY_PEOPLE; releases are empty where the log has none."""

    fingerprint: str
    level: str
    kind: str
    place: str
    message: str
    first_seen: float
    last_seen: float
    count: int
    people: int
    first_release: str
    last_release: str
    first_reference: str
    last_reference: str
    routes: list[str] = field(default_factory=list)
    decision: Decision = NOTHING

    def state(self, now: float) -> State:
        """Follows from what was seen and decided, so nothing has to be changed for it when time passes."""
        if self.decision.mutes(now):
            return "muted"
        if self.decision.broken_by(self.last_seen):
            return "regressed"
        if self.decision.kind == "resolved":
            return "resolved"
        return "new" if now - self.first_seen < NEW_FOR else "ongoing"

    @property
    def affected(self) -> str:
        """How many members met it, for a person."""
        return f"{MANY_PEOPLE}+" if self.people > MANY_PEOPLE else str(self.people)

    @property
    def title(self) -> str:
        """``ZeroDivisionError: division by zero``."""
        return f"{self.kind}: {self.message}" if self.message else self.kind

    @property
    def heading(self) -> str:
        """The title without the statement that SQLAlchemy puts behind its message, and short."""
        said = self.message.partition(" [SQL: ")[0]
        if len(said) > HEADING:
            said = f"{said[: HEADING - 1].rstrip()}…"
        return f"{self.kind}: {said}" if said else self.kind
