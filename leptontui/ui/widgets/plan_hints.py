"""What the next key does in a dialog before an action, in words: pure, so that each case can be read and tested."""

from __future__ import annotations

from dataclasses import dataclass

from leptontui.model.action import LEAST_REASON, says_why
from leptontui.model.text import plain
from leptontui.ui.widgets.plan_inputs import Stage

_WAY_OUT = "esc: leave it alone"


@dataclass(frozen=True, slots=True)
class Standpoint:
    """Where a dialog is.

    Attributes:
        stage: see `Stage`.
        is_armed: whether actions are allowed at all.
        complaint: why the last key ran nothing; "" if there is nothing to say.
        blocked_by: the rule that stands in the way and cannot be overridden; "" if none does.
        has_reason: whether a reason can be typed here.
        is_planned: whether what is shown is what was asked for: a reason that was changed is not.
        overridable: rules that a typed reason sets aside.
        override: what was typed for them.
        expected: what has to be typed; "" where one key is enough.
        typed: what was.
        can_change: whether parameters, unit or pace can be changed from here.
        can_try: whether it ended in a way after which one may look again what would be done.
        undo: what takes it back, as a word for a key; "" where nothing does.
    """

    stage: Stage
    is_armed: bool
    complaint: str = ""
    blocked_by: str = ""
    has_reason: bool = False
    is_planned: bool = True
    overridable: tuple[str, ...] = ()
    override: str = ""
    expected: str = ""
    typed: str = ""
    can_change: bool = False
    can_try: bool = False
    undo: str = ""


def hint(at: Standpoint) -> tuple[str, str]:
    """What the next key does, and the hint's role."""
    if at.stage is Stage.RUNNING:
        return "running …", "accent"
    if at.stage is Stage.ENDED:
        words = f"u: {at.undo}" if at.undo else "p: plan it again" if at.can_try else ""
        return words, "accent"
    return _of_plan(at) if at.stage is Stage.SHOWN else ("", "dim")


def _of_plan(at: Standpoint) -> tuple[str, str]:
    match at:
        case Standpoint(is_armed=False):
            found = ("read-only: press A to arm", "warning")
        case Standpoint(complaint=words) if words:
            found = (words, "critical")
        case Standpoint(is_planned=False):
            found = ("the reason has changed: enter plans again", "warning")
        case Standpoint(blocked_by=rule) if rule:
            found = (f"⊘ cannot be run now ({plain(rule, 60)})   p: plan again", "critical")
        case Standpoint(overridable=rules, override=why) if rules and not says_why(why):
            more = (
                f"a reason has {LEAST_REASON} letters at least" if why.strip() else f"say why {_short(rules)} set aside"
            )
            found = (more, "warning")
        case _:
            found = _confirming(at)
    return found


def _short(rules: tuple[str, ...]) -> str:
    return f"{plain(rules[0], 30)} is" if len(rules) == 1 else f"{len(rules)} rules are"


def _confirming(at: Standpoint) -> tuple[str, str]:
    aside = ", setting the rule aside" if at.overridable else ""
    if not at.expected:
        return f"y: do it{aside}", "accent"
    if at.typed == at.expected:
        return f"enter: do it{aside}", "critical"
    if at.typed:
        return "does not match yet", "dim"
    return "tab: change the reason" if at.has_reason else "", "dim"


def way_out(at: Standpoint) -> str:
    """How to leave, and what else can be done."""
    match at.stage:
        case Stage.RUNNING:
            return "esc: leave it running"
        case Stage.ENDED:
            return "enter: close"
        case Stage.SHOWN | Stage.UNPLANNED if at.can_change:
            return f"^o: change it   {_WAY_OUT}"
    return _WAY_OUT
