"""What is asked of an org before anything is put into it; a question that gets no answer never hides the others."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from hintsync.doctor.known import Known, Unknown, learn
from hintsync.replicas.salesforce import org_setup
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.describe import PERSON_ACCOUNT
from hintsync.replicas.salesforce.org_setup import VIEW_SETUP, Api, Edition, InstalledPackage, Persons

#: Seconds that one question may take.
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class OrgFacts:
    """What the org said."""

    edition: Known[Edition | None]
    api: Known[Api]
    #: Permissions of the user that installs, by name.
    rights: Known[Mapping[str, bool]]
    #: The user that hintsync works as may see Setup.
    sees_setup: Known[bool]
    #: Fields of the contact, API name to label.
    labels: Known[Mapping[str, str]]
    #: None: the org has no person accounts.
    persons: Known[Persons | None]
    duplicate_rules: Known[tuple[str, ...]]
    packages: Known[tuple[InstalledPackage, ...]]


async def gather(client: SalesforceClient, daily: SalesforceClient | None = None) -> OrgFacts:
    """Ask an org; ten calls at most, and nothing is written.

    Args:
        client: signs in as the user that installs.
        daily: signs in as the user that hintsync works as every day; None: the same.
    """
    # the first alone, so that the others find the session that it opens
    named = await learn(org_setup.edition(client), _PATIENCE)
    api, rights, labels, rules, packages = await asyncio.gather(
        learn(org_setup.api(client), _PATIENCE),
        learn(org_setup.rights(client), _PATIENCE),
        learn(org_setup.contact_labels(client), _PATIENCE),
        learn(org_setup.duplicate_rules(client), _PATIENCE),
        learn(org_setup.installed_packages(client), _PATIENCE),
    )
    sees_setup = await learn(_sees_setup(daily or client), _PATIENCE)
    return OrgFacts(named, api, rights, sees_setup, labels, await _persons(client, labels), rules, packages)


async def _sees_setup(client: SalesforceClient) -> bool:
    return (await org_setup.rights(client, [VIEW_SETUP]))[VIEW_SETUP]


async def _persons(client: SalesforceClient, labels: Known[Mapping[str, str]]) -> Known[Persons | None]:
    if isinstance(labels, Unknown):
        return labels
    return await learn(org_setup.persons(client), _PATIENCE) if PERSON_ACCOUNT in labels else None
