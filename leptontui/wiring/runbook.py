"""`leptontui runbook run`: a runbook for one host, without a screen, from its first step to the last that ends well."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Final

from leptontui.actions.parameters import completed
from leptontui.actions.runbook_course import begun
from leptontui.actions.runbook_file import RunbookFiles
from leptontui.config.problem import did_you_mean
from leptontui.config.runbooks import load_runbooks
from leptontui.errors import ActionError, ConfigError, GuardRefused, NotConfirmed
from leptontui.inventory.book import Book
from leptontui.model.action import Plan
from leptontui.model.activity import RunbookRun, RunbookState, RunbookStep, Wish
from leptontui.model.text import plain
from leptontui.ports import CommandPort
from leptontui.view.act_words import SCHEMA, plan_lines, runbook_json, step_line, unseen
from leptontui.wiring.act_list import all_specs
from leptontui.wiring.doing import (
    CODES,
    DONE,
    INTERRUPTED,
    NOT_PLANNED,
    ONCE_MORE,
    REFUSED,
    UNKNOWN,
    Doing,
    Stop,
    complain,
    known_hosts,
    say,
    settled,
    with_port,
)
from leptontui.wiring.headless import run_headless
from leptontui.wiring.watch import FleetWatch

_LOOK_EVERY_S: Final = 0.2
Params = Sequence[tuple[str, str]]


def run_runbook(
    book: Book, name: str, host: str, params: Params, *, resume: str, is_skipping: bool, doing: Doing
) -> int:
    """Go through a runbook, or go on with one, where the user says how many of its steps are actions.

    Args:
        book: the hosts.
        name: the runbook's; "" to go on with one.
        host: for which host.
        params: its parameters.
        resume: the id of one under way; "" to start one. A step of it that did not end well is tried again.
        is_skipping: leave its next step out first.
        doing: how it is carried out.

    Returns:
        As `act`; what its last step came to.

    Raises:
        ConfigError: there is no such runbook or host.
        KeyboardInterrupt: interrupted twice.
    """
    if not resume:
        specs, _ = all_specs()
        shelf = load_runbooks(specs)
        runbook = shelf.runbooks.get(name)
        if runbook is None:
            problems = [str(problem) for problem in shelf.problems]
            guess = did_you_mean(name, shelf.runbooks) or "leptontui runbook list names them"
            raise ConfigError([*problems, f"there is no runbook {plain(name, 60)}"], guess)
    return run_headless(_gone_through(book, name, host, params, resume, doing, is_skipping=is_skipping))


async def _gone_through(
    book: Book, name: str, host: str, params: Params, resume: str, doing: Doing, *, is_skipping: bool
) -> int:
    told: dict[str, Any] = {"schema": SCHEMA, "dry_run": doing.is_dry}

    async def use(port: CommandPort, watch: FleetWatch) -> int:
        going = _Going(port, doing, told, is_skipping=is_skipping)
        if not resume:
            await settled(watch, book, [host], doing.timeout_s, is_whole=True)
            known_hosts(watch.fleet, [host])
            return await going.started(name, host, params)
        await port.look_again()
        run = going.found(resume)
        await settled(watch, book, [run.host], doing.timeout_s, is_whole=True)
        return await going.on(run)

    try:
        code = await with_port(book, doing, use)
    except (GuardRefused, NotConfirmed) as refusal:
        rule = refusal.rule if isinstance(refusal, GuardRefused) else "not-confirmed"
        told["refused"] = {"rule": rule, "cause": refusal.cause, "mend": refusal.mend}
        complain(f"refused: {refusal}")
        code = REFUSED
    except ActionError as error:
        told["error"] = {"cause": error.cause, "mend": error.mend}
        complain(str(error))
        code = NOT_PLANNED
    if doing.as_json:
        say(json.dumps({**told, "exit_code": code}))
    return code


class _Going:
    """One runbook gone through."""

    def __init__(self, port: CommandPort, doing: Doing, told: dict[str, Any], *, is_skipping: bool) -> None:
        self._port, self._doing, self._told, self._is_skipping = port, doing, told, is_skipping
        self._seen: dict[int, RunbookStep] = {}

    def found(self, run_id: str) -> RunbookRun:
        """How one stands.

        Raises:
            ActionError: there is none.
        """
        run = next((one for one in self._port.activity.runbooks if one.run_id == run_id), None)
        if run is None:
            raise ActionError(f"no runbook {plain(run_id, 40)} is under way", "leptontui runbook list names them")
        return run

    async def started(self, name: str, host: str, params: Params) -> int:
        """Start it where the user says how many actions it has; else say what it would do."""
        specs, _ = all_specs()
        runbook = load_runbooks(specs).runbooks.get(name)
        if runbook is None:
            raise ActionError(f"there is no runbook {plain(name, 60)}")
        values = completed(params, runbook.parameters, runbook.name)
        steps = begun(runbook, "", host, values, "", 0.0).run.steps
        count = sum(bool(task.action) for task in runbook.tasks)
        self._told |= {"runbook": name, "host": host, "actions": count, "steps": [step.title for step in steps]}
        if not self._doing.as_json:
            say("\n".join(f"{number:>2}. {step.title}" for number, step in enumerate(steps, 1)))
        if self._doing.is_dry:
            return DONE
        self._check_count(count)
        self._port.arm()
        return await self._gone(await self._port.start_runbook(name, host, params))

    async def on(self, run: RunbookRun) -> int:
        """Go on with one from its next step."""
        kept = RunbookFiles().read_one(run.run_id)
        left = () if kept is None else kept.tasks[run.at + self._is_skipping :]
        count = sum(bool(task.action) for task in left)
        self._told |= {"runbook": run.name, "host": run.host, "actions": count, "run": runbook_json(run)}
        self._seen = dict(enumerate(run.steps[: run.at]))
        if not self._doing.as_json:
            say("\n".join(step_line(number, step) for number, step in enumerate(run.steps, 1)))
        if self._doing.is_dry:
            return DONE
        self._check_count(count)
        self._port.arm()
        if self._is_skipping:
            await self._port.steer_runbook(run.run_id, Wish.SKIP)
        return await self._gone(run.run_id)

    def _check_count(self, count: int) -> None:
        if self._doing.count is None:
            raise NotConfirmed("nothing is done without --yes", f"--yes {count} does it: so many steps are actions")
        if self._doing.count != count:
            raise NotConfirmed(f"--yes {self._doing.count}, but {count} steps are actions", f"--yes {count} does it")

    async def _gone(self, run_id: str) -> int:
        """Step after step, until one does not end well, all are done, or the user wants it to stop."""
        stop, may_go = Stop(), {RunbookState.READY, RunbookState.STOPPED}
        try:
            while self.found(run_id).state in may_go and not stop.is_wanted:
                may_go = {RunbookState.READY}
                plan = await self._port.plan_step(run_id)
                if plan is not None and not self._doing.as_json:
                    say("\n".join(plan_lines(plan)))
                await self._stepped(run_id, plan, stop)
                while self.found(run_id).state is RunbookState.RUNNING and not stop.is_wanted:
                    self._tell(self.found(run_id))
                    await asyncio.sleep(_LOOK_EVERY_S)
                self._tell(self.found(run_id))
        finally:
            run = self.found(run_id)
            self._told["run"] = runbook_json(run)
            if run.state is not RunbookState.ENDED:
                complain(f"to go on: leptontui runbook run --resume {run_id} --yes COUNT")
        return _code_of(run)

    async def _stepped(self, run_id: str, plan: Plan | None, stop: Stop) -> None:
        """The next step, with what it says while it runs. Raises as `CommandPort.run_step`."""
        if plan is not None and plan.confirmation not in {"", plan.request.host}:
            raise NotConfirmed(f"{plan.title} has to be confirmed by itself", "run this step from the screen")
        confirmation = "" if plan is None else plan.confirmation
        running = asyncio.ensure_future(self._port.run_step(run_id, plan, confirmation, self._doing.override))
        said, is_told = tuple[str, ...](), False
        try:
            while not running.done():
                now = said if plan is None or self._doing.as_json else self._port.said(plan.plan_id)
                for line in unseen(said, now):
                    say(f"    | {line}")
                said = now
                if stop.is_wanted and not is_told:
                    complain(ONCE_MORE)
                    is_told = True
                await asyncio.wait({running}, timeout=_LOOK_EVERY_S)
        finally:
            if not running.done():
                running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        running.result()

    def _tell(self, run: RunbookRun) -> None:
        for number, step in enumerate(run.steps):
            if not self._doing.as_json and self._seen.get(number, RunbookStep(step.title, step.kind)) != step:
                say(step_line(number + 1, step))
            self._seen[number] = step


def _code_of(run: RunbookRun) -> int:
    if run.state is RunbookState.ENDED:
        return DONE
    if run.state is RunbookState.STOPPED:
        return CODES.get(run.steps[run.at].state, UNKNOWN)
    return INTERRUPTED
