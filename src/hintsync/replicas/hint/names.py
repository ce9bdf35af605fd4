"""The names Hint knows a patient's fields by, as far as we write them.

Hint answers 200 to a body with an unknown field and ignores it, so a misspelt name would be a write that is lost
without a word. Nothing is sent that is not listed here (patients, create and update body, in
https://developers.hint.com/reference).
"""

from __future__ import annotations

#: Fields of a patient that the API takes and that we may send.
WRITABLE = frozenset(
    {
        "first_name",
        "middle_name",
        "last_name",
        "title",
        "suffix",
        "dob",
        "sex",
        "gender",
        "email",
        "phones",
        "address_line1",
        "address_line2",
        "address_city",
        "address_state",
        "address_zip",
        "address_country",
        "health_insurance_payer_name",
        "health_insurance_group_id",
        "health_insurance_member_id",
        "integration_record_id",
        "integration_web_link",
        "integration_error_message",
    }
)

PATIENTS = "/api/provider/patients"
PRACTICE = "/api/provider/practice"
