"""What the pages about one contact show, made from records without any page."""

from __future__ import annotations

import pytest

from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.core.link_by_hand import Step, Warned
from hintsync.core.near import Evidence
from hintsync.core.near_weights import WEIGHTS, Field, Verdict
from hintsync.core.plan import Outcome
from hintsync.core.records import HoldKind
from hintsync.core.values import ABSENT, Side
from hintsync.engine.pairs.by_hand import HandResult, link_by_hand
from hintsync.engine.pairs.considering import consider
from hintsync.state.port import AuditEvent
from hintsync.surfaces.web.views.addresses import contact_address, patient_address
from hintsync.surfaces.web.views.comparison import comparison, displaced_by
from hintsync.surfaces.web.views.done import done, unlinked
from hintsync.surfaces.web.views.history import actor_of, last_sync, why_here
from hintsync.surfaces.web.views.rule_words import evidence_words, hold_words, rule_words, words_ahead
from hintsync.surfaces.web.views.values import shown
from tests.engine.world import World

BORN = "1980-05-06"
ME = "005000000000001AAA"


def event(action: str, **more: object) -> AuditEvent:
    given = {"connection_id": "main", "chain": "link:1", "at": "2026-03-02T09:00:00Z", "actor": "hintsync", **more}
    return AuditEvent(action=action, **given)  # type: ignore[arg-type]


def why(label: str, *trail: AuditEvent) -> tuple[str, str, str]:
    (found,) = [each for each in why_here(trail, DEFAULT_MAPPING, ME) if each.label == label]
    return found.reason, found.direction, found.actor.text


def test_the_latest_event_that_names_a_field_tells_why_it_has_its_value():
    first = event("linked", fields=("city", "zip"))
    then = event("wrote", fields=("city",), side=Side.SALESFORCE, reason="F2", actor=f"user:{ME}")
    assert why("City", first, then) == (
        "it was changed in Hint and not in Salesforce",
        "Hint → Salesforce",
        "you",
    )
    assert why("Zip Code", first, then)[0] == "both records had the same value when they were linked"
    assert why("Email", first, then) == ("nothing was written since the two were linked", "", "")


def test_of_the_rules_of_a_write_a_field_is_told_only_those_that_can_be_its_own():
    wrote = event("wrote", fields=("city", "membership_status"), side=Side.SALESFORCE, reason="F2 W2")
    assert why("City", wrote)[0] == "it was changed in Hint and not in Salesforce"
    assert why("Hint Membership Status", wrote)[0] == "it follows Hint, where it was changed"


def test_i2_who_won_is_told_by_the_side_that_was_written():
    assert rule_words(["I2"], Side.HINT).endswith("the contact’s was kept")
    assert rule_words(["I2"], Side.SALESFORCE).endswith("the patient’s was kept")
    assert words_ahead("I2", Side.HINT).endswith("the contact’s is kept")


def test_a_hold_and_a_decision_are_told_in_words():
    held = event("held", fields=("city",), reason="F5 changed-on-both-sides")
    assert why("City", held)[0] == "it waits for a decision: both systems were changed to different values"
    decided = event("decided", fields=("city",), reason="keep hint")
    assert why("City", held, decided)[0] == "a person decided: Hint’s value stays"


def test_the_last_sync_is_the_latest_event_that_brought_both_into_step():
    trail = [event("wrote", side=Side.HINT), event("held", at="2026-03-02T10:00:00Z")]
    found = last_sync(trail, ME)
    assert found is not None
    assert (found.at, found.what) == ("2026-03-02T09:00:00Z", "a change was carried over")
    assert last_sync([], ME) is None


def test_other_people_are_named_by_their_id_only():
    other = actor_of("user:005000000000002AAA", ME)
    assert (other.text, other.user_id) == ("Salesforce user 005000000000002AAA", "005000000000002AAA")
    assert actor_of("hintsync", ME).user_id == ""


@pytest.mark.parametrize(
    ("name", "value", "text", "nothing"),
    [
        ("birth_date", BORN, "6 May 1980", ""),
        ("member_contract_accepted", False, "No", ""),
        ("city", None, "", "blank"),
        ("city", ABSENT, "", "not shown"),
    ],
)
def test_a_value_is_shown_so_that_nobody_misreads_it(name: str, value: object, text: str, nothing: str):
    made = shown(DEFAULT_MAPPING[name], value)  # type: ignore[arg-type]
    assert (made.text, made.nothing) == (text, nothing)


def test_a_moment_is_left_to_the_pages_clock_and_no_value_stands_in_a_repr():
    made = shown(DEFAULT_MAPPING["hipaa_authorization_accepted_at"], "2026-03-02T09:00:00Z")
    assert made.is_moment
    assert "2026" not in repr(made)


