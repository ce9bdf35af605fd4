"""The org, the callers and the ways to deploy that these tests share."""

from __future__ import annotations

import httpx
import pytest

from tests.emulators.metadata.deploying import Deployer, RestDeployer, SoapDeployer
from tests.emulators.salesforce.conftest import api, app, clock, org, outside

__all__ = ["api", "app", "clock", "org", "outside"]


@pytest.fixture(params=["rest", "soap"])
def deployer(request: pytest.FixtureRequest, api: httpx.AsyncClient, outside: httpx.AsyncClient) -> Deployer:
    """Each way to deploy in turn; both give the result in the same form."""
    return RestDeployer(api) if request.param == "rest" else SoapDeployer(outside)


@pytest.fixture
def rest(api: httpx.AsyncClient) -> RestDeployer:
    return RestDeployer(api)


@pytest.fixture
def soap(outside: httpx.AsyncClient) -> SoapDeployer:
    return SoapDeployer(outside)
