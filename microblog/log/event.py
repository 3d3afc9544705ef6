"""An event: a name that is logged, and what a record of it may carry."""

LEVELS = ("debug", "info", "warning", "error", "critical")


class Event(str):
    """The name of something that happened, with what a record of it may carry.

    `level` is the level it is logged at; `varies` are further levels it may have, where that depends on the case.
    `keys` are the only keyword arguments allowed at the call, besides ``exc_info`` and ``stack_info``.
    """

    level: str
    varies: tuple[str, ...]
    keys: frozenset[str]
    doc: str

    def __new__(cls, name: str, level: str, keys: str, doc: str, *, varies: tuple[str, ...] = ()) -> "Event":
        if not {level, *varies} <= set(LEVELS):
            raise ValueError(f"{name}: a level must be one of {', '.join(LEVELS)}")
        event = super().__new__(cls, name)
        event.level = level
        event.varies = varies
        event.keys = frozenset(keys.split())
        event.doc = doc
        return event

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        # A copied or pickled event (a spool, a queue between processes) needs no more than its name.
        return (str, (str.__str__(self),))

    @property
    def levels(self) -> tuple[str, ...]:
        """Every level it may be logged at."""
        return (self.level, *self.varies)
