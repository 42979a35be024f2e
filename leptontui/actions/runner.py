"""Carries out what was prepared: the commands in order, time-limited, until the first failure; then asks again."""

from __future__ import annotations

import asyncio
import hashlib
import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from leptontui.actions import privilege
from leptontui.actions.audit import Json
from leptontui.actions.checking import answer_of, checked
from leptontui.actions.guard import Objection
from leptontui.actions.live_lines import LINE_CHARS, LiveLines
from leptontui.actions.reach import Prepared, complaint, shown_output
from leptontui.actions.setting import Sleep, Tell, silent
from leptontui.errors import ActionError, CommandTimeout, LinkError
from leptontui.model.action import Outcome, OutcomeKind, Step
from leptontui.model.text import plain
from leptontui.transport.contract import Completed

_HINTS: Final = {
    "Invalid user id": "Slurm lets only its operators and administrators do this",
    "a password is required": "sudo wants a password: allow this command in sudoers",
    "must have a tty": "sudoers has requiretty: take it out for this login",
    "Interactive authentication required": "log in as root, or allow the command in sudoers",
    "Failed to connect to bus": "the login has no session bus there: loginctl enable-linger keeps one",
    "permission denied while trying to connect to the Docker": "put the login into the group docker",
}
"""By what a failed command said: what the user can do about it."""

_UNSURE: Final = (
    "Socket timed out on send/recv operation",  # Slurm's clients
    "D-Bus connection terminated",  # systemctl, where systemd is executed anew or the host goes down
    "Failed to wait for response",
    "error during connect",  # docker
    "context deadline exceeded",  # kubectl and helm
    "connection reset by peer",
    "client connection lost",
    "unexpected EOF",
    "Unable to connect to the server: EOF",
    "etcdserver: request timed out",
)
"""What a command says that was sent off and got no answer: it may have been done."""


