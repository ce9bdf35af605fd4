"""Loading a population's contacts into an org."""

from collections.abc import Iterable, Mapping
from typing import Protocol


class Loader(Protocol):
    """An org, as far as loading records goes."""

    def insert_many(self, name: str, records: Iterable[Mapping[str, object]]) -> list[str]: ...


def load_contacts(org: Loader, contacts: Iterable[Mapping[str, object]]) -> list[str]:
    """Loads a population's contacts into an org, making the accounts they name, and returns their ids in order."""
    contacts = list(contacts)
    names = list(dict.fromkeys(str(contact["AccountName"]) for contact in contacts))
    accounts = dict(zip(names, org.insert_many("Account", [{"Name": name} for name in names]), strict=True))
    records = [
        {name: value for name, value in contact.items() if name != "AccountName"}
        | {"AccountId": accounts[str(contact["AccountName"])]}
        for contact in contacts
    ]
    return org.insert_many("Contact", records)
