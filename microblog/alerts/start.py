"""Logs and alerts together, as every process of the site starts them."""

from microblog.alerts import sentry
from microblog.alerts.handler import AlertHandler
from microblog.config.settings import Settings
from microblog.log.setup import Process, configure


def start(settings: Settings, *, process: Process) -> AlertHandler:
    """Records go to the file from now on, errors to the administrators as well. Call it after a fork.

    The handler does nothing where mail is not configured; `AlertHandler.start` also sends what an earlier process left.
    """
    alerts = AlertHandler(settings)
    configure(settings, process=process, alert_handler=alerts, service=sentry.handler(settings))
    return alerts
