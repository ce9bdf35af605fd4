"""Lists and record pages: what the metadata says is drawn, for whoever may see it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hintsync_emulators.salesforce import Org
from tests.emulators.metadata.deploying import XMLNS
from tests.emulators.metadata.zoo import xml
from tests.emulators.pages.conftest import BASE, Deploy
from tests.emulators.pages.reading import Browser

LIST = "/lightning/o/Contact/list"
NASTY = "<script>alert('x')</script>"


async def test_a_list_shows_the_columns_of_its_view(browser: Browser, org: Org) -> None:
    account = org.insert("Account", {"Name": "Moor Household"})
    contact = org.insert("Contact", {"FirstName": "Ada", "LastName": "Moor", "Email": "a@b.co", "AccountId": account})
    page = await browser.get(LIST)
    assert [each.text for each in page.main.all("th")] == [
        "Name", "Account Name", "Title", "Business Phone", "Email", "Owner Alias",
    ]  # fmt: skip
    assert page.rows() == [["Ada Moor", "Moor Household", "", "", "a@b.co", "emulated"]]
    assert page.links["Ada Moor"] == f"/lightning/r/Contact/{contact}/view"
    assert page.links["Moor Household"] == f"/lightning/r/Account/{account}/view"


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("", 4),
        ("moor", 2),
        ("MOOR bo", 1),
        ("b@c.co", 1),
        ("100%", 1),
        ("%", 1),
        ("o'neil", 1),
        ("\\", 0),
        ("_", 0),
        ("moor' OR Name != '", 0),
        ("nobody", 0),
    ],
)
async def test_a_list_is_searched_for_words(browser: Browser, org: Org, q: str, found: int) -> None:
    names = [("Ada", "Moor"), ("Bo", "Moor"), ("100%", "Sure"), ("Cy", "O'Neil")]
    for first, last in names:
        org.insert("Contact", {"FirstName": first, "LastName": last, "Email": "b@c.co" if first == "Ada" else None})
    page = await browser.get(LIST, q=q)
    assert len(page.main.all("tr")) == (found + 1 if found else 0)
    assert page.root.one("input", name="q").get("value") == q


async def test_a_long_list_is_turned_page_by_page(browser: Browser, org: Org) -> None:
    org.insert_many("Contact", [{"LastName": f"Moor {number:03d}"} for number in range(120)])
    names, path = [], f"{LIST}?q=moor"
    while path:
        page = await browser.get(path)
        names += [row[0] for row in page.rows()]
        path = page.links.get("Next page", "")
    assert names == [f"Moor {number:03d}" for number in range(120)]
    assert "120 Contacts, 101 to 120 shown" in page.text
    assert "Previous page" in page.links


async def test_a_list_view_is_chosen_and_recent_records_are_one(browser: Browser, org: Org, deploy: Deploy) -> None:
    views = """<listViews><fullName>Drs</fullName><columns>FULL_NAME</columns><filterScope>Everything</filterScope>
      <filters><field>CONTACT.TITLE</field><operation>equals</operation><value>Dr</value></filters>
      <label>Doctors</label></listViews>"""
    await deploy({"objects/Contact.object": xml("CustomObject", views)}, {"ListView": ["Contact.Drs"]})
    ada = org.insert("Contact", {"LastName": "Ada", "Title": "Dr"})
    bo = org.insert("Contact", {"LastName": "Bo"})
    assert (await browser.get(LIST, filterName="Drs")).rows() == [["Ada"]]
    await browser.get(f"/lightning/r/Contact/{bo}/view")
    assert [row[0] for row in (await browser.get(LIST, filterName="__Recent")).rows()] == ["Bo"]
    home = await browser.get("/lightning/page/home")
    assert home.links["Bo"].endswith(f"{bo}/view")
    org.delete("Contact", bo)
    assert "Bo" not in (await browser.get("/lightning/page/home")).links
    assert ada


async def test_a_record_page_shows_every_field_of_the_layout(browser: Browser, org: Org) -> None:
    account = org.insert("Account", {"Name": "Moor Household"})
    contact = org.insert(
        "Contact",
        {
            "Salutation": "Dr.", "FirstName": "Ada", "LastName": "Moor", "Birthdate": "1980-02-03", "Email": "a@b.co",
            "MailingStreet": "1 Elm\nFlat 2", "MailingCity": "Reno", "MailingState": "NV", "AccountId": account,
        },
    )  # fmt: skip
    page = await browser.get(f"/lightning/r/Contact/{contact}/view")
    assert page.head == "Ada Moor"
    assert page.shown("Name") == "Dr. Ada Moor"
    assert page.shown("Birthdate") == "2/3/1980"
    assert page.shown("MailingAddress") == "1 Elm Flat 2 Reno, NV"
    assert page.shown("OwnerId") == "Ina Integration"
    assert page.shown("CreatedById") == "Ina Integration, 3/2/2026, 9:00 AM"
    assert page.links["Moor Household"] == f"/lightning/r/Account/{account}/view"
    assert page.links["a@b.co"] == "mailto:a@b.co"
    assert [each.text for each in page.main.all("h2")][:2] == ["Contact Information", "Address Information"]


@pytest.mark.parametrize(
    ("locale", "zone", "day", "moment"),
    [
        ("en_US", "America/New_York", "2/3/1980", "3/2/2026, 4:00 AM"),
        ("en_GB", "GMT", "03/02/1980", "02/03/2026, 09:00"),
        ("de_DE", "America/Denver", "03.02.1980", "02.03.2026, 02:00"),
    ],
)
async def test_dates_are_those_of_who_looks(
    browser: Browser, org: Org, locale: str, zone: str, day: str, moment: str
) -> None:
    org.update("User", org.user_id, {"LocaleSidKey": locale, "TimeZoneSidKey": zone})
    contact = org.insert("Contact", {"LastName": "Moor", "Birthdate": "1980-02-03"})
    page = await browser.get(f"/lightning/r/Contact/{contact}/view")
    assert page.shown("Birthdate") == day
    assert page.shown("CreatedById").endswith(moment)


async def test_a_person_who_is_a_script_is_text_everywhere(browser: Browser, org: Org) -> None:
    account = org.insert("Account", {"Name": NASTY})
    fields = {"FirstName": '"><img src=x onerror=alert(1)>', "LastName": NASTY, "Title": NASTY, "Department": NASTY}
    more = {"MailingStreet": NASTY, "Description": NASTY, "Phone": "'\"><b>", "LeadSource": NASTY, "AccountId": account}
    contact = org.insert("Contact", {**fields, **more})
    other = org.insert("Contact", {"LastName": NASTY})
    base = f"/lightning/r/Contact/{contact}"
    paths = [f"{base}/view", f"{base}/edit", f"{base}/delete", f"{base}/merge", f"{base}/merge?with={other}"]
    for path in [*paths, LIST, f"/lightning/r/Account/{account}/view", f"{LIST}?q={NASTY}", "/lightning/page/home"]:
        page = await browser.get(path)
        assert page.status == 200
        scripts = [each.get("src") for each in page.root.all("script")]
        assert all(source.startswith("/_emulator/pages/page.js?") for source in scripts)
        assert len(scripts) == 1
        assert not page.root.all("img")
        assert not page.root.all("b")
    org.delete("Contact", contact)
    assert len((await browser.get("/lightning/o/DeleteEvent/home")).root.all("script")) == 1


async def test_short_addresses_lead_to_records_and_lists(browser: Browser, org: Org) -> None:
    contact = org.insert("Contact", {"LastName": "Moor"})
    assert (await browser.get(f"/{contact[:15]}")).url.path == f"/lightning/r/Contact/{contact}/view"
    assert (await browser.get("/003/o")).url.path == LIST


@pytest.mark.parametrize(
    "path",
    [
        "/lightning/o/User/list",
        "/lightning/o/Nothing/list",
        "/lightning/r/Contact/003000000000001AAA/view",
        "/lightning/r/Contact/nonsense/view",
        "/lightning/r/Account/003000000000001AAA/edit",
        "/lightning/r/Report/00O000000000001AAA/view",
        "/lightning/n/Nothing",
        "/lightning/action/quick/Contact.Nothing",
        "/lightning/o/Contact",
        "/003000000000001AAA",
        "/zzz/o",
        "/apex/Nothing",
        "/apex/a/b",
    ],
)
async def test_what_is_not_there_is_a_page_that_says_so(browser: Browser, path: str) -> None:
    page = await browser.get(path)
    assert (page.status, page.head) == (404, "Page not found")
    assert page.answer.headers["content-type"].startswith("text/html")


async def test_addresses_of_nobody_stay_the_apis(browser: Browser) -> None:
    answer = await browser.client.get("/nowhere")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")


async def test_a_deleted_record_says_where_it_is(browser: Browser, org: Org) -> None:
    contact = org.insert("Contact", {"LastName": "Moor"})
    org.delete("Contact", contact)
    page = await browser.get(f"/lightning/r/Contact/{contact}/view")
    assert (page.status, page.head) == (404, "This record was deleted")


LAYOUT = f"""<?xml version="1.0" encoding="UTF-8"?>
<Layout {XMLNS}>
  <customButtons>Unlink</customButtons>
  <excludeButtons>Delete</excludeButtons>
  <layoutSections><detailHeading>true</detailHeading><label>Who</label><layoutColumns>
    <layoutItems><behavior>Required</behavior><field>Name</field></layoutItems>
    <layoutItems><behavior>Edit</behavior><field>Key__c</field></layoutItems></layoutColumns>
    <style>OneColumn</style></layoutSections>
  <layoutSections><detailHeading>true</detailHeading><label>Hint &amp; more</label><layoutColumns>
    <layoutItems><height>320</height><page>Panel</page><showLabel>false</showLabel></layoutItems>
    <layoutItems><emptySpace>true</emptySpace></layoutItems></layoutColumns>
    <style>OneColumn</style></layoutSections>
  {{actions}}
  <relatedLists><fields>NAME</fields><fields>Level__c</fields><relatedList>Sync_Log__c.Contact__c</relatedList>
  </relatedLists>
