"""The org and the clients of the other Salesforce tests."""

from tests.emulators.salesforce.conftest import add_field, api, app, clock, org, outside

__all__ = ["add_field", "api", "app", "clock", "org", "outside"]
