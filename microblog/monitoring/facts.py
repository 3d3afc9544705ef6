"""What /metrics tells that is not counted: which version runs, and how the alerts by mail are doing."""

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from microblog.alerts.health import Health
from microblog.alerts.wording import version
from microblog.config.settings import Settings


class Fixed:
    """A collector of what is known already."""

    def __init__(self, *families: Metric) -> None:
        self._families = families

    def collect(self) -> tuple[Metric, ...]:
        """What the registry asks for."""
        return self._families


def about(settings: Settings, mail: Health) -> bytes:
    """In the text format of Prometheus."""
    info = GaugeMetricFamily("microblog_info", "What runs.", labels=["version", "environment"])
    info.add_metric([version(), settings.site.environment], 1)
    waiting = sum(group.pending for group in mail.waiting)
    registry = CollectorRegistry()
    registry.register(
        Fixed(
            info,
            GaugeMetricFamily("microblog_alerts_on", "Whether errors are mailed.", mail.state != "off"),
            GaugeMetricFamily("microblog_alerts_pending", "Errors that wait to be mailed.", waiting),
            GaugeMetricFamily("microblog_alerts_failing", "Whether mail cannot be sent.", mail.state == "failing"),
            GaugeMetricFamily(
                *("microblog_alerts_failing_since_seconds", "Since when, in Unix time; 0 where it can."),
                mail.since or 0.0,
            ),
        )
    )
    return generate_latest(registry)
