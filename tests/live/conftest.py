"""Prints the figures that live histories end with."""

from __future__ import annotations

from _pytest.terminal import TerminalReporter

#: Key of the property under which a test leaves a line of figures.
FIGURES = "live figures"


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print the figures that tests left."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    lines = [value for report in reports for name, value in getattr(report, "user_properties", ()) if name == FIGURES]
    if lines:
        terminalreporter.section(FIGURES)
        for line in sorted(set(map(str, lines))):
            terminalreporter.write_line(line)
