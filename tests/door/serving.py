"""Run by the tests as a program of its own: the production server around a small application.

Started with a folder for data and log, how many workers and threads, and for how many seconds it lets requests finish
when it is told to stop; prints the address once it answers.
"""

import os
import sys
import time
from pathlib import Path

from flask import Flask, request

from microblog.config.settings import Logs, Paths, Server, Settings
from microblog.serving import production


def make_app(folder: Path) -> Flask:
    app = Flask("served")
    app.config["MAX_CONTENT_LENGTH"] = 1_000_000

    @app.get("/")
    def home() -> str:
        return f"{os.getpid()} {request.remote_addr} {request.scheme} {request.headers.get('X-Forwarded-For', '')}"

    @app.get("/wait/<name>")
    def wait(name: str) -> str:
        """Until the test makes the file `go`; it sees by the file `name` that the waiting has begun."""
        (folder / name).touch()
        while not (folder / "go").exists():
            time.sleep(0.01)
        return "waited"

    @app.post("/echo")
    def echo() -> str:
        return str(len(request.get_data()))

    @app.get("/large")
    def large() -> str:
        return "x" * 20_000_000

    @app.get("/escape")
    def escape() -> str:
        raise AssertionError("never reached")

    return app


class Escaping:
    """What no application of ours does: let an exception reach the server."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] == "/escape":
            raise RuntimeError("canary-in-the-text")
        return self.app(environ, start_response)


def main() -> int:
    folder, workers, threads, production.STOP_SECONDS = sys.argv[1], *map(int, sys.argv[2:])
    settings = Settings(
        paths=Paths(data=folder),
        logs=Logs(directory=folder, console="off"),
        server=Server(port=0, workers=workers, threads=threads),
    )
    listener = production.listen("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    production.create_app = lambda *_, **__: Escaping(make_app(Path(folder)))
    return production.serve(settings, listener, version="0", announce=lambda _, pid: print(address, pid, flush=True))


if __name__ == "__main__":
    sys.exit(main())
