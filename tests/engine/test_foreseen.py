"""First syncs planned before their turn: they come to the same, and are made anew once anything they were made of moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.plan import Mode, Outcome
from hintsync.core.policy import Choices
from hintsync.core.quick import but
from hintsync.core.records import Hold, HoldKind, LinkState, Snapshot
from hintsync.core.values import ABSENT, Side
from hintsync.engine.batch.foreseen import Foreseen, foresee, sharing
from hintsync.engine.context import Engine
from hintsync.engine.pairs.creating import new_link
from hintsync.engine.pairs.settling import Pair, plan_pair
from tests.engine.test_ahead import BORN, Town

MODE = Mode.FIRST_HINT_WINS


async def pair_of(town: Town) -> tuple[Engine, Pair]:
    """Return a pair whose sides differ, at its turn, with what was foreseen for it."""
    contact = town.contact("Ann", "Moor", BORN, city="Salem")
    patient = town.patient("Ann", "Moor", BORN, city="Bend", email="ann@example.org")
    engine = await town.engine()
    hint, salesforce = town.practice.shown(patient), town.org.shown(contact)
    link = new_link(engine, "batch-patients", contact_id=contact, patient_id=patient, reason=str(MODE))
    pair = Pair(LinkState(link, {}, {}), hint, salesforce, MODE, foreseen=foresee(engine, hint, salesforce, MODE))
    return engine, pair


def marked(foreseen: Foreseen) -> Foreseen:
    """Return the same with a plan that tells itself from one that was made anew."""
    return but(foreseen, shape=foreseen.shape._replace(decisions=foreseen.shape.decisions[:1]))


async def test_what_was_foreseen_is_what_would_be_planned() -> None:
    engine, pair = await pair_of(Town())
    assert pair.foreseen is not None
    assert pair.foreseen.plan() == plan_pair(engine, but(pair, foreseen=None))
    assert len(plan_pair(engine, but(pair, foreseen=marked(pair.foreseen))).decisions) == 1


async def test_its_fingerprints_are_those_of_what_it_agrees_on_and_writes() -> None:
    engine, pair = await pair_of(Town())
    assert pair.foreseen is not None
    plan = pair.foreseen.plan()
    values = {**plan.agreed, **plan.writes[Side.SALESFORCE]}
    assert values["city"] == "Bend"
    assert values["last_name"] == "Moor"
    assert pair.foreseen.prints() == engine.fingerprinter(pair.state.link.salt).of_each(values)


async def test_a_plan_that_writes_to_the_patient_is_not_foreseen() -> None:
    town = Town()
    contact, patient = town.both("Ann", "Moor", BORN)
    town.org.edit(contact, {"email": "ann@example.org"})
    engine = await town.engine()
    assert foresee(engine, town.practice.shown(patient), town.org.shown(contact), MODE) is None


def test_a_snapshot_that_shares_values_says_what_it_said() -> None:
    name = "".join(["Mo", "or"])  # equal, not the same
    mine = Snapshot(Side.SALESFORCE, "c1", "1", {"last_name": name, "city": "Salem", "zip": None, "title": ABSENT})
    theirs = Snapshot(Side.HINT, "p1", "1", {"last_name": "Moor", "city": "Bend", "zip": ABSENT})
    shared = sharing(mine, theirs)
    assert shared == mine
    assert shared.values["last_name"] is theirs.values["last_name"]


def another_table(engine: Engine, pair: Pair) -> Pair:
    engine.table = engine.table.without(["city"])
    return pair


def paused_clears(engine: Engine, pair: Pair) -> Pair:
    engine.connection = replace(engine.connection, facts={"paused": ["clear:hint:city"]})
    return pair


def read_again(snapshot: Snapshot) -> Snapshot:
    return but(snapshot, values={**snapshot.values, "city": "Ely"})


MOVED: dict[str, Callable[[Engine, Pair], Pair]] = {
    "the patient was read again": lambda engine, pair: but(pair, hint=read_again(pair.hint)),
    "the contact was read again": lambda engine, pair: but(pair, salesforce=read_again(pair.salesforce)),
    "the first sync has another winner": lambda engine, pair: but(pair, mode=Mode.FIRST_SALESFORCE_WINS),
    "the link has a base": lambda engine, pair: but(
        pair, state=but(pair.state, base={"city": Fingerprinter(b"k", b"s").of("city", "Ely")})
    ),
    "a field waits": lambda engine, pair: but(
        pair, state=but(pair.state, holds={"city": Hold(HoldKind.CONFLICT, "F5", "changed-on-both-sides")})
    ),
    "a person chose": lambda engine, pair: but(pair, choices=Choices(inherited=frozenset({"city"}))),
    "the link keeps the salt of another pair": lambda engine, pair: but(
        pair, state=but(pair.state, link=but(pair.state.link, salt=b"another"))
    ),
    "the mapping was edited": another_table,
    "clears were paused": paused_clears,
}


@pytest.mark.parametrize("what", MOVED)
async def test_once_anything_moved_the_plan_is_made_anew(what: str) -> None:
    engine, pair = await pair_of(Town())
    assert pair.foreseen is not None
    moved = MOVED[what](engine, but(pair, foreseen=marked(pair.foreseen)))
    assert plan_pair(engine, moved) == plan_pair(engine, but(moved, foreseen=None))


async def test_a_batch_that_foresees_nothing_comes_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = []
    for foresees in (True, False):
        if not foresees:
            monkeypatch.setattr(Foreseen, "still_holds", lambda foreseen, engine, pair: False)
        town = Town()
        town.both("Ben", "Moor", BORN)
        await pair_of(town)
        run = await town.batch()
        rows = await town.rows(run)
        assert {row.outcome for row in rows.values()} == {Outcome.LINKED}
        shown = {row.peers[0]: town.org.shown(row.peers[0]).values for row in rows.values()}
        links = [(state.link, sorted(state.base), state.holds) for state in await town.store.links("main")]
        ends.append(([replace(row, run_id="") for row in rows.values()], shown, links))
    assert ends[0] == ends[1]