</Layout>"""
QUICK = """<quickActionList><quickActionListItems><quickActionName>Contact.Sync_Now</quickActionName>
  </quickActionListItems></quickActionList>"""
PLATFORM = """<platformActionList><actionListContext>Record</actionListContext>
  <platformActionListItems><actionName>Delete</actionName><actionType>StandardButton</actionType><sortOrder>1</sortOrder>
  </platformActionListItems>
  <platformActionListItems><actionName>Contact.Sync_Now</actionName><actionType>QuickAction</actionType>
  <sortOrder>0</sortOrder></platformActionListItems></platformActionList>"""


async def _with_layout(deploy: Deploy, actions: str = QUICK) -> None:
    name = "Contact-Contact Layout"
    await deploy({f"layouts/{name}.layout": LAYOUT.format(actions=actions)}, {"Layout": [name]})


@pytest.mark.usefixtures("zoo")
async def test_sections_pages_and_buttons_are_those_of_the_deployed_layout(
    browser: Browser, org: Org, deploy: Deploy
) -> None:
    await _with_layout(deploy)
    contact = org.insert("Contact", {"LastName": "Moor", "Key__c": "k"})
    log = org.insert("Sync_Log__c", {"Contact__c": contact, "Level__c": "Error"})
    page = await browser.get(f"/lightning/r/Contact/{contact}/view")
    assert [each.text for each in page.main.all("h2")] == ["Who", "Hint & more", "Sync Logs"]
    assert [each.get("data-field") for each in page.main.all("dl")] == ["Name", "Key__c"]
    frame = page.main.one("iframe")
    assert (frame.get("src"), frame.get("height")) == (f"/apex/Panel?id={contact}&inline=1", "320")
    assert frame.get("title") == "Panel"
    buttons = [(each.text, each.get("href")) for each in page.main.all("a", class_="button")]
    assert buttons == [
        ("Edit", f"/lightning/r/Contact/{contact}/edit"),
        ("Sync Now", f"/lightning/action/quick/Contact.Sync_Now?objectApiName=Contact&recordId={contact}"),
        ("Unlink", f"/apex/Panel?id={contact}"),
        ("Merge", f"/lightning/r/Contact/{contact}/merge"),
    ]
    assert page.rows() == [["L-00001", "Error"]]
    assert page.links["L-00001"] == f"/lightning/r/Sync_Log__c/{log}/view"


@pytest.mark.usefixtures("zoo")
async def test_a_layout_that_names_its_actions_shows_just_those_in_their_order(
    browser: Browser, org: Org, deploy: Deploy
) -> None:
    await _with_layout(deploy, PLATFORM)
    contact = org.insert("Contact", {"LastName": "Moor"})
    page = await browser.get(f"/lightning/r/Contact/{contact}/view")
    assert [each.text for each in page.main.all("a", class_="button")] == ["Sync Now", "Delete", "Merge"]


@pytest.mark.usefixtures("zoo")
async def test_a_link_with_merge_fields_gets_the_records_values(browser: Browser, org: Org, deploy: Deploy) -> None:
    link = """<webLinks><fullName>{0}</fullName><availability>online</availability><displayType>button</displayType>
      <encodingKey>UTF-8</encodingKey><linkType>url</linkType><masterLabel>{0}</masterLabel>
      <openType>newWindow</openType><protected>false</protected><url>{1}</url></webLinks>"""
    given = {"Find": "https://maps.example/?q={!Contact.LastName}&amp;id={! Contact.Id }", "Bad": "javascript:alert(1)"}
    links = "".join(link.format(name, url) for name, url in given.items())
    names = [f"Contact.{name}" for name in given]
    await deploy({"objects/Contact.object": xml("CustomObject", links)}, {"WebLink": names})
    layout = LAYOUT.format(actions="").replace("Unlink", "Find</customButtons><customButtons>Bad")
    await deploy({"layouts/Contact-Contact Layout.layout": layout}, {"Layout": ["Contact-Contact Layout"]})
    contact = org.insert("Contact", {"LastName": "Moor & Co/1"})
    page = await browser.get(f"/lightning/r/Contact/{contact}/view")
    assert page.links["Find"] == f"https://maps.example/?q=Moor%20%26%20Co%2F1&id={contact}"
    assert "Bad" not in page.links


@pytest.mark.usefixtures("zoo")
async def test_fields_are_shown_to_those_who_are_granted_them(
    outsider: Browser, org: Org, deploy: Deploy, add_user: Callable[..., str]
) -> None:
    org.enable("FieldLevelSecurity")
    await _with_layout(deploy)
    contact = org.insert("Contact", {"LastName": "Moor", "Key__c": "k"})
    add_user("Finn", "Sync")
    add_user("Nell")
    await outsider.log_in("finn@example.org")
    assert (await outsider.get(f"/lightning/r/Contact/{contact}/view")).shown("Key__c") == "k"
    await outsider.log_in("nell@example.org")
    page = await outsider.get(f"/lightning/r/Contact/{contact}/view")
    assert [each.get("data-field") for each in page.main.all("dl")] == ["Name"]
    form = (await outsider.get(f"/lightning/r/Contact/{contact}/edit")).form()
    assert "Key__c" not in form
    await outsider.post(f"/lightning/r/Contact/{contact}/edit", {**form, "was.Key__c": "", "Key__c": "forged"})
    assert org.get("Contact", contact)["Key__c"] == "k"


@pytest.mark.usefixtures("zoo")
async def test_custom_objects_are_for_those_who_are_granted_them(
    outsider: Browser, org: Org, add_user: Callable[..., str]
) -> None:
    log = org.insert("Sync_Log__c", {"Level__c": "Error"})
    add_user("Finn", "Sync")
    add_user("Nell", profile=None)
    base = f"/lightning/r/Sync_Log__c/{log}"
    await outsider.log_in("finn@example.org")
    assert (await outsider.get(f"{base}/view")).head == "L-00001"
    assert (await outsider.get(f"{base}/edit")).status == 200
    refused = await outsider.get(f"{base}/delete")
    assert (refused.status, refused.head) == (403, "Insufficient privileges")
    await outsider.log_in("nell@example.org")
    for path in ("/lightning/o/Sync_Log__c/list", f"{base}/view", f"{base}/edit", "/lightning/o/Sync_Log__c/new"):
        assert (await outsider.get(path)).status == 403
    assert (await outsider.get(f"{BASE}{LIST}")).status == 200
