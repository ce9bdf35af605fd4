"""What every page has in common: marks that are there once, and links that wait for the script in a frame."""

from __future__ import annotations

from tests.surfaces.web.pages.desk import Desk
from tests.surfaces.web.pages.robot import Page, fill, pages


def _text(name: str, most: int) -> str:
    """Return an invented value of a field."""
    if "email" in name:
        return "invented@example.org"
    return "5125550100" if name.endswith(("mobile", "home", "office")) else f"Invented {name}"[:most]


async def test_no_page_has_two_elements_of_one_id(desk: Desk) -> None:
    filled = await fill(desk, _text)
    await desk.administrator.open()
    looked, doubled = 0, []
    async for path, answer in pages(desk.administrator, filled):
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        ids = [attributes["id"] for _, attributes in Page(answer.text).elements if "id" in attributes]
        looked += len(ids)
        doubled += [(path, each) for each in set(ids) if ids.count(each) > 1]
    assert doubled == []
    assert looked > 200, "hardly any page was shown"


async def test_in_a_frame_links_lead_nowhere_until_the_script_is_there(desk: Desk) -> None:
    """Followed too early they would leave the frame without the token: the policy lets that iframe load nothing."""
    answer = await desk.administrator.open()
    elements = Page(answer.text).elements
    (target,) = [attributes["target"] for tag, attributes in elements if tag == "base"]
    assert [attributes["name"] for tag, attributes in elements if tag == "iframe"] == [target]
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-src" not in policy
    assert not [each for each in elements if each[0] == "base" and "href" in each[1]]
