"""A logging handler whose `emit` runs without the handler's lock."""

import logging


class UnlockedHandler(logging.Handler):
    """For handlers that are safe in several threads by themselves: no thread waits for another one's record.

    `handle` is overridden because the lock cannot be left out: since Python 3.13 the standard library enters it with
    ``with self.lock``, which fails on None.
    """

    def handle(self, record: logging.LogRecord) -> bool:
        """Filter and emit `record`; whether the filters let it pass."""
        passed = self.filter(record)
        if isinstance(passed, logging.LogRecord):  # since Python 3.12 a filter may put another record in its place
            record = passed
        if passed:
            self.emit(record)
        return bool(passed)
