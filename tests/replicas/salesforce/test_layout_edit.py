"""Our section and buttons go into a layout and out of it, and not a byte of the administrator's changes."""

from __future__ import annotations

from difflib import SequenceMatcher
from xml.etree import ElementTree

import pytest
from hypothesis import given

from hintsync.core.errors import FixConfiguration
from hintsync.replicas.salesforce.layout_edit import add_to_layout, remove_from_layout
from hintsync.replicas.salesforce.page_names import PAGES
from tests.replicas.salesforce.layouts_generated import NAMESPACE, layouts

SPACE = {"m": NAMESPACE}
PLAIN = f"""<?xml version="1.0" encoding="UTF-8"?>
<Layout xmlns="{NAMESPACE}">
    <!-- ours, says the clinic -->
    <customButtons>Print</customButtons>
    <layoutSections>
        <label>Contact&apos;s Information</label>
        <layoutColumns/>
        <style>OneColumn</style>
    </layoutSections>
    <layoutSections>
        <label>More</label>
        <layoutColumns/>
        <style>OneColumn</style>
    </layoutSections>
    <platformActionList>
        <actionListContext>Record</actionListContext>
        <platformActionListItems>
            <actionName>Edit</actionName>
            <actionType>StandardButton</actionType>
            <sortOrder>4</sortOrder>
        </platformActionListItems>
    </platformActionList>
    <showEmailCheckbox>false</showEmailCheckbox>
</Layout>
""".encode()
SECTION = b"""    <layoutSections>
        <customLabel>true</customLabel>
        <detailHeading>true</detailHeading>
        <editHeading>false</editHeading>
        <label>Hint Health</label>
        <layoutColumns>
            <layoutItems>
                <height>420</height>
                <page>Hintsync_Panel</page>
                <showLabel>false</showLabel>
                <showScrollbars>false</showScrollbars>
                <width>100%</width>
            </layoutItems>
        </layoutColumns>
        <style>OneColumn</style>
    </layoutSections>
"""


def texts(xml: bytes, path: str) -> list[str | None]:
    return [each.text for each in ElementTree.fromstring(xml).iterfind(path, SPACE)]


def is_spliced(before: bytes, after: bytes) -> bool:
    """Say whether something was put into `before`, and nothing taken out of it."""
    return all(tag in ("equal", "insert") for tag, *_ in SequenceMatcher(None, before, after, False).get_opcodes())


@given(layouts())
def test_adding_takes_nothing_away_and_removing_restores_every_byte(xml: bytes) -> None:
    added = add_to_layout(xml)
    assert remove_from_layout(added) == xml
    assert texts(added, ".//m:page").count("Hintsync_Panel") == 1
    assert {"Sync_to_Hint", "Unlink_Patient"} <= set(texts(added, "m:customButtons"))


@given(layouts())
def test_adding_and_removing_again_change_nothing(xml: bytes) -> None:
    added = add_to_layout(xml)
    assert add_to_layout(added) == added
    assert remove_from_layout(xml) == xml


@given(layouts())
def test_elements_that_repeat_still_stand_together(xml: bytes) -> None:
    root = ElementTree.fromstring(add_to_layout(xml))
    for parent in root.iter():
        tags = [child.tag for child in parent]
        runs = [tag for number, tag in enumerate(tags) if number == 0 or tags[number - 1] != tag]
        assert len(runs) == len(set(runs)), parent.tag


def test_everything_goes_where_people_look_for_it() -> None:
    added = add_to_layout(PLAIN)
    assert is_spliced(PLAIN, added)
    assert SECTION in added
    assert texts(added, "m:layoutSections/m:label") == ["Contact's Information", "Hint Health", "More"]
    assert texts(added, "m:customButtons") == ["Print", "Sync_to_Hint", "Unlink_Patient"]
    assert texts(added, ".//m:actionName") == ["Edit", "Contact.Sync_to_Hint", "Contact.Unlink_Patient"]
    assert texts(added, ".//m:sortOrder") == ["4", "5", "6"]


def test_lightning_actions_that_nobody_has_chosen_stay_the_standard_ones() -> None:
    begin, end = PLAIN.index(b"    <platformActionList>"), PLAIN.index(b"    <showEmailCheckbox>")
    assert b"ActionList" not in add_to_layout(PLAIN[:begin] + PLAIN[end:])


def test_a_section_that_the_administrator_has_moved_and_filled_is_left_to_them() -> None:
    added = add_to_layout(PLAIN)
    field = b"<layoutItems><field>Email</field></layoutItems>"
    filled = added.replace(b"<layoutColumns>\n", b"<layoutColumns>" + field + b"\n")
    assert add_to_layout(filled) == filled
    left = remove_from_layout(filled)
    assert texts(left, "m:layoutSections/m:label") == ["Contact's Information", "Hint Health", "More"]
    assert field in left
    assert texts(left, ".//m:page") == []


@pytest.mark.parametrize("page", PAGES)
def test_pages_placed_by_hand_are_taken_out_so_that_they_can_be_deleted(page: str) -> None:
    by_hand = f"<layoutColumns><layoutItems><page>{page}</page></layoutItems></layoutColumns>".encode()
    content = f"<relatedContentItems><layoutItem><page>{page}</page></layoutItem></relatedContentItems>"
    content = f"<relatedContent>{content}</relatedContent>"
    placed = PLAIN.replace(b"<layoutColumns/>", by_hand, 1)
    placed = placed.replace(b"    <showEmail", content.encode() + b"    <showEmail")
    left = remove_from_layout(placed)
    assert texts(left, ".//m:page") == []
    assert texts(left, "m:layoutSections/m:label") == ["Contact's Information", "More"]


def test_actions_placed_by_hand_are_taken_out() -> None:
    item = b"<quickActionListItems><quickActionName>%s</quickActionName></quickActionListItems>"
    mine, theirs = item % b"Contact.Sync_to_Hint", item % b"NewTask"
    listed = PLAIN.replace(
        b"    <showEmail", b"<quickActionList>" + mine + theirs + b"</quickActionList>    <showEmail"
    )
    assert texts(remove_from_layout(listed), ".//m:quickActionName") == ["NewTask"]


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"<Layout>",
        b"<Layout/>",
        b"<Profile><a/></Profile>",
        b'<!DOCTYPE Layout [<!ENTITY a "b">]><Layout><a>&a;</a></Layout>',
        '<?xml version="1.0" encoding="UTF-16"?><Layout><a/></Layout>'.encode("utf-16"),
    ],
)
def test_what_is_no_layout_is_refused(broken: bytes) -> None:
    with pytest.raises(FixConfiguration):
        add_to_layout(broken)
