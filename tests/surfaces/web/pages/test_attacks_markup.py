"""Markup in every field of a person, on either side, and in every name: it stays text on every page there is."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import httpx

from hintsync.state.port import Commit, LogEntry, LogLevel
from tests.surfaces.web.pages.desk import Desk
from tests.surfaces.web.pages.robot import Page, fill, pages, rename, sent

#: Breaks out of text, of attributes in either quotes, of a title, a script, a style and a comment.
HOSTILE = "'\"></title></script></style>--><xss onx=1>{{7*7}}"
SHORT = "'\"><xss onx=1>"
SHORTEST = "'\"><xss>"
#: What elements of ours may ask for.
_SCHEMES = ("", "http", "https", "data")
_ADDRESSES = ("href", "src", "action", "formaction", "data-stream", "data-upload")


def hostile(name: str, most: int) -> str:
    """Return markup that fits into a field."""
    if name.endswith("email"):
        return "o'&lt;xss&gt;\"<xss>@example.org" if name == "hint-email" else "o'&lt@example.org"
    return next((each for each in (HOSTILE, SHORT) if len(each) <= most), SHORTEST)


def faults(answer: httpx.Response) -> list[str]:
    """Return what an answer lets markup do."""
    if answer.status_code >= 500:
        return [f"status {answer.status_code}"]
    kind = answer.headers.get("content-type", "")
    if kind.startswith("text/plain") or answer.status_code == 303:
        return ["text of the sender's"] if "xss" in answer.text else []
    if answer.headers.get("x-content-type-options") != "nosniff":
        return ["may be taken for another type"]
    if not kind.startswith("text/html"):
        return []
    found = []
    for tag, attributes in Page(answer.text).elements:
        found += [tag] if tag == "xss" or (tag == "script" and "src" not in attributes) else []
        found += [f"{tag} {name}" for name in attributes if name.startswith("on") or name in ("style", "srcdoc")]
        for name in _ADDRESSES:
            found += [f"{tag} {name}"] if urlsplit(attributes.get(name, "")).scheme not in _SCHEMES else []
    return found + (["a template was run"] if "onx=1&gt;49" in answer.text else [])


async def test_markup_in_every_field_of_a_person_stays_text_on_every_page(desk: Desk) -> None:
    filled = await fill(desk, hostile)
    await rename(desk, HOSTILE)
    await desk.administrator.open()
    wrong, showing = [], set()
    async for path, answer in pages(desk.administrator, filled):
        wrong += [(path, each) for each in faults(answer)]
        if "&lt;xss" in answer.text or "<xss" in answer.text:
            showing.add(path.split("/")[1])
    assert wrong == []
    assert {"contacts", "runs", "reviews", "log", "batches", "health"} <= showing, "the text is on these pages"


async def test_markup_typed_into_every_form_stays_text_in_every_answer(desk: Desk) -> None:
    filled = await fill(desk, hostile)
    await desk.administrator.open()
    found = [each async for each in pages(desk.administrator, filled)]
    wrong, forms = [], set()
    for _, shown in found:
        async for form, answer in sent(desk.administrator, shown, HOSTILE):
            forms.add(form)
            wrong += [(form, each) for each in faults(answer)]
    assert wrong == []
    assert len(forms) > 25


async def test_markup_in_our_own_lines_and_reasons_stays_text(desk: Desk) -> None:
    """They hold none of a person's text; were that ever to change, nothing would run."""
    line = LogEntry("demo", "2026-03-01T12:00:00Z", LogLevel.ERROR, HOSTILE, HOSTILE, run_id=HOSTILE)
    await desk.house.wire.service.store.commit(Commit(logs=[line]))
    await desk.administrator.open()
    await desk.administrator.act("/stops/pause", {"reason": HOSTILE})
    for path in ("/", "/log", "/stops", "/audit", "/batches", "/health"):
        answer = await desk.administrator.get(path)
        assert answer.status_code == 200
        assert faults(answer) == []


async def test_markup_in_a_report_file_stays_text(desk: Desk) -> None:
    await desk.administrator.open()
    lines = [HOSTILE, f'"{HOSTILE.replace(chr(34), chr(34) * 2)}"', f"0035g00000ZZZZZAA4,{HOSTILE}", "<xss>\x00"]
    for header in ("Contact ID", HOSTILE, "=cmd|'/c calc'!A0", ""):
        content = "\n".join([header, *lines]).encode()
        for kind in ("application/octet-stream", "text/html", "multipart/form-data", "image/svg+xml", ""):
            headers = {"Authorization": f"Bearer {desk.administrator.token}", "Content-Type": kind}
            answer = await desk.house.http.post("/c/demo/batches/contacts/check", content=content, headers=headers)
            assert answer.status_code < 500
            assert faults(answer) == []


async def test_markup_in_addresses_stays_text(desk: Desk) -> None:
    await desk.administrator.open()
    headers = {"Authorization": f"Bearer {desk.administrator.token}"}
    for path in ("/runs/", "/reviews/", "/contacts/", "/log/", "/audit/", "/nothing/", "/runs?before=", "/log?from="):
        for typed in (HOSTILE, "%3Cxss%3E", "javascript:hit()", "data:text/html,<xss>"):
            answer = await desk.house.http.get(f"/c/demo{path}{quote(typed, safe='')}", headers=headers)
            assert faults(answer) == []
    for query in ("next", "connection", "error", "state"):
        answer = await desk.house.http.get("/login", params={query: HOSTILE})
        assert faults(answer) == []
        assert faults(await desk.house.http.get("/login/callback", params={query: HOSTILE})) == []
