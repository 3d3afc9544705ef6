"""The door: `python3 manage.py run` on a machine with nothing but Python; `python3 manage.py --help` for the rest.

This file must parse on any Python there ever was, to be able to say which one is needed.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - what this file is for
    sys.exit("Python 3.11 or newer is needed; this is %s." % sys.version.split()[0])  # noqa: UP031 - as above

import runpy
from pathlib import Path

if __name__ == "__main__":
    # By its path: importing the package would need what the file is there to install.
    bootstrap = Path(__file__).resolve().parent / "microblog" / "serving" / "bootstrap.py"
    runpy.run_path(str(bootstrap))["prepare"](sys.argv[1:])

    from microblog.cli import main

    sys.exit(main(sys.argv[1:]))
