"""Builds the office: the desk for actions, its rollouts and runbooks, and what is remembered of them."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from pathlib import Path

from leptontui.actions.audit import Audit
from leptontui.actions.conditions import Question, is_so
from leptontui.actions.desk import Desk, TransportOf
from leptontui.actions.desk_hand import DeskHand
from leptontui.actions.drains import Drains
from leptontui.actions.facts import FleetFacts
from leptontui.actions.office import Office
from leptontui.actions.reach import Reach, Verdict
from leptontui.actions.rollouts import Rollouts
from leptontui.actions.runbook_file import RunbookFiles
from leptontui.actions.runbook_run import Means
from leptontui.actions.runbooks import Runbooks
from leptontui.config.runbooks import load_runbooks
from leptontui.errors import ActionError
from leptontui.model.target import Fleet, HostTarget
from leptontui.model.text import plain


def make_office(
    fleet: Fleet,
    *,
    transport_of: TransportOf,
    facts: FleetFacts,
    user: str,
    verified: Callable[[str], None],
    state: Path | None = None,
) -> Office:
    """The port to act through.

    Args:
        fleet: the hosts and controllers.
        transport_of: the way to a host for actions.
        facts: links and ages as the engine sees them.
        user: who acts, by login name.
        verified: called with the host's name after an action on it was verified.
        state: where audit, drains and runbooks are kept; None for the user's own state directory.
    """
    audit = Audit() if state is None else Audit(state / "audit.jsonl")
    desk = Desk(fleet, transport_of=transport_of, facts=facts, audit=audit, user=user, verified=verified)
    hand = DeskHand(desk, audit, time.time)

    async def reach_of(target: HostTarget) -> Reach:
        found = transport_of(target)
        transport = await found if inspect.isawaitable(found) else found
        await transport.connect()
        return Reach.of(target, transport)

    async def ask(condition: str, host: str, unit: str) -> Verdict:
        target = desk.fleet.host(host)
        if target is None:
            raise ActionError(f"{plain(host, 60)} is not in the fleet")
        return await is_so(condition, Question(target, unit, desk.fleet, facts, reach_of))

    means = Means(
        hand,
        ask,
        RunbookFiles(None if state is None else state / "runbooks"),
        time.time,
        asyncio.sleep,
        lambda: None,
    )
    return Office(
        desk,
        hand=hand,
        rollouts=Rollouts(hand, clock=time.time),
        runbooks=Runbooks(
            means,
            shelf=lambda: load_runbooks({spec.name: spec for spec in hand.specs}),
            knows=lambda host: desk.fleet.host(host) is not None,
            user=user,
        ),
        drains=Drains(None if state is None else state / "drains.json", fleet_of=lambda: desk.fleet, reach_of=reach_of),
    )
