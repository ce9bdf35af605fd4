"""The routes below /api/provider, which a practice access token opens.

Source: https://developers.hint.com/reference, Patient, Practitioner, Practice.
"""

from hintsync_emulators.hint.errors import validation_failed
from hintsync_emulators.hint.http import NO_CONTENT, Answer, Call, answer
from hintsync_emulators.hint.listing import Listing
from hintsync_emulators.hint.matching import matching
from hintsync_emulators.hint.practice import Practice
from hintsync_emulators.hint.practitioners import read_practitioner
from hintsync_emulators.hint.query import parse_query


def list_patients(practice: Practice, call: Call) -> Answer:
    page, total = practice.register.select(parse_query(call.query, practice.switches))
    counts = ((b"x-count", b"%d" % len(page)), (b"x-total-count", b"%d" % total))
    return answer(practice.render(page), counts)


def show_patient(practice: Practice, call: Call) -> Answer:
    return answer(practice.render([practice.find_by_api(call.ids[0])])[0])


def create_patient(practice: Practice, call: Call) -> Answer:
    return answer(practice.render([practice.api_create(call.body())])[0])


def update_patient(practice: Practice, call: Call) -> Answer:
    patient = practice.find_by_api(call.ids[0])
    practice.api_update(patient, call.body())
    return answer(practice.render([patient])[0])


def delete_patient(practice: Practice, call: Call) -> Answer:
    practice.remove(practice.find(call.ids[0]), by_api=True)
    return NO_CONTENT


def match_patients(practice: Practice, call: Call) -> Answer:
    body = call.body()
    missing = [
        label for name, label in (("first_name", "First name"), ("last_name", "Last name")) if not body.get(name)
    ]
    if missing:
        raise validation_failed([f"{label} can't be blank" for label in missing])
    return answer(practice.render(matching(practice.register, body)))


def integration_records(practice: Practice, call: Call) -> Answer:
    return answer(practice.integration_records(practice.find_by_api(call.ids[0])))


_PRACTITIONERS: Listing[dict[str, object]] = Listing(dict, {})


def list_practitioners(practice: Practice, call: Call) -> Answer:
    return _PRACTITIONERS.legacy_answer(call, practice.practitioners.values(), practice.switches)


def show_practitioner(practice: Practice, call: Call) -> Answer:
    return answer(practice.practitioner(call.ids[0]))


def create_practitioner(practice: Practice, call: Call) -> Answer:
    values = read_practitioner(call.body(), creating=True)
    return answer(practice.practitioner(practice.add_practitioner(str(values.pop("name")), by_api=True, **values)))


def update_practitioner(practice: Practice, call: Call) -> Answer:
    practice.practitioner(call.ids[0])
    practice.edit_practitioner(call.ids[0], by_api=True, **read_practitioner(call.body(), creating=False))
    return answer(practice.practitioner(call.ids[0]))


def delete_practitioner(practice: Practice, call: Call) -> Answer:
    practice.remove_practitioner(call.ids[0], by_api=True)
    return NO_CONTENT


_ADDRESS = ("address_line1", "address_line2", "address_city", "address_state", "address_zip", "address_country")


def show_practice(practice: Practice, call: Call) -> Answer:
    blank = dict.fromkeys([*_ADDRESS, "url", "logo_url", "integration_record_id"])
    return answer({"id": practice.id, "phones": [], **blank, **practice.profile})


def update_practice(practice: Practice, call: Call) -> Answer:
    writable = ("name", "email", "url", "integration_record_id", *_ADDRESS)
    changes = {name: value for name, value in call.body().items() if name in writable}
    if any(value is not None and not isinstance(value, str) for value in changes.values()):
        raise validation_failed(["Practice is invalid"])
    practice.edit_profile(by_api=True, **changes)
    return show_practice(practice, call)