async def test_a_comparison_says_for_each_field_who_changes_and_why():
    world = World()
    contact = world.contact("Ann", "Moor", BORN, city="Boston", email="a@example.org")
    patient = world.patient("Ann", "Moor", BORN, city="Lynn", zip="01901", email="a@example.org")
    engine = await world.engine()
    made = comparison(await consider(engine, contact, patient), engine.table)
    lines = {line.label: line for line in made.changed}
    assert set(lines) == {"City", "Zip Code"}
    assert (lines["City"].result, lines["City"].changes) == (shown(DEFAULT_MAPPING["city"], "Boston"), {Side.HINT})
    assert (lines["Zip Code"].why, lines["Zip Code"].changes) == (
        "The contact’s is blank, so the patient’s is taken",
        {Side.SALESFORCE},
    )
    assert made.counts == {Side.SALESFORCE: 1, Side.HINT: 1}
    assert len(made.changed) + len(made.stays) == len(engine.table.rows)


async def test_u5_a_move_of_a_linked_contact_displaces_two():
    world = World()
    contact, old = world.both("Ann", "Moor", BORN)
    other, new = world.both("Bea", "Hill", "1991-02-03")
    engine = await world.engine()
    await link_by_hand(engine, contact, old)
    await link_by_hand(engine, other, new)
    considered = await consider(engine, contact, new)
    assert displaced_by(considered.decision, old) == {
        Warned.RELINK: (Side.HINT, old),
        Warned.MOVE: (Side.SALESFORCE, other),
    }
    assert [each.name for each in comparison(considered, engine.table).warnings] == ["re-link", "move"]


async def test_l14_what_cannot_be_linked_says_why_and_asks_for_no_box():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN)
    world.practice.merge(patient, world.patient("Ann", "Moor", BORN))
    engine = await world.engine()
    made = comparison(await consider(engine, contact, patient), engine.table)
    assert "merged into another" in made.refused
    assert made.warnings == ()


def test_an_action_that_was_not_done_never_reads_like_one_that_was():
    refused = HandResult(Step.REFUSE, "L4", Outcome.ALREADY_LINKED)
    assert done(refused, DEFAULT_MAPPING).kind == "error"
    failed = HandResult(Step.LINK, "L1", Outcome.FAILED, reason="F9", shown_once={Side.HINT: "No."})
    told = done(failed, DEFAULT_MAPPING)
    assert (told.kind, told.shown_once) == ("error", (("Hint", "No."),))
    assert "No." not in repr(told)
    held = HandResult(Step.SYNC, "L4", Outcome.SYNCED, held=("city",))
    assert done(held, DEFAULT_MAPPING).kind == "warn"
    assert "but for what waits" in done(held, DEFAULT_MAPPING).headline


def test_u1_what_hint_kept_of_an_ended_link_is_told():
    result = HandResult(Step.LINK, "U1", Outcome.SYNCED, written={Side.SALESFORCE: ("city",)}, left_over=True)
    told = unlinked(result, DEFAULT_MAPPING)
    assert told.kind == "warn"
    assert told.lines[0] == "Emptied on the contact: City."


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_a_headline(outcome: Outcome):
    for step in (Step.LINK, Step.REFUSE):
        assert done(HandResult(step, "L1", outcome), DEFAULT_MAPPING).headline.endswith((".", ")"))


@pytest.mark.parametrize("kind", list(HoldKind))
def test_every_kind_of_hold_has_a_sentence(kind: HoldKind):
    assert hold_words(kind, "salesforce:STRING_TOO_LONG").endswith((".", ")"))


def test_every_line_of_evidence_has_words_without_numbers():
    lines = [Evidence(field, verdict, 1.0) for field, verdicts in WEIGHTS.items() for verdict in verdicts]
    assert all(not any(sign.isdigit() for sign in evidence_words(line)) for line in lines)
    assert evidence_words(Evidence(Field.BIRTH_DATE, Verdict.EQUAL, 13.0)) == "Birth date: the same"


def test_a_patient_is_shown_where_people_use_hint_unless_the_address_is_set():
    assert patient_address("", "https://api.hint.com", "pat-1") == "https://app.hint.com/patients/pat-1"
    assert patient_address("", "http://127.0.0.1:9/", "pat-1") == "http://127.0.0.1:9/patients/pat-1"
    assert patient_address("https://clinic.example/p?id=", "https://api.hint.com", "a/b").endswith("?id=a%2Fb")


def test_a_contact_is_shown_by_its_own_org():
    address = contact_address("https://acme.lightning.force.com/", "003000000000001AAA")
    assert address == "https://acme.lightning.force.com/lightning/r/Contact/003000000000001AAA/view"