@dataclass(slots=True)
class Record:
    """What was run so far, for the audit. Written as it happens, so that it holds even if the run is cancelled.

    Attributes:
        steps: one object for each command begun.
        texts: what the commands printed, raw.
    """

    steps: list[dict[str, Json]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def begin(self, step: Step, takes_back: int | None = None) -> None:
        """A command is about to run; until its end is told, its exit status is not known."""
        self.steps.append({"argv": list(step.argv), "exit_status": None, "output_sha256": None})
        if takes_back is not None:
            self.steps[-1]["takes_back"] = takes_back

    def end(self, done: Completed) -> None:
        """The command begun last has ended."""
        digest = hashlib.sha256((done.stdout + done.stderr).encode(errors="surrogatepass")).hexdigest()
        self.steps[-1]["exit_status"] = done.exit_status
        self.steps[-1]["output_sha256"] = digest
        self.texts += [done.stdout, done.stderr]

    def skip(self, step: Step) -> None:
        """A command that was not needed any more."""
        self.steps.append({"argv": list(step.argv), "skipped": True})


def argv_of(steps: Sequence[Step]) -> list[Json]:
    """The steps as the audit's first line has them."""
    return [{"host": step.host, "login": step.login, "argv": list(step.argv)} for step in steps]


async def carry_out(
    prepared: Prepared,
    record: Record,
    clock: Callable[[], float],
    *,
    tell: Tell = silent,
    sleep: Sleep = asyncio.sleep,
) -> Outcome:
    """Run the commands and verify; never raises for what a host does or does not.

    Args:
        prepared: the plan, guarded and confirmed.
        record: filled as commands run.
        clock: unix seconds.
        tell: says a line to whoever watches: the commands, what they print as it comes, and what is waited for.
        sleep: waits for seconds; given by tests.
    """
    kind, summary = await _Run(prepared, record, clock, tell, sleep).outcome()
    texts = [*record.texts]
    if kind in {OutcomeKind.FAILED, OutcomeKind.NOT_VERIFIED}:
        with suppress(LinkError, CommandTimeout, ActionError):  # it is a help, the outcome stands without it
            texts.append(await prepared.deed.explain())
    tell(plain(f"{kind.value}: {summary}", LINE_CHARS))
    return Outcome(prepared.plan.plan_id, kind, summary, shown_output(*texts), clock())


class _Unsure(Exception):
    """Whether a command took effect is not known; says what happened."""


class _Failed(Exception):
    """A command failed for sure, or was not run; says why."""


@dataclass(slots=True)
class _Run:
    """One run of a plan."""

    prepared: Prepared
    record: Record
    clock: Callable[[], float]
    tell: Tell
    sleep: Sleep
    went_well: list[int] = field(default_factory=list)

    async def outcome(self) -> tuple[OutcomeKind, str]:
        """Run all, verify, and say what came of it."""
        deed = self.prepared.deed
        try:
            for number in range(len(self.prepared.plan.steps)):
                await self._step(number)
        except _Unsure as unsure:
            return await checked(deed, str(unsure), self.tell, self.sleep, self.clock)
        except _Failed as failed:
            return OutcomeKind.FAILED, f"{failed}{await self._take_back()}"
        try:
            verdict = await answer_of(deed, self.tell, self.sleep, self.clock)
        except (LinkError, CommandTimeout) as error:
            return OutcomeKind.UNKNOWN, f"the commands ended well, but it could not be asked again: {error.cause}"
        except ActionError as error:
            return OutcomeKind.NOT_VERIFIED, f"the commands ended well, but: {error.cause}"
        return (OutcomeKind.VERIFIED if verdict.is_so else OutcomeKind.NOT_VERIFIED), verdict.said

    async def _step(self, number: int) -> None:
        step = self.prepared.plan.steps[number]
        try:
            is_needed = await self.prepared.deed.is_needed(number)
        except (LinkError, CommandTimeout) as error:
            raise _Unsure(f"whether {step.argv[0]} is still needed could not be asked: {error.cause}") from error
        except ActionError as error:
            raise _Failed(f"{step.argv[0]} on {step.host} was not run: {error.cause}") from error
        if not is_needed:
            self.record.skip(step)
            self.tell(plain(f"{step.host}: not needed any more: {shlex.join(step.argv)}", LINE_CHARS))
            return
        done = await self._run(step, self.prepared.deed.check_again if not self.went_well else _unobjected)
        if done.exit_status not in step.succeeds:
            raise _Failed(_why_failed(step, done))
        self.went_well.append(number)

    async def _run(self, step: Step, check_again: privilege.Check, takes_back: int | None = None) -> Completed:
        """Run one command and record it.

        Raises:
            _Unsure: whether it took effect is not known.
            _Failed: it was not run.
        """
        reach, began = self.prepared.reach_of(step), self.clock()
        self.record.begin(step, takes_back)
        self.tell(plain(f"{step.host}$ {shlex.join(step.argv)}", LINE_CHARS))
        lines = LiveLines(self.tell, lambda line: privilege.mask(reach, line))
        try:
            done = await privilege.run_step(reach, step, lines.hear, check_again)
        except (LinkError, CommandTimeout) as error:
            raise _Unsure(f"{step.argv[0]} on {step.host} may or may not have run: {error.cause}") from error
        except ActionError as error:
            raise _Failed(f"{step.argv[0]} on {step.host} was not run: {error.cause}") from error
        finally:
            lines.end()
        self.record.end(done)
        if done.exit_status is None:
            raise _Unsure(f"{step.host} did not say how {step.argv[0]} ended")
        self.tell(f"{step.host}: exit status {done.exit_status} after {max(self.clock() - began, 0.0):.1f} s")
        if done.exit_status not in step.succeeds and done.exit_status < 0:
            # systemctl and scontrol only ask: what they asked for goes on without them.
            raise _Unsure(f"{step.argv[0]} on {step.host} was ended by signal {-done.exit_status}")
        if done.exit_status not in step.succeeds and any(said in done.stderr for said in _UNSURE):
            raise _Unsure(f"{step.argv[0]} on {step.host} got no answer: {complaint(done)}")
        return done

    async def _take_back(self) -> str:
        """Take back what went well, last first, after a later command failed; how that went, for the summary."""
        said: list[str] = []
        for number in reversed(self.went_well):
            step = self.prepared.take_back.get(number)
            if step is None:
                continue
            shown = plain(shlex.join(step.argv), LINE_CHARS)
            try:
                done = await self._run(step, _unobjected, takes_back=number)
            except (_Unsure, _Failed) as error:
                said.append(f"whether it was taken back is not known ({error})")
                continue
            if done.exit_status in step.succeeds:
                said.append(f"taken back with: {shown}")
            else:
                said.append(f"NOT taken back: {_why_failed(step, done)}")
        return "".join(f"; {line}" for line in said)


async def _unobjected() -> Objection | None:
    return None


def _why_failed(step: Step, done: Completed) -> str:
    said = complaint(done)
    everything = f"{done.stderr}\n{done.stdout}"
    hint = next((f" — {mend}" for text, mend in _HINTS.items() if text in everything), "")
    return f"{step.argv[0]} on {step.host} failed: {said}{hint}"
