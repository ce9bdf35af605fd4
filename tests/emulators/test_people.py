"""Invented people, people read from a file, and how they are spread over the two systems."""

import itertools
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from hintsync_emulators.hint import Practice
from hintsync_emulators.people import (
    Category,
    PeopleFileError,
    Population,
    contacts_of,
    invent,
    patients_of,
    read_people,
    spread,
)
from hintsync_emulators.people_person import fold
from hintsync_emulators.us_states import short_state

PEOPLE = list(invent(3_000, seed=5))
SYNTHEA_OLD = (
    "Id,BIRTHDATE,DEATHDATE,SSN,PREFIX,FIRST,LAST,SUFFIX,GENDER,ADDRESS,CITY,STATE,COUNTY,ZIP,LAT,LON\n"
    "x-1,1977-02-13,1999-06-09,999-42-7819,Mr.,Travis723,Bayer639,,M,805 Harris Mall Unit 3,Natick,Massachusetts,"
    "Middlesex County,00000,42.2,-71.3\n"
    "x-2,2004-05-20,,999-76-8993,,José Luis34,O'Peña8,Jr.,F,873 Thiel Ville,Agawam,Massachusetts,Hampden County,1001,"
    "42.0,-72.6\n"
)


def write(folder: Path, text: str | bytes, name: str = "patients.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# Inventing


def test_the_same_seed_invents_the_same_people_and_another_seed_others() -> None:
    assert list(invent(50, seed=1)) == list(invent(50, seed=1))
    assert list(invent(50, seed=1)) == list(invent(100, seed=1))[:50]
    assert list(invent(50, seed=1)) != list(invent(50, seed=2))


def test_no_two_invented_people_share_name_and_birth_date() -> None:
    people = list(invent(30_000, seed=9))
    assert len({person.key for person in people}) == len(people)


def test_invented_people_cannot_be_reached_by_mail_or_phone() -> None:
    for person in PEOPLE:
        assert not person.email or re.search(r"@example\.(com|org|net)$", person.email)
        for number in (person.mobile, person.home_phone, person.work_phone):
            assert not number or re.fullmatch(r"[2-9]\d{2}55501\d{2}", number)


def test_names_come_in_many_scripts_and_with_every_mark() -> None:
    names = [f"{person.first} {person.last}" for person in PEOPLE]
    for mark in ("[一-鿿]", "[가-힯]", "[а-яА-Я]", "[α-ωΑ-Ω]", "[ء-ي]", "[א-ת]", "[ऀ-ॿ]", "'", "-", "[éñøß]", "ễ"):
        assert any(re.search(mark, name) for name in names), mark
    assert any(" " in person.first for person in PEOPLE)
    assert any(" " in person.last for person in PEOPLE)


def test_families_share_address_and_home_phone_and_some_of_them_the_mail_address() -> None:
    families = [list(group) for number, group in itertools.groupby(PEOPLE, lambda person: person.family) if number]
    assert len(families) > 100
    for family in families:
        assert len({(person.line1, person.zip, person.home_phone) for person in family}) == 1
        assert len({person.last for person in family}) == 1
    shared = [family for family in families if len({p.email for p in family if p.email}) < len(family)]
    assert len(shared) > len(families) / 3
    twins = [family for family in families if len({p.birth_date for p in family}) < len(family)]
    assert twins


def test_states_and_zip_codes_of_invented_people_agree() -> None:
    for person in PEOPLE:
        assert len(short_state(person.state)) == 2
        assert re.fullmatch(r"\d{5}", person.zip)
    assert {person.zip[:2] for person in PEOPLE if person.state == "California"} <= {"90", "92", "93", "94", "95"}


# Reading a file


def test_a_synthea_file_is_read_whatever_columns_it_has(tmp_path: Path) -> None:
    travis, jose = read_people(write(tmp_path, SYNTHEA_OLD))
    assert (travis.prefix, travis.first, travis.last, travis.middle) == ("Mr.", "Travis", "Bayer", "")
    assert (travis.line1, travis.line2, travis.sex) == ("805 Harris Mall", "Unit 3", "male")
    assert (jose.first, jose.last, jose.suffix, jose.birth_date) == ("José Luis", "O'Peña", "Jr.", "2004-05-20")


def test_an_unknown_zip_is_empty_and_a_shortened_one_gets_its_zeros_back(tmp_path: Path) -> None:
    travis, jose = read_people(write(tmp_path, SYNTHEA_OLD))
    assert travis.zip == ""
    assert jose.zip in ("01001", "")
    alone = read_people(write(tmp_path, "FIRST,LAST,ZIP\nAda,Moor,02134.0\nBo,Moor,\n"))
    assert alone[0].zip == "02134"


def test_two_columns_are_enough_and_their_case_and_order_do_not_matter(tmp_path: Path) -> None:
    (person,) = read_people(write(tmp_path, "last, First\nMoor12,Ada3\n"))
    assert (person.first, person.last, person.birth_date, person.state, person.country) == ("Ada", "Moor", "", "", "")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_and_semicolons_are_understood(tmp_path: Path, encoding: str) -> None:
    text = SYNTHEA_OLD.replace(",", ";")
    people = read_people(write(tmp_path, text.encode(encoding)))
    assert [person.first for person in people] == ["Travis", "José Luis"]


def test_a_quoted_line_break_does_not_disturb_the_rows_after_it(tmp_path: Path) -> None:
    people = read_people(write(tmp_path, 'FIRST,LAST,ADDRESS\nAda,Moor,"1 Elm\nStreet"\nBo,Rowe,2 Elm Street\n'))
    assert [person.last for person in people] == ["Moor", "Rowe"]


def test_the_same_file_and_seed_give_the_same_people(tmp_path: Path) -> None:
    path = write(tmp_path, SYNTHEA_OLD)
    assert read_people(path, seed=3) == read_people(path, seed=3)


@pytest.mark.parametrize(
    ("content", "line", "column", "expected"),
    [
        (b"", 0, "", "is empty"),
        (b"FIRST,LAST\n", 0, "", "no people"),
        (b"NAME,LAST\nAda,Moor\n", 1, "FIRST", "missing from the header"),
        (b"FIRST,SURNAME\nAda,Moor\n", 1, "LAST", "missing from the header"),
        (b"FIRST,LAST\nAda,Moor\nBo\n", 3, "", "has 1 cells where the header has 2"),
        (b"FIRST,LAST\nAda,194\n", 2, "LAST", "has no letters"),
        (b"FIRST,LAST,BIRTHDATE\nAda,Moor,1980-01-01\nBo,Moor,1981-02-30\n", 3, "BIRTHDATE", "is not a date"),
        (b"FIRST,LAST,BIRTHDATE\nAda,Moor,02/13/1977\n", 2, "BIRTHDATE", "YYYY-MM-DD"),
        (b"FIRST,LAST\nAda,M\xf6or\n", 2, "", "is not UTF-8 text"),
        (b"FIRST,LAST\nAda,Moor\nPK\x03\x04\x00\x00", 3, "", "holds binary data"),
        (b'FIRST,LAST\nAda,"Moor\n', 2, "", "is not CSV"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_place(
    tmp_path: Path, content: bytes, line: int, column: str, expected: str
) -> None:
    path = write(tmp_path, content)
    with pytest.raises(PeopleFileError, match=re.escape(expected)) as caught:
        read_people(path)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PeopleFileError, match=r"absent\.csv: cannot be read"):
        read_people(tmp_path / "absent.csv")


# Spreading


@pytest.fixture(scope="module")
def population() -> Population:
    return spread(PEOPLE, seed=5)


def comparable(contact: dict[str, object], patient: dict[str, object]) -> tuple[dict[str, str], dict[str, str]]:
    """Brings both records to one spelling, written anew here so that it can disagree with the code."""
    numbers = {str(phone["type"]): str(phone["number"])[-10:] for phone in patient.get("phones", [])}  # type: ignore[attr-defined]
    in_contact = {name: str(contact.get(name, "")) for name in ("FirstName", "MiddleName", "LastName", "Birthdate")}
    in_contact |= {name: str(contact.get(name, "")) for name in ("Salutation", "Email", "MailingCity")}
    in_contact["zip"] = str(contact.get("MailingPostalCode", ""))
    in_contact["state"] = short_state(str(contact.get("MailingState", "")))
    in_contact["country"] = "US" if contact.get("MailingCountry") else ""
    in_contact["street"] = " ".join(str(contact.get("MailingStreet", "")).split())
    for name in ("MobilePhone", "HomePhone", "Phone"):
        in_contact[name] = re.sub(r"\D", "", str(contact.get(name, "")))[-10:]
    in_patient = {
        "FirstName": patient.get("first_name", ""),
        "MiddleName": patient.get("middle_name", ""),
        "LastName": patient["last_name"],
        "Birthdate": patient.get("dob", ""),
        "Salutation": patient.get("title", ""),
        "Email": patient.get("email", ""),
        "MailingCity": patient.get("address_city", ""),
        "zip": patient.get("address_zip", ""),
        "state": patient.get("address_state", ""),
        "country": "US" if patient.get("address_country") else "",
        "street": f"{patient.get('address_line1', '')} {patient.get('address_line2', '')}".strip(),
        "MobilePhone": numbers.get("mobile", ""),
        "HomePhone": numbers.get("home", ""),
        "Phone": numbers.get("office", ""),
    }
    return in_contact, {name: str(value) for name, value in in_patient.items()}


def test_people_said_to_be_equal_are_equal_but_for_spelling(population: Population) -> None:
    pairs = population.truth.pairs(Category.EQUAL)
    assert len(pairs) > 900
    for contact, patient in pairs:
        one, other = comparable(population.contacts[contact], population.patients[patient])
        assert one == other


@pytest.mark.parametrize("category", [Category.DIFFERENT, Category.GAPS])
def test_people_said_to_differ_differ_and_still_match(population: Population, category: Category) -> None:
    pairs = population.truth.pairs(category)
    assert len(pairs) > 300
    for contact, patient in pairs:
        one, other = comparable(population.contacts[contact], population.patients[patient])
        assert one != other
        assert fold(one["FirstName"]) == fold(other["FirstName"])
        assert (fold(one["LastName"]), one["Birthdate"]) == (fold(other["LastName"]), other["Birthdate"])


def test_gaps_leave_values_out_and_change_none(population: Population) -> None:
    for contact, patient in population.truth.pairs(Category.GAPS):
        one, other = comparable(population.contacts[contact], population.patients[patient])
        for name in one.keys() - {"street"}:
            assert not one[name] or not other[name] or one[name] == other[name]


def keys_of(population: Population) -> tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]]:
    contacts = [
        (fold(str(each.get("FirstName", ""))), fold(str(each["LastName"])), str(each.get("Birthdate", "")))
        for each in population.contacts
    ]
    patients = [
        (fold(str(each.get("first_name", ""))), fold(str(each["last_name"])), str(each.get("dob", "")))
        for each in population.patients
    ]
    return contacts, patients


def test_only_people_of_the_twice_categories_share_a_key_with_somebody(population: Population) -> None:
    contacts, patients = keys_of(population)
    twice = {Category.TWICE_IN_HINT, Category.TWICE_IN_SALESFORCE, Category.TWICE_ON_BOTH}
    for keys, categories in (
        (contacts, population.truth.contact_category),
        (patients, population.truth.patient_category),
    ):
        counts = Counter(keys)
        repeated = {category for key, category in zip(keys, categories, strict=True) if counts[key] > 1 and all(key)}
        assert repeated <= twice


@pytest.mark.parametrize(
    ("category", "contacts", "patients"),
    [
        (Category.TWICE_IN_HINT, 1, 2),
        (Category.TWICE_IN_SALESFORCE, 2, 1),
        (Category.TWICE_ON_BOTH, 2, 2),
    ],
)
def test_who_is_there_twice_is_there_as_often_as_said(
    population: Population, category: Category, contacts: int, patients: int
) -> None:
    contact_keys, patient_keys = keys_of(population)
    of_contacts = Counter(
        key for key, kind in zip(contact_keys, population.truth.contact_category, strict=True) if kind is category
    )
    of_patients = Counter(
        key for key, kind in zip(patient_keys, population.truth.patient_category, strict=True) if kind is category
    )
    assert set(of_contacts.values()) == {contacts}
    assert set(of_patients.values()) == {patients}
    assert of_contacts.keys() == of_patients.keys()


def test_near_matches_have_another_key_than_their_counterpart_and_than_anybody_else(population: Population) -> None:
    contacts, patients = keys_of(population)
    pairs = population.truth.pairs(Category.NEAR)
    assert len(pairs) == population.truth.counts[Category.NEAR] > 50
    for contact, patient in pairs:
        assert contacts[contact] not in patients
        assert patients[patient] not in contacts


def test_one_sided_people_are_on_that_side_only(population: Population) -> None:
    truth = population.truth
    assert Category.HINT_ONLY not in truth.contact_category
    assert Category.SALESFORCE_ONLY not in truth.patient_category
    assert Category.NO_FIRST_NAME not in truth.patient_category
    nameless = [c for c, kind in zip(population.contacts, truth.contact_category, strict=True) if "FirstName" not in c]
    assert len(nameless) == truth.counts[Category.NO_FIRST_NAME]


def test_archived_placeholder_and_missing_birth_dates_are_what_they_say(population: Population) -> None:
    truth = population.truth
    archived = [kind for p, kind in zip(population.patients, truth.patient_category, strict=True) if p.get("archived")]
    assert archived == [Category.ARCHIVED] * truth.counts[Category.ARCHIVED]
    for contact, patient in truth.pairs(Category.PLACEHOLDER):
        assert population.contacts[contact]["Birthdate"] == population.patients[patient]["dob"] < "1902"  # type: ignore[operator]
    for contact, patient in truth.pairs(Category.NO_BIRTH_DATE):
        assert "Birthdate" not in population.contacts[contact] or "dob" not in population.patients[patient]


def test_every_category_occurs_even_among_few_people() -> None:
    few = spread(invent(40, seed=1), seed=1)
    assert set(few.truth.counts) == set(Category)


def test_the_same_seed_spreads_people_alike_and_another_seed_otherwise() -> None:
    people = PEOPLE[:200]
    one, same, other = spread(people, 1), spread(people, 1), spread(people, 2)
    assert (one.contacts, one.patients, one.truth) == (same.contacts, same.patients, same.truth)
    assert one.contacts != other.contacts


@pytest.mark.parametrize("count", [0, 1, 5, 13])
def test_a_handful_of_people_can_be_spread(count: int) -> None:
    population = spread(invent(count, seed=1), seed=1)
    assert population.truth.counts.total() - population.namesakes == count


def test_another_process_makes_the_same_population() -> None:
    script = (
        "import hashlib; from hintsync_emulators.people import invent, spread\n"
        "made = spread(invent(300, 2), 2, prelinked=0.5)\n"
        "print(hashlib.sha256(repr((made.contacts, made.patients, made.truth)).encode()).hexdigest())"
    )
    digests = [
        subprocess.run(
            [sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert digests[0] == digests[1]


def test_shares_can_be_chosen() -> None:
    shares = {Category.EQUAL: 0.2, Category.SALESFORCE_ONLY: 0.8}
    population = spread(PEOPLE[:1_000], 1, shares=shares)
    assert (len(population.contacts), len(population.patients)) == (1_000, 200)
    assert population.truth.counts == {Category.EQUAL: 200, Category.SALESFORCE_ONLY: 800}


def test_a_share_of_the_pairs_can_be_linked_beforehand() -> None:
    population = spread(PEOPLE[:1_000], 1, prelinked=0.25)
    pairs = population.truth.pairs(Category.EQUAL, Category.DIFFERENT)
    assert len(population.truth.prelinked) == round(len(pairs) * 0.25)
    assert set(population.truth.prelinked) <= set(pairs)


def test_somebody_who_repeats_name_and_birth_date_is_left_out_and_counted() -> None:
    person = PEOPLE[0]
    population = spread([*PEOPLE[:100], person], 1)
    assert population.left_out == 1
    assert "1 left out: same name and birth date as somebody before" in population.describe()


def test_the_description_adds_up(population: Population) -> None:
    lines = population.describe()
    total = int(lines[0].split()[0].replace(",", ""))
    listed = [int(line.split()[0].replace(",", "")) for line in lines[1:] if line.startswith("  ")]
    assert total == sum(listed) == len(PEOPLE) + population.namesakes
    assert f"{len(population.contacts):,} contacts, {len(population.patients):,} patients" in lines[0]


def test_families_of_the_file_share_what_families_share(tmp_path: Path) -> None:
    rows = "".join(
        f"{person.first}1,{person.last}2,{person.birth_date},1 Elm Street,Boston,Massachusetts\n"
        for person in PEOPLE[:400]
    )
    people = read_people(write(tmp_path, "FIRST,LAST,BIRTHDATE,ADDRESS,CITY,STATE\n" + rows))
    families = [list(group) for number, group in itertools.groupby(people, lambda person: person.family) if number]
    assert len(families) > 20
    assert all(len({member.home_phone for member in family}) == 1 for family in families)
    assert any(len({member.email for member in family}) < len(family) for family in families)


def test_the_hint_emulator_takes_every_patient(population: Population) -> None:
    practice = Practice(seed=1)
    ids = practice.load(population.patients)
    assert len(set(ids)) == len(population.patients) == len(practice)
    shown = practice.patient(ids[0])
    assert shown["first_name"] == population.patients[0]["first_name"]
    assert shown["phones"] or not population.patients[0].get("phones")


def test_records_can_be_streamed_without_holding_a_population() -> None:
    contacts = list(contacts_of(invent(20, seed=4), seed=4))
    patients = list(patients_of(invent(20, seed=4), seed=4))
    assert [each["LastName"] for each in contacts] == [each["last_name"] for each in patients]
    assert contacts == list(contacts_of(invent(20, seed=4), seed=4))
