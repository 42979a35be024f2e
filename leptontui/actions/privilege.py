"""Root's rights on a host: as root, else through `sudo -n`, else through sudo with a password over stdin.

The password is never an argument, in an environment, a log or the audit. It is proven with `sudo -v`, which runs
nothing, before it is sent with a command; `-k` makes sudo ask for it even if it remembers it, so that what is sent is
read by sudo and not by the command. One gap is left: with `listpw=always` in sudoers, a command that needs no password
after all gets the line on its stdin; it runs as root, and none of the program's own reads it.

There is no `--` before the command, and nothing else: sudoers rules compare the whole command line.
"""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from leptontui.actions.guard import Objection
from leptontui.actions.passwords import Whose
from leptontui.actions.reach import QUESTION_TIMEOUT_S, Prepared, Reach, complaint
from leptontui.actions.setting import Tell, silent
from leptontui.errors import ActionError, CommandTimeout, GuardRefused, LinkError
from leptontui.model.action import Step
from leptontui.transport.contract import Completed, Heard

_QUIETLY: Final = ("sudo", "-n")
_WITH_PASSWORD: Final = ("sudo", "-k", "-S", "-p", "")
_WANTS_PASSWORD: Final = "a password is required"  # noqa: S105 — what sudo says
_WRONG_PASSWORD: Final = ("incorrect password attempt", "no password was provided")
_NO_PASSWORD: Final = ("tty", "ot found", "privileges")
"""In what sudo, or a C shell without it, says where a password would not help."""
_MASK: Final = "‹password›"

Check = Callable[[], Awaitable[Objection | None]]


@dataclass(frozen=True, slots=True)
class Risen:
    """How a command is run with root's rights.

    Attributes:
        argv: the vector.
        wants_password: whether the password goes over stdin.
        warnings: for the plan.
    """

    argv: tuple[str, ...]
    wants_password: bool = False
    warnings: tuple[str, ...] = ()


async def user_id(reach: Reach) -> str:
    """The login's user id there.

    Raises:
        ActionError: the host does not say who logs in.
        LinkError: the link broke.
        CommandTimeout: no answer in time.
    """
    who = await reach.ask("id", "-u")
    said = who.stdout.strip()
    if who.exit_status != 0 or not (said.isascii() and said.isdecimal()):
        raise ActionError(f"{reach.name} does not say who logs in there: {complaint(who)}")
    return said


async def is_root(reach: Reach) -> bool:
    """Whether the login is root there. Raises as `user_id` does."""
    return await user_id(reach) == "0"


async def as_root(reach: Reach, *argv: str) -> Risen:
    """How `argv` is run with root's rights there; changes nothing. Raises as `user_id` does."""
    if await is_root(reach):
        return Risen(argv)
    allowed = await reach.ask(*_QUIETLY, "-l", *argv)
    if allowed.exit_status == 0:
        return Risen((*_QUIETLY, *argv))
    said = complaint(allowed)
    # sudo says it in the host's language; where it only lists without a word, the command is not allowed.
    may_want = allowed.exit_status == 1 and said.startswith("sudo: ") and not any(word in said for word in _NO_PASSWORD)
    if not may_want or reach.passwords is None or not reach.passwords.can_ask:
        return Risen((*_QUIETLY, *argv), warnings=(f"sudo is likely to refuse it: {said}",))
    is_known = reach.passwords.known(whose(reach)) is not None
    asks = (
        () if is_known else (f"sudo on {reach.name} asks for the password of {whose(reach).user}: you are asked once",)
    )
    return Risen((*_WITH_PASSWORD, *argv), wants_password=True, warnings=asks)


async def step_as_root(
    reach: Reach, *argv: str, timeout_s: float = 60.0, succeeds: tuple[int, ...] = (0,)
) -> tuple[Step, tuple[str, ...]]:
    """The step that runs `argv` with root's rights, and what the plan has to warn of. Raises as `user_id` does."""
    risen = await as_root(reach, *argv)
    return Step(reach.name, reach.login, risen.argv, timeout_s, succeeds, risen.wants_password), risen.warnings


async def ask_as_root(reach: Reach, *argv: str, timeout_s: float = QUESTION_TIMEOUT_S) -> Completed:
    """Ask a question with root's rights: as root, or as sudo lets it without asking, or with a password known already.

    Nobody is asked for a password because of it: where one is missing, the answer is sudo's refusal.

    Raises:
        ActionError: the host does not say who logs in.
        LinkError: the link broke.
        CommandTimeout: no answer in time.
    """
    if await is_root(reach):
        return await reach.ask(*argv, timeout_s=timeout_s)
    done = await reach.ask(*_QUIETLY, *argv, timeout_s=timeout_s)
    password = None if reach.passwords is None else reach.passwords.known(whose(reach))
    if password is None or not _is_refused_for_want_of_password(done):
        return done
    done = await reach.transport.run((*_WITH_PASSWORD, *argv), timeout_s=timeout_s, stdin=_line(password))
    return _masked(done, password)


