"""`manage.py`, where saving fails as long as a file says so. Started as a process by test_debugger.py."""

import os
import sys
from pathlib import Path

from flask import Flask, request

from microblog.cli import main
from microblog.serving import development

make = development.create_app
BROKEN = Path(os.environ["BROKEN_FILE"])


def create_app(*args: object, **options: object) -> Flask:
    app: Flask = make(*args, **options)  # type: ignore[arg-type]

    @app.before_request
    def fail_on_purpose() -> None:
        if BROKEN.exists() and (request.method == "POST" or request.path == "/index"):
            hidden = "treasure " * 2
            raise RuntimeError(BROKEN.read_text() or hidden[:4])

    return app


development.create_app = create_app

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
