"""A process of the site, reduced to its alerts. Commands on stdin, one a line; ends at the end of stdin.

start · fail NUMBER TIMES · many TIMES · mails · waiting · fork
"""

import json
import logging
import os
import sys

import structlog

from microblog.alerts.handler import AlertHandler
from microblog.config.settings import Alerts, Logs, Mail, Paths, Settings, Site
from microblog.log.reference import new_reference
from tests.support.alerting import bug, record


def main():
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    values = json.loads(sys.argv[1])
    for section, key in (("mail", "admins"), ("alerts", "backoff")):
        values[section][key] = tuple(values[section][key])
    settings = Settings(
        site=Site(**values["site"]),
        paths=Paths(**values["paths"]),
        logs=Logs(**values["logs"]),
        mail=Mail(**values["mail"]),
        alerts=Alerts(**values["alerts"]),
    )
    handler = AlertHandler(settings)
    logging.getLogger().addHandler(handler)
    print("ready", flush=True)
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "start":
            handler.start()
        elif command == "fail":
            number, times = map(int, arguments)
            for _ in range(times):
                fail(number)
        elif command == "many":
            for _ in range(int(arguments[0])):
                for number in range(5):
                    fail(number)
        elif command == "fork":
            fork(handler)
        print("done", flush=True)


def fail(number):
    logging.getLogger().handle(
        record(bug(number), method="POST", route=f"/bug/{number}", status=500, reference=new_reference())
    )


def fork(handler):
    """A child that fails once and flushes, while the parent's threads and counts are in full use."""
    fail(1)
    child = os.fork()
    if child == 0:
        fail(0)
        handler.flush()
        os._exit(0)
    os.waitpid(child, 0)


if __name__ == "__main__":
    main()