async def obtain(prepared: Prepared, tell: Tell = silent) -> None:
    """Have every password at hand that a plan's commands want, proven on its host; the user is asked where it is not.

    To be called before the state is checked again: a user may take a while.

    Args:
        prepared: the plan.
        tell: says a line to whoever watches, where the user is waited for.

    Raises:
        GuardRefused: it was declined or is wrong, nobody can be asked, or the host does not answer.
    """
    steps = (*prepared.plan.steps, *prepared.take_back.values())
    for name in dict.fromkeys(step.host for step in steps if step.wants_password):
        reach = next(reach for reach in prepared.reaches if reach.name == name)
        if reach.passwords is not None and reach.passwords.known(whose(reach)) is None:
            tell(f"waiting for the password that sudo asks {whose(reach).user} for on {name}")
        await _password(reach)


async def run_step(reach: Reach, step: Step, heard: Heard, check_again: Check) -> Completed:
    """Run a step where it belongs, with the password where it wants one.

    A command that `sudo -n` would not run for want of a password was not run: it is run with one, if there is
    somebody to be asked. That is the one case in which a command line is sent twice.

    Args:
        reach: the host.
        step: the step.
        heard: takes what it prints, as it comes.
        check_again: asked before a command for which the user was kept waiting for.

    Raises:
        GuardRefused: a password is wanted and was not given, or the state is another one by now; it was not run.
        LinkError: the link broke.
        CommandTimeout: it ran past its time limit.
    """
    if not step.wants_password:
        done = await reach.transport.run(step.argv, timeout_s=step.timeout_s, heard=heard)
        can_ask = reach.passwords is not None and reach.passwords.can_ask
        if step.argv[:2] != _QUIETLY or not can_ask or not _is_refused_for_want_of_password(done):
            return done
        step = replace(step, argv=(*_WITH_PASSWORD, *step.argv[2:]), wants_password=True)
        await _password(reach)
        objection = await check_again()
        if objection is not None:
            raise objection.refusal()
    password = await _password(reach)
    done = await reach.transport.run(step.argv, timeout_s=step.timeout_s, stdin=_line(password), heard=heard)
    if reach.passwords is not None and done.exit_status == 1 and any(said in done.stderr for said in _WRONG_PASSWORD):
        reach.passwords.reject(whose(reach))
    return _masked(done, password)


def mask(reach: Reach, text: str) -> str:
    """`text` without the password, should a command have printed it."""
    password = None if reach.passwords is None else reach.passwords.known(whose(reach))
    return text.replace(password, _MASK) if password else text


def whose(reach: Reach) -> Whose:
    """Whose password sudo asks for there."""
    user, at, _ = reach.login.partition("@")
    if not at:  # this machine itself, whose password is not that of a group's hosts
        return Whose(getpass.getuser(), "", reach.name)
    return Whose(user, reach.group, reach.name)


async def _password(reach: Reach) -> str:
    if reach.passwords is None:
        raise GuardRefused("no-password", f"sudo on {reach.name} wants a password, and nobody can be asked here")

    async def prove(password: str) -> bool:
        await reach.transport.connect()
        argv = (*_WITH_PASSWORD, "-v")
        done = await reach.transport.run(argv, timeout_s=QUESTION_TIMEOUT_S, stdin=_line(password))
        if done.exit_status != 0 and "may not run sudo" in done.stderr:
            said = complaint(_masked(Completed(1, "", _last_line(done.stderr)), password))
            raise GuardRefused("no-password", f"sudo on {reach.name} refuses it: {said}")
        return done.exit_status == 0

    try:
        return await reach.passwords.obtain(whose(reach), prove)
    except (LinkError, CommandTimeout) as error:
        cause = f"the password could not be tried on {reach.name}: {error.cause}"
        raise GuardRefused("no-answer", cause, error.mend) from error


def _is_refused_for_want_of_password(done: Completed) -> bool:
    return done.exit_status == 1 and not done.stdout and _WANTS_PASSWORD in done.stderr


def _line(password: str) -> bytes:
    return password.encode() + b"\n"


def _last_line(text: str) -> str:
    return text.rstrip().rpartition("\n")[2]


def _masked(done: Completed, password: str) -> Completed:
    return replace(done, stdout=done.stdout.replace(password, _MASK), stderr=done.stderr.replace(password, _MASK))
