"""Faults on demand: a developer makes the next request fail and sees what a member would see.

See docs/fault-injection.md.

Nothing is imported here, and nothing in this package can be imported, unless the process is in debug mode.
"""

from microblog.dev.debug_mode import required

required("microblog.dev.faults")
