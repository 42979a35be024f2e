"""Builds the office: the desk for actions, its rollouts and runbooks, and what is remembered of them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

from leptontui.actions.audit_reading import entries
from leptontui.actions.bench import TransportOf
from leptontui.actions.conditions import Question, is_so
from leptontui.actions.desk import Desk
from leptontui.actions.drains import Drains
from leptontui.actions.facts import FleetFacts
from leptontui.actions.office import Office
from leptontui.actions.reach import Verdict
from leptontui.actions.rollouts import Rollouts
from leptontui.actions.runbook_file import RunbookFiles
from leptontui.actions.runbook_run import Means
from leptontui.actions.runbooks import Runbooks
from leptontui.actions.unfinished import BrokenOff
from leptontui.config.actions import load_actions
from leptontui.config.runbooks import load_runbooks
from leptontui.errors import ActionError
from leptontui.model.target import Fleet
from leptontui.model.text import plain
from leptontui.transport.asking import Asker
from leptontui.wiring.guarding import guarding

_LOG = logging.getLogger(__name__)


def make_office(
    fleet: Fleet,
    *,
    transport_of: TransportOf,
    facts: FleetFacts,
    user: str,
    asker: Asker | None,
    verified: Callable[[str], None],
    notify: Callable[[str, str], None],
    state: Path | None = None,
) -> Office:
    """The port to act through.

    Args:
        fleet: the hosts and controllers.
        transport_of: the way to a host for actions.
        facts: links and ages as the engine sees them.
        user: who acts, by login name.
        asker: who is asked for sudo's password; None where nobody can be.
        verified: called with the host's name after an action on it was verified.
        notify: told, under a name, what the user has to know.
        state: where audit, drains and runbooks of a simulated fleet are kept; None for a real one.
    """
    guard, own = guarding(state), load_actions()
    if own.problems:
        _LOG.warning("actions: %s", "; ".join(map(str, own.problems)))
        notify("actions", f"not all of your actions can be used: {own.problems[0]}; leptontui config check tells all")
    drains = Drains(
        None if state is None else state / "drains.json",
        fleet_of=lambda: desk.fleet,
        reach_of=lambda host: desk.reach(host),  # noqa: PLW0108 — the desk is made below
    )
    desk = Desk(
        fleet,
        transport_of=transport_of,
        facts=facts,
        audit=guard.audit,
        user=user,
        actor=guard.actor,
        policies=guard.policies,
        locks=guard.locks,
        custom=own.actions,
        drains=drains,
        asker=asker,
        verified=verified,
    )
    return Office(
        desk,
        rollouts=Rollouts(desk, clock=time.time, read=lambda: entries(desk.audit.path)),
        runbooks=_runbooks(desk, facts, user, state),
        drains=drains,
        broken_off=BrokenOff(desk),
    )


def _runbooks(desk: Desk, facts: FleetFacts, user: str, state: Path | None) -> Runbooks:
    async def ask(condition: str, host: str, unit: str) -> Verdict:
        target = desk.fleet.host(host)
        if target is None:
            raise ActionError(f"{plain(host, 60)} is not in the fleet")
        return await is_so(condition, Question(target, unit, desk.fleet, facts, desk.reach))

    files = RunbookFiles(None if state is None else state / "runbooks")
    return Runbooks(
        Means(desk, ask, files, time.time, asyncio.sleep, lambda: None),
        shelf=lambda: load_runbooks({spec.name: spec for spec in desk.specs}),
        knows=lambda host: desk.fleet.host(host) is not None,
        user=user,
    )
