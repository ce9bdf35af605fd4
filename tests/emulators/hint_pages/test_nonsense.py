"""What no browser would send: no form and no address may break a page."""

from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hintsync_emulators.control import Controlled
from hintsync_emulators.hint import Practice
from hintsync_emulators.hint.pages.fields import FIELDS
from hintsync_emulators.lab import ADDRESS
from tests.emulators.browsing import Visitor, read, visiting

NAMES = [
    *FIELDS,
    "shown",
    "into",
    "name",
    "phone_type_0",
    "phone_number_0",
    "phone_number_49",
    "card",
    "do",
    "remove",
    "preset",
]
NAMES += ["latency_ms", "path.id", "body", "fail_next", "limits.per_second", "advance_seconds", "now", "count", "x"]
ODD = [
    "",
    " ",
    "0",
    "-1",
    "1e999",
    "9" * 40,
    "\x00",
    "%",
    "{}",
    "[]",
    "null",
    "yes",
    "1980-02-30",
    "\u2028",
    "<b>",
    "calls-that-fail",
]
TEXTS = st.sampled_from(ODD) | st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace").decode())
FORMS = st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=6)
QUERIES = st.dictionaries(st.sampled_from(["q", "show", "sort", "page", "done", "at"]), TEXTS, max_size=4)
NONSENSE = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def app(practice: Practice) -> Controlled:
    from hintsync_emulators.hint import create_app

    practice.create_patient(first_name="Ada", last_name="Moor")
    practice.add_practitioner("Dr. Roe")
    return create_app(practice)


async def addresses(visitor: Visitor, practice: Practice) -> list[str]:
    if not len(practice):
        practice.create_patient(first_name="Ada", last_name="Moor")
    one = f"/patients/{practice.patients()[0]['id']}"
    known = [f"{one}/{action}" for action in ("edit", "archive", "restore", "merge", "delete")]
    return [*known, "/patients/new", "/practitioners", "/patients/x/edit", "/practitioners/x/rename", ADDRESS]


@NONSENSE
@given(query=QUERIES, name=TEXTS, number=st.integers(0, 12))
async def test_no_address_breaks_a_page(
    app: Controlled, practice: Practice, query: dict[str, str], name: str, number: int
) -> None:
    async with visiting(app) as visitor:
        paths = [*await addresses(visitor, practice), "/patients", "/integrations", f"/patients/{quote(name, safe='')}"]
        answer = await visitor.client.get(paths[number], params=query)
        assert answer.status_code in (200, 404, 405), f"{paths[number]}: {answer.status_code}"
        if answer.status_code == 200:
            read(answer)


@NONSENSE
@given(form=FORMS, number=st.integers(0, 9))
async def test_no_form_breaks_a_page(app: Controlled, practice: Practice, form: dict[str, str], number: int) -> None:
    async with visiting(app) as visitor:
        for start in ("/patients/new", ADDRESS):
            token = (await visitor.get(start)).forms[0].values["csrf_token"]
            path = (await addresses(visitor, practice))[number]
            if (path == ADDRESS) == (start == ADDRESS):
                answer = await visitor.client.post(path, data={**form, "csrf_token": token})
                assert answer.status_code in (200, 400, 404, 409, 422), f"{path}: {answer.status_code}"
                read(answer)
