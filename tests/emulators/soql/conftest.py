"""The org and the clients of the other Salesforce tests."""

import sys

import pytest

from tests.emulators.salesforce.conftest import add_field, api, app, clock, org, outside

__all__ = ["add_field", "api", "app", "clock", "org", "outside"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much the engine and the evaluator were compared on."""
    ran = sys.modules.get("tests.emulators.soql.test_oracle")
    if ran is not None and ran.RAN["statements"]:
        counts = ran.RAN
        terminalreporter.write_line(f"SOQL oracle: {counts['statements']} statements agreed on {counts['rows']} rows")
