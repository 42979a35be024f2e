"""Carries out what was prepared: the commands in order, time-limited, until the first failure; then asks again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from leptontui.actions.audit import Json
from leptontui.actions.reach import Prepared, complaint, shown_output
from leptontui.errors import ActionError, CommandTimeout, LinkError
from leptontui.model.action import Outcome, OutcomeKind, Step
from leptontui.transport.contract import Completed

_HINTS: Final = {
    "Invalid user id": "Slurm lets only its operators and administrators do this",
    "a password is required": "sudo wants a password: allow this command in sudoers",
    "Interactive authentication required": "log in as root, or allow the command in sudoers",
}
"""By what a failed command said: what the user can do about it."""


@dataclass(slots=True)
class Record:
    """What was run so far, for the audit. Written as it happens, so that it holds even if the run is cancelled.

    Attributes:
        steps: one object for each command begun.
        texts: what the commands printed, raw.
    """

    steps: list[dict[str, Json]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def begin(self, step: Step) -> None:
        """A command is about to run; until its end is told, its exit status is not known."""
        self.steps.append({"argv": list(step.argv), "exit_status": None, "output_sha256": None})

    def end(self, done: Completed) -> None:
        """The command begun last has ended."""
        digest = hashlib.sha256((done.stdout + done.stderr).encode(errors="surrogatepass")).hexdigest()
        self.steps[-1]["exit_status"] = done.exit_status
        self.steps[-1]["output_sha256"] = digest
        self.texts += [done.stdout, done.stderr]


def argv_of(steps: Sequence[Step]) -> list[Json]:
    """The steps as the audit's first line has them."""
    return [{"host": step.host, "login": step.login, "argv": list(step.argv)} for step in steps]


async def carry_out(prepared: Prepared, record: Record, clock: Callable[[], float]) -> Outcome:
    """Run the commands and verify; never raises for what a host does or does not.

    Args:
        prepared: the plan, guarded and confirmed.
        record: filled as commands run.
        clock: unix seconds.
    """
    kind, summary = await _run_and_verify(prepared, record)
    texts = [*record.texts]
    if kind in {OutcomeKind.FAILED, OutcomeKind.NOT_VERIFIED}:
        with suppress(LinkError, CommandTimeout, ActionError):  # it is a help, the outcome stands without it
            texts.append(await prepared.deed.explain())
    return Outcome(prepared.plan.plan_id, kind, summary, shown_output(*texts), clock())


async def _run_and_verify(prepared: Prepared, record: Record) -> tuple[OutcomeKind, str]:
    for step in prepared.plan.steps:
        record.begin(step)
        try:
            done = await prepared.reach_of(step).transport.run(step.argv, timeout_s=step.timeout_s)
        except (LinkError, CommandTimeout) as error:
            return await _ask_once(prepared, f"{step.argv[0]} on {step.host} may or may not have run: {error.cause}")
        record.end(done)
        if done.exit_status is None:
            return await _ask_once(prepared, f"{step.host} did not say how {step.argv[0]} ended")
        if done.exit_status not in step.succeeds:
            said = complaint(done)
            hint = next((f" — {mend}" for text, mend in _HINTS.items() if text in said), "")
            return OutcomeKind.FAILED, f"{step.argv[0]} on {step.host} failed: {said}{hint}"
    try:
        verdict = await prepared.deed.verify()
    except (LinkError, CommandTimeout) as error:
        return OutcomeKind.UNKNOWN, f"the commands ended well, but it could not be asked again: {error.cause}"
    except ActionError as error:
        return OutcomeKind.NOT_VERIFIED, f"the commands ended well, but: {error.cause}"
    return (OutcomeKind.VERIFIED if verdict.is_so else OutcomeKind.NOT_VERIFIED), verdict.said


async def _ask_once(prepared: Prepared, what: str) -> tuple[OutcomeKind, str]:
    """After a command whose end is not known: it is verified only if the host says that it is so.

    "It is not so" stays unknown: the command may still be under way over there.
    """
    try:
        verdict = await prepared.deed.verify()
    except (LinkError, CommandTimeout, ActionError) as error:
        return OutcomeKind.UNKNOWN, f"{what}; it could not be asked again: {error.cause}"
    if verdict.is_so:
        return OutcomeKind.VERIFIED, f"{what}; asked again: {verdict.said}"
    return OutcomeKind.UNKNOWN, f"{what}; asked again: {verdict.said}"
