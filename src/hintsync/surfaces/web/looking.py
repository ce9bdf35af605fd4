"""Asks both systems of a connection how they stand just now: who they are, and whether Hint shows the integration as active."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace

from hintsync.bootstrap import Service, open_partner
from hintsync.core.errors import FixConfiguration, HintsyncError
from hintsync.core.guards import Pin, check_identity
from hintsync.engine.context import Engine
from hintsync.engine.guards.stops import pin_of
from hintsync.surfaces.joining import ACTIVE

#: Seconds after which a system counts as not answering.
_PATIENCE = 8.0


@dataclass(frozen=True, slots=True)
class Answered:
    """What one question brought."""

    #: Who was asked what.
    about: str
    good: bool
    #: For a badge: "Answers", "Active", …
    word: str
    #: More, if there is more to say.
    text: str = ""
    #: An administrator may let Hint's webhooks flow.
    can_activate: bool = False


async def ask_sides(service: Service, engine: Engine) -> list[Answered]:
    """Ask both systems who they are, and Hint for the status of the integration: three calls, at the same time."""
    questions = (
        _patiently("Salesforce", _org(engine)),
        _patiently("Hint", _practice(engine)),
        _patiently("Integration in Hint", _integration(service, engine)),
    )
    return list(await asyncio.gather(*questions))


async def _patiently(about: str, question: Awaitable[Answered]) -> Answered:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await question
    except TimeoutError:
        return Answered(about, good=False, word="No answer", text=f"It did not answer within {_PATIENCE:.0f} seconds.")
    except FixConfiguration as error:
        return Answered(about, good=False, word="Not set up", text=str(error))
    except HintsyncError as error:
        return Answered(about, good=False, word="No answer", text=str(error))


async def _org(engine: Engine) -> Answered:
    pinned, seen = pin_of(engine.connection), await engine.salesforce.identify()
    return _judged("Salesforce", engine, replace(pinned, org_id=seen.id, org_sandbox=seen.sandbox))


async def _practice(engine: Engine) -> Answered:
    seen = await engine.hint.identify()
    return _judged("Hint", engine, replace(pin_of(engine.connection), practice_id=seen.id))


def _judged(about: str, engine: Engine, seen: Pin) -> Answered:
    found = check_identity(pin_of(engine.connection), seen)
    if found is None:
        return Answered(about, good=True, word="Answers", text="It is the one that was pinned.")
    return Answered(about, good=False, word="Another one", text=f"{found.guard}: {found.reason}. Nothing is written.")


async def _integration(service: Service, engine: Engine) -> Answered:
    about = "Integration in Hint"
    found = await open_partner(service).integration_of(engine.connection.practice_id)
    if found is None:
        told = "Hint knows no integration of this practice with our partner account. Connect Hint again."
        return Answered(about, good=False, word="Unknown", text=told)
    if found.status in ACTIVE:
        return Answered(about, good=True, word="Active")
    told = "Hint sends no webhooks until it is active. Finish the set-up in Hint, or activate it from here."
    return Answered(about, good=False, word=found.status.capitalize() or "No status", text=told, can_activate=True)
