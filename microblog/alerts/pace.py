"""When the next mail about a group of errors may go. Pure arithmetic; all times in seconds."""

from dataclasses import dataclass

from microblog.config.settings import Alerts


@dataclass(frozen=True)
class Pace:
    """The settings [alerts], as the moments they mean."""

    first_wait: float
    backoff: tuple[float, ...]
    digest: float

    @classmethod
    def of(cls, alerts: Alerts) -> "Pace":
        """An empty backoff is taken as an hour: silence for ever would hide a bug."""
        return cls(alerts.first_wait, tuple(alerts.backoff) or (3600.0,), alerts.digest)

    def step(self, stage: int) -> float:
        """The least time between two mails about one group of which `stage` mails were sent."""
        return self.backoff[min(max(stage, 1), len(self.backoff)) - 1]

    def due(self, now: float, stage: int, mailed: float) -> float:
        """When the next mail about it may go. A short wait always, so that a burst is counted before it is told."""
        soon = now + self.first_wait
        return soon if stage == 0 else max(soon, mailed + self.step(stage))

    def stage_after_silence(self, stage: int, silent: float) -> int:
        """An error that stayed away longer than the longest step is news again."""
        return 0 if silent > max(self.backoff) else stage

    def sane(self, due: float, now: float, stage: int, *, deferred: bool) -> float:
        """`due`, unless a clock that jumped back has put it further off than any rule could."""
        longest = self.digest if deferred else self.first_wait + (self.step(stage) if stage else 0)
        return due if due <= now + longest + 1 else now
