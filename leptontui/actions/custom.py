"""The user's own actions: their command filled in word by word, run without a shell, and asked after."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from leptontui.actions.evidence import EVIDENCE_WORDS
from leptontui.actions.guard import Objection
from leptontui.actions.names import reason_of
from leptontui.actions.privilege import ask_as_root, step_as_root
from leptontui.actions.reach import Deed, Prepared, Reach, Verdict, complaint, shown_output
from leptontui.actions.schedulers import stand_of
from leptontui.actions.setting import Prepare, Setting, Sleep, Tell
from leptontui.config.custom_action import Check, CustomAction, filled, pieces_of
from leptontui.errors import ActionError
from leptontui.model.action import Danger, Plan, Step
from leptontui.model.action_spec import ParameterKind, Where
from leptontui.model.text import plain
from leptontui.transport.contract import OUTPUT_LIMIT, Completed, Heard, Stream, Transport

_ASK_EVERY_S: Final = 3.0
"""Between two answers while it may still become so."""


@dataclass(slots=True)
class Hearing:
    """A transport that keeps how the action's own command ended: where the command is the question, that is the answer.

    Attributes:
        inner: the way to the host.
        succeeds: exit statuses that mean that it is so.
        done: what the command did; None while it has not ended, or where that was never heard.
    """

    inner: Transport
    succeeds: tuple[int, ...]
    done: Completed | None = None

    @property
    def address(self) -> str:
        """As of the way itself."""
        return self.inner.address

    @property
    def verdict(self) -> Verdict:
        """What the command's end says."""
        if self.done is None or self.done.exit_status is None:
            return Verdict(is_so=False, said="how it ended was not heard")
        said = shown_output(self.done.stdout, self.done.stderr).rpartition("\n")[2]
        ended = f"it ended with {self.done.exit_status}" + (f": {said}" if said else "")
        return Verdict(is_so=self.done.exit_status in self.succeeds, said=ended)

    async def connect(self) -> None:
        """As the way itself."""
        await self.inner.connect()

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float = 30.0,
        stdin: bytes = b"",
        output_limit: int = OUTPUT_LIMIT,
        heard: Heard | None = None,
    ) -> Completed:
        """As the way itself; what is listened to as it runs is a plan's command, and its end is kept."""
        done = await self.inner.run(argv, timeout_s=timeout_s, stdin=stdin, output_limit=output_limit, heard=heard)
        if heard is not None:
            self.done = done
        return done

    async def stream(self, argv: Sequence[str], *, stdin: bytes = b"") -> Stream:
        """As the way itself."""
        return await self.inner.stream(argv, stdin=stdin)

    async def close(self) -> None:
        """Somebody else's: left alone."""


@dataclass(frozen=True, slots=True)
class CustomDeed(Deed):
    """What surrounds a command of the user's own.

    Attributes:
        reach: where it is run.
        check: what is asked afterwards; None for nothing.
        argv: that question, filled in.
        needs_root: whether it is asked with root's rights.
        source: where the action is written.
        sleep: waits for seconds.
        tell: says a line to whoever watches.
        own: the command's own end, where that is the answer; None where it is not.
    """

    reach: Reach
    check: Check | None
    argv: tuple[str, ...]
    needs_root: bool
    source: str
    sleep: Sleep
    tell: Tell
    own: Hearing | None = None

    async def check_again(self) -> Objection | None:
        """Nothing is asked before: the program knows nothing of what the command needs."""
        return None

    async def verify(self) -> Verdict:
        """What the user's own question is answered; without one nothing is called so."""
        if self.own is not None:
            return self.own.verdict
        if self.check is None:
            return Verdict(is_so=False, said=f"nothing was asked again: {self.source} names no verify")
        verdict, waited_s = await self._ask(self.check), 0.0
        while not verdict.is_so and waited_s < self.check.wait_s:
            self.tell(f"asked again in {_ASK_EVERY_S:g} s: {verdict.said}")
            await self.sleep(_ASK_EVERY_S)
            waited_s += _ASK_EVERY_S
            verdict = await self._ask(self.check)
        return verdict

    async def _ask(self, check: Check) -> Verdict:
        if self.needs_root:
            done = await ask_as_root(self.reach, *self.argv, timeout_s=check.timeout_s)
        else:
            done = await self.reach.ask(*self.argv, timeout_s=check.timeout_s)
        return _judged(check, self.argv[0], done)


def preparer_of(custom: CustomAction) -> Prepare:
    """What plans this action."""

    async def prepare(setting: Setting) -> Prepared:
        return await prepare_custom(setting, custom)

    return prepare


