"""Forms: creating and editing under the org's rules, deleting, taking back, merging; the author is the person."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hintsync_emulators.salesforce import DuplicateRule, ManualClock, Org
from hintsync_emulators.salesforce.dml.journal import Change
from hintsync_emulators.salesforce.schema.model import Field, PickValue
from tests.emulators.pages.reading import Browser

NEW = "/lightning/o/Contact/new"


def edit(contact: str) -> str:
    return f"/lightning/r/Contact/{contact}/edit"


@pytest.fixture
def changes(org: Org) -> list[Change]:
    """What was written since, as those who listen to changes are told."""
    found: list[Change] = []
    org.storage.journal.watched = frozenset({"Contact"})
    org.storage.journal.listeners.append(found.extend)
    return found


async def test_a_contact_is_made_from_what_was_filled_in(browser: Browser, org: Org) -> None:
    org.insert("Account", {"Name": "Moor Household"})
    page = await browser.send(
        NEW, Salutation="Dr.", FirstName="Ada", LastName="Moor", Birthdate="1980-02-03", Email="a@b.co",
        MailingStreet="1 Elm\r\nFlat 2", AccountId="moor household", LeadSource="Web",
    )  # fmt: skip
    assert page.head == "Ada Moor"
    assert page.main.one("p", role="status").text == "Contact “Ada Moor” was created."
    (contact,) = org.rows("Contact")
    assert (contact["Salutation"], contact["Birthdate"], contact["LeadSource"]) == ("Dr.", "1980-02-03", "Web")
    assert contact["MailingStreet"] == "1 Elm\nFlat 2"
    assert page.shown("AccountId") == "Moor Household"


@pytest.mark.parametrize(
    ("given", "field", "problem"),
    [
        ({}, "LastName", "Required fields are missing: [LastName]"),
        ({"LastName": "Moor", "Email": "nonsense"}, "Email", "Email: invalid email address: nonsense"),
        ({"LastName": "Moor", "Birthdate": "31.12."}, "Birthdate", "Birthdate: value not of required type: 31.12."),
        ({"LastName": "x" * 81}, "LastName", "data value too large"),
        ({"LastName": "Moor", "AccountId": "Nobody"}, "AccountId", "There is no Account of that name."),
        ({"LastName": "Moor", "AccountId": "Two"}, "AccountId", "Several Account records have that name"),
        ({"LastName": "Moor", "ReportsToId": "003000000000001AAA"}, "ReportsToId", "invalid cross reference id"),
    ],
)
async def test_what_the_org_refuses_stands_beside_the_field_and_nothing_typed_is_lost(
    browser: Browser, org: Org, given: dict[str, str], field: str, problem: str
) -> None:
    for _ in range(2):
        org.insert("Account", {"Name": "Two"})
    page = await browser.send(NEW, **given, Title="Captain")
    assert (page.status, org.count("Contact")) == (400, 0)
    assert problem in page.problem(field)
    assert problem in page.main.one("div", role="alert").text
    inputs = {each.get("name"): each for each in page.main.all("input")}
    assert inputs[field].get("aria-invalid") == "true"
    assert inputs["Title"].get("value") == "Captain"
    if field in given:
        assert inputs[field].get("value") == given[field]


async def test_a_refused_form_can_be_mended(browser: Browser, org: Org) -> None:
    page = await browser.send(NEW, LastName="Moor", Email="nonsense")
    page = await browser.post(NEW, {**page.form(), "Email": "a@b.co"})
    assert (page.head, org.rows("Contact")[0]["Email"]) == ("Moor", "a@b.co")


async def test_an_edit_writes_what_was_changed_and_nothing_else(
    browser: Browser, org: Org, changes: list[Change], clock: ManualClock
) -> None:
    contact = org.insert(
        "Contact", {"FirstName": "Ada", "LastName": "Moor", "Email": "a@b.co", "MailingStreet": "1 Elm\nFlat 2"}
    )
    form = (await browser.get(edit(contact))).form()
    clock.advance(60)
    org.update("Contact", contact, {"Email": "from-the-sync@b.co"})
    changes.clear()
    page = await browser.post(edit(contact), {**form, "Title": "Captain"})
    assert page.main.one("p", role="status").text == "Contact “Ada Moor” was saved."
    (change,) = changes
    differing = {name for name, value in change.after.items() if value != change.before[name]}
    assert differing == {"Title"}
    assert org.get("Contact", contact)["Email"] == "from-the-sync@b.co"


async def test_saving_without_a_change_writes_nothing(browser: Browser, org: Org, changes: list[Change]) -> None:
    account = org.insert("Account", {"Name": "Moor Household"})
    given = {"Birthdate": "1980-02-03", "MailingStreet": "a\nb", "Description": "\n  c", "LeadSource": "Web"}
    contact = org.insert("Contact", {"LastName": "Moor", "AccountId": account, **given})
    changes.clear()
    await browser.send(edit(contact))
    assert changes == []


async def test_a_field_can_be_emptied(browser: Browser, org: Org) -> None:
    account = org.insert("Account", {"Name": "Moor Household"})
    contact = org.insert("Contact", {"LastName": "Moor", "AccountId": account, "Email": "a@b.co", "LeadSource": "Web"})
    await browser.send(edit(contact), AccountId="", Email="", LeadSource="")
    row = org.get("Contact", contact)
    assert (row["AccountId"], row["Email"], row["LeadSource"]) == (None, None, None)


async def test_the_person_is_the_author_of_what_they_write(
    outsider: Browser, org: Org, changes: list[Change], add_user: Callable[..., str]
) -> None:
    user = add_user("Finn")
    await outsider.log_in("finn@example.org")
    page = await outsider.send(NEW, LastName="Moor")
    contact = str(page.url).split("/")[-2]
    await outsider.send(edit(contact), Title="Dr")
    await outsider.send(f"/lightning/r/Contact/{contact}/delete")
    assert [(each.kind, each.user_id) for each in changes] == [(kind, user) for kind in ("CREATE", "UPDATE", "DELETE")]
    assert all("SfdcInternalAPI" in each.origin for each in changes)


@pytest.fixture
def all_kinds(org: Org) -> None:
    """Contact has a custom field of every kind, and its layout is one that shows them all."""
    kinds = {"Flag": "boolean", "Day": "date", "Moment": "datetime", "Size": "double", "Colours": "multipicklist"}
    values = tuple(PickValue(each, each) for each in ("red", "green", "blue"))
    for name, kind in kinds.items():
        more = {"precision": 6, "scale": 2} if kind == "double" else {"values": values if kind[0] == "m" else ()}
        default = False if kind == "boolean" else None
        org.add_fields("Contact", [Field(f"{name}__c", name, kind, custom=True, default=default, **more)])
    for name in org.components.names("Layout"):
        org.components.drop("Layout", name)


@pytest.mark.usefixtures("all_kinds")
async def test_every_kind_of_field_goes_in_and_comes_back(browser: Browser, org: Org, changes: list[Change]) -> None:
    org.update("User", org.user_id, {"TimeZoneSidKey": "America/New_York"})
    page = await browser.send(
        NEW, LastName="Moor", Flag__c="true", Day__c="2026-03-02", Moment__c="2026-03-02T09:30", Size__c="12.5",
        Colours__c=["red", "blue"],
    )  # fmt: skip
    contact = str(page.url).split("/")[-2]
    row = org.get("Contact", contact)
    assert (row["Flag__c"], row["Day__c"], row["Size__c"], row["Colours__c"]) == (True, "2026-03-02", 12.5, "red;blue")
    assert row["Moment__c"] == "2026-03-02T14:30:00.000+0000"
    assert page.main.one("dl", data_field="Flag__c").get("data-value") == "true"
    assert page.shown("Moment__c") == "3/2/2026, 9:30 AM"
    assert page.shown("Colours__c") == "red; blue"
    changes.clear()
    form = (await browser.get(edit(contact))).form()
    assert (form["Moment__c"], form["Flag__c"], form["Colours__c"]) == ("2026-03-02T09:30", "true", ["red", "blue"])
    await browser.post(edit(contact), form)
    assert changes == []
    del form["Flag__c"]
    await browser.post(edit(contact), {**form, "Colours__c": []})
    row = org.get("Contact", contact)
    assert (row["Flag__c"], row["Colours__c"]) == (False, None)


async def test_a_value_that_no_list_knows_any_more_stays_to_be_chosen(browser: Browser, org: Org) -> None:
    contact = org.insert("Contact", {"LastName": "Moor", "LeadSource": "Fax"})
    page = await browser.get(edit(contact))
    assert page.form()["LeadSource"] == "Fax"


async def test_a_duplicate_is_named_and_may_be_saved_all_the_same(browser: Browser, org: Org) -> None:
    org.add_duplicate_rule(DuplicateRule("Contact", ("LastName", "Email")))
    known = org.insert("Contact", {"FirstName": "Ada", "LastName": "Moor", "Email": "a@b.co"})
    page = await browser.send(NEW, LastName="Moor", Email="a@b.co")
    assert (page.status, org.count("Contact")) == (400, 1)
    assert page.links["Ada Moor"] == f"/lightning/r/Contact/{known}/view"
    page = await browser.post(NEW, {**page.form(), "insist": "1"})
    assert (page.status, org.count("Contact")) == (200, 2)


async def test_what_hangs_on_rules_of_the_whole_record_is_said_above(browser: Browser, org: Org) -> None:
    org.add_validation_rule("Contact", lambda record: not record["Email"], "Everybody needs an address")
    page = await browser.send(NEW, LastName="Moor")
    assert "Everybody needs an address" in page.main.one("div", role="alert").text


async def test_a_record_goes_to_the_recycle_bin_and_comes_back(browser: Browser, org: Org) -> None:
    contact = org.insert("Contact", {"FirstName": "Ada", "LastName": "Moor"})
    base = f"/lightning/r/Contact/{contact}"
    page = await browser.send(f"{base}/delete")
    assert page.url.path == "/lightning/o/Contact/list"
    assert org.get("Contact", contact)["IsDeleted"]
    page = await browser.get("/lightning/o/DeleteEvent/home")
    assert page.rows() == [["Ada Moor", "Contact", "3/2/2026, 9:00 AM", "Ina Integration", "Undelete"]]
    page = await browser.post(f"{base}/undelete", page.form(f"{base}/undelete"))
    assert page.main.one("p", role="status").text == "Contact “Ada Moor” was taken out of the recycle bin."
    assert not org.get("Contact", contact)["IsDeleted"]


async def test_what_is_not_in_the_bin_cannot_be_taken_out(browser: Browser, org: Org) -> None:
    contact = org.insert("Contact", {"LastName": "Moor"})
    page = await browser.post(f"/lightning/r/Contact/{contact}/undelete", {"csrf": await browser.csrf()})
    assert (page.status, page.head) == (400, "That did not work")


async def test_two_contacts_are_merged_field_by_field(browser: Browser, org: Org, changes: list[Change]) -> None:
    ada = org.insert("Contact", {"FirstName": "Ada", "LastName": "Moor", "Email": "old@b.co"})
    twin = org.insert("Contact", {"FirstName": "Ada", "LastName": "Moore", "Email": "new@b.co", "Phone": "1"})
    page = await browser.get(f"/lightning/r/Contact/{ada}/merge")
    assert [each.get("value") for each in page.main.all("input", type="radio")] == [twin]
    address = f"/lightning/r/Contact/{ada}/merge?with={twin}"
    form = (await browser.get(address)).form()
    assert (form["keep.Email"], form["keep.Phone"], form["master"]) == (ada, twin, ada)
    changes.clear()
    page = await browser.post(address, {**form, "keep.Email": twin})
    row = org.get("Contact", ada)
    assert (row["LastName"], row["Email"], row["Phone"]) == ("Moor", "new@b.co", "1")
    assert org.get("Contact", twin)["MasterRecordId"] == ada
    assert [(each.kind, each.record_id) for each in changes if each.user_id] == [("DELETE", twin), ("UPDATE", ada)]
    assert all(each.user_id in ("", org.user_id) for each in changes)
    bin_page = await browser.get("/lightning/o/DeleteEvent/home")
    assert bin_page.rows()[0][0] == "Ada Moore merged into Ada Moor"


async def test_the_other_of_two_may_stay_and_keeps_a_unique_key_of_the_first(browser: Browser, org: Org) -> None:
    org.add_fields("Contact", [Field("Key__c", "Key", "string", length=40, custom=True, unique=True)])
    for name in org.components.names("Layout"):
        org.components.drop("Layout", name)
    ada = org.insert("Contact", {"LastName": "Moor", "Key__c": "k"})
    twin = org.insert("Contact", {"LastName": "Moor"})
    address = f"/lightning/r/Contact/{ada}/merge?with={twin}"
    form = (await browser.get(address)).form()
    page = await browser.post(address, {**form, "master": twin, "keep.Key__c": ada})
    assert page.url.path == f"/lightning/r/Contact/{twin}/view"
    assert org.get("Contact", twin)["Key__c"] == "k"


async def test_a_record_is_not_merged_with_itself_or_with_what_is_not_there(browser: Browser, org: Org) -> None:
    ada = org.insert("Contact", {"LastName": "Moor"})
    for other, status in ((ada, 400), ("003000000000001AAA", 404), (org.user_id, 404)):
        assert (await browser.get(f"/lightning/r/Contact/{ada}/merge", **{"with": other})).status == status
    assert org.count("Contact") == 1
