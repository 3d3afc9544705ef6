"""A fork waits until no file of the alerts is in use.

SQLite keeps its locks in tables inside the process. A child that is forked in the middle of a transaction inherits
them, without the thread that would give them back, and finds the database locked for ever (measured: 4 forks of 20).
A file lock is worse: the child holds a copy that outlives the parent.
"""

import os
import threading

PATIENCE = 2.0  # seconds a fork may wait for a database that another program has locked

lock = threading.Lock()
"""Held while a file is open. Use it as ``forks.lock``: after a fork it is another one."""

_held = False


def _before() -> None:
    global _held
    _held = lock.acquire(timeout=PATIENCE)


def _in_parent() -> None:
    global _held
    if _held:
        _held = False
        lock.release()


def _in_child() -> None:
    global lock, _held
    lock, _held = threading.Lock(), False


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