async def prepare_custom(setting: Setting, custom: CustomAction) -> Prepared:
    """Plan an action of the user's own.

    Raises:
        ActionError: a value cannot stand where it would, the unit is not allowed, or there is no controller.
        LinkError: the host or controller cannot be asked.
        CommandTimeout: no answer in time.
    """
    request, target, spec = setting.request, setting.target, setting.spec
    values = _values(setting)
    argv = _vector(custom.command, values, custom)
    asked = _vector(custom.check.command, values, custom) if custom.check is not None else ()
    reach = await (setting.host() if spec.where is Where.HOST else setting.controller())
    own = Hearing(reach.transport, custom.succeeds) if custom.asks else None
    reach = reach if own is None else replace(reach, transport=own)
    warnings: tuple[str, ...] = ()
    if custom.needs_root:
        step, warnings = await step_as_root(reach, *argv, timeout_s=spec.timeout_s, succeeds=custom.succeeds)
    else:
        step = Step(reach.name, reach.login, argv, spec.timeout_s, custom.succeeds)
    if custom.check is None and not custom.asks:
        warnings = (*warnings, f"its outcome cannot be verified: {custom.source} names no verify")
    plan = Plan(
        setting.plan_id,
        request,
        plain(spec.title.format(**values), 200),
        spec.danger,
        (step,),
        _verification(custom, asked),
        running_there=await _running_there(setting),
        after_this=(f"affects: {spec.affects}", spec.undone_by, f"written at {custom.source}"),
        warnings=warnings,
        confirmation=target.name if spec.danger is Danger.DESTRUCTIVE else "",
        evidence=EVIDENCE_WORDS if spec.captures_evidence else "",
    )
    deed = CustomDeed(reach, custom.check, asked, custom.needs_root, custom.source, setting.sleep, setting.tell, own)
    return Prepared(plan, target, (reach,), deed, setting.clock())


def _values(setting: Setting) -> dict[str, str]:
    request, target, spec = setting.request, setting.target, setting.spec
    if spec.takes_unit and request.unit not in target.units:
        listed = ", ".join(plain(name, 60) for name in target.units) or "none"
        raise ActionError(
            f"{plain(request.unit, 60) or 'no unit'} may not be named here", f"units in the inventory lists: {listed}"
        )
    if not target.name.isprintable() or (spec.takes_unit and not request.unit.isprintable()):
        raise ActionError("the host's or unit's name has letters that cannot be printed")
    reason = reason_of(setting.user, request.reason) if spec.takes_reason else ""
    return {
        **dict(request.params),
        "host": target.name,
        "unit": request.unit,
        "reason": reason,
        "user": setting.user,
    }


def _vector(words: tuple[str, ...], values: Mapping[str, str], custom: CustomAction) -> tuple[str, ...]:
    """The words filled in.

    Raises:
        ActionError: a value would stand where the program reads an option.
    """
    spoken = {parameter.name for parameter in custom.spec.parameters if parameter.kind is ParameterKind.CHOICE}
    vector = []
    for word in words:
        argument = filled(word, values)
        first = pieces_of(word)[0] if word else None
        is_ours = first is None or first.text or first.name in spoken  # written in the file, all of it
        if argument.startswith("-") and not is_ours:
            raise ActionError(
                f"{plain(argument, 60)!r} would be taken for an option by {plain(words[0], 60)}",
                f"put it after an = or a word of its own in {custom.source}",
            )
        vector.append(argument)
    return tuple(vector)


def _verification(custom: CustomAction, asked: tuple[str, ...]) -> str:
    if custom.asks:
        return custom.spec.verified_by
    if custom.check is None:
        return "nothing is asked again: its outcome will not be called verified"
    statuses = " or ".join(map(str, custom.check.succeeds))
    says = f" and says {custom.check.says}" if custom.check.says else ""
    return f"{' '.join(asked)} → ends with {statuses}{says}"


async def _running_there(setting: Setting) -> tuple[str, ...]:
    """What the scheduler says of the host, where something that matters to its jobs may be done to it."""
    spec, target = setting.spec, setting.target
    if target.scheduler is None or (spec.danger is not Danger.DESTRUCTIVE and not spec.removes_capacity):
        return ()
    try:
        return ((await stand_of(setting.fleet, target, setting.reach_of)).said,)
    except ActionError as error:
        return (f"what runs there is not known: {error.cause}",)


def _judged(check: Check, program: str, done: Completed) -> Verdict:
    if done.exit_status not in check.succeeds:
        return Verdict(is_so=False, said=f"{program} ended with {done.exit_status}: {complaint(done)}")
    lines = f"{done.stdout}\n{done.stderr}".split("\n")
    line = next((line for line in lines if re.search(check.says, line)), None) if check.says else ""
    if line is None:
        return Verdict(is_so=False, said=f"{program} does not say {check.says}: {complaint(done)}")
    said = shown_output(line or done.stdout).split("\n")[0]
    return Verdict(is_so=True, said=f"{program} ended with {done.exit_status}" + (f": {said}" if said else ""))
