"""What a run says at its end: where its time went, and what this machine lacks."""

from collections import Counter
from typing import Any

import pytest

ABSENT = "is not here: "
"""Stands in the reason of each test that is skipped for want of something, before the way to get it."""


def skipped_for_want(report: Any) -> str:
    """What `report` was skipped for the want of, as a sentence; empty where it was not."""
    if report.skipped and isinstance(report.longrepr, tuple) and ABSENT in report.longrepr[2]:
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return ""


class Report:
    """A plugin for pytest."""

    @pytest.hookimpl(wrapper=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Any:
        stats = terminalreporter.stats
        skipped = stats.get("skipped", [])
        wanting = Counter(filter(None, map(skipped_for_want, skipped)))
        # These are told once, below; pytest lists the others, which have reasons of their own.
        stats["skipped"] = [report for report in skipped if not skipped_for_want(report)]
        yield
        stats["skipped"] = skipped
        self._time(terminalreporter)
        for sentence, count in wanting.items():
            terminalreporter.write_line(f"{count} tests did not run: {sentence}", yellow=True)

    def _time(self, reporter: Any) -> None:
        spent: Counter[str] = Counter()
        tests: Counter[str] = Counter()
        for reports in reporter.stats.values():
            for report in reports:
                if hasattr(report, "when") and hasattr(report, "duration"):
                    folder = "/".join(report.nodeid.split("::")[0].split("/")[:2])
                    spent[folder] += report.duration
                    tests[folder] += report.when == "call"
        if sum(spent.values()) > 10:
            reporter.write_sep("=", "seconds and tests by folder")
            for folder, seconds in spent.most_common():
                reporter.write_line(f"{seconds:7.1f} s  {tests[folder]:5}  {folder}")
