"""Some tests may not be skipped where it counts: a suite that skips its PostgreSQL half would look green."""

from __future__ import annotations

import pytest


class SkipGuard:
    """A pytest plugin that fails the session when a guarded test was skipped, in this process or in an xdist worker."""

    def __init__(self, guarded: tuple[str, ...]) -> None:
        """Take the beginnings of the ids of the guarded tests."""
        self._guarded = guarded
        self._skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a skipped test; one that is expected to fail is not skipped."""
        if not hasattr(report, "wasxfail"):
            self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a module that was skipped as a whole."""
        self._note(report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the session if anything was noted."""
        if self._skipped:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say which tests were skipped that may not be."""
        if self._skipped:
            terminalreporter.section("skipped, but may not be (MAY_NOT_SKIP)", red=True)
            terminalreporter.write_line("\n".join(self._skipped))

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and report.nodeid.startswith(self._guarded):
            self._skipped.append(report.nodeid)
