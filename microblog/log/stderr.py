"""The last place to say something: standard error, without ever waiting for whoever reads it."""

import contextlib
import os
import select
import sys

_PIECE = 4096  # PIPE_BUF: a pipe that poll() calls writable takes as much without blocking


def say(text: bytes) -> bool:
    """Write `text` to stderr and tell whether all of it arrived. Never raises, never blocks."""
    stream = sys.stderr
    if stream is None:
        return False
    try:
        fd = stream.fileno()
    except (OSError, ValueError, AttributeError):  # replaced by something in memory, or closed
        with contextlib.suppress(Exception):
            stream.write(text.decode(errors="backslashreplace"))
            return True
        return False
    try:
        with contextlib.suppress(ValueError):
            stream.flush()
        ready = select.poll()
        ready.register(fd, select.POLLOUT)
        for start in range(0, len(text), _PIECE):
            piece = text[start : start + _PIECE]
            if not any(state & select.POLLOUT for _, state in ready.poll(0)) or os.write(fd, piece) != len(piece):
                return False
    except OSError:
        return False
    return True
