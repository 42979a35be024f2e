"""A plan, a rollout's plan, a run and its ending as labelled paragraphs: pure, fit for the screen."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import Final

from leptontui.model.action import Plan, Standing, Step
from leptontui.model.action_spec import ActionSpec
from leptontui.model.activity import Pace, RolloutPlan
from leptontui.model.text import plain
from leptontui.ui.widgets.ending import Ending

SheetRow = tuple[str, str, str]
"""A label, a text, and the text's role in the palette."""
COMMAND_LIMIT: Final = 2000
_TEXT_LIMIT: Final = 400
_JOURNAL: Final = "journal: "
"""What a unit wrote last is told of one host; of many it would bury what is going to be done."""
_WANTS_PASSWORD: Final = "sudo asks for a password there: given once, kept in memory, never written"  # noqa: S105


def plan_rows(plan: Plan, spec: ActionSpec | None) -> tuple[SheetRow, ...]:
    """What stands in the way of a plan, its exact commands, and what is known of their effect."""
    rows = [*standing_rows(plan.standing), *_command_rows(plan.steps)]
    rows += _paragraphs("with", _told_params(plan.request.params, spec), "text")
    rows += _paragraphs("captured first", (plan.evidence,) if plan.evidence else (), "text")
    rows += _paragraphs("running there", plan.running_there, "text", absent="nothing is known to run there")
    rows += _paragraphs("after this", plan.after_this, "text")
    rows += _paragraphs("then verified by", (plan.verification,), "text")
    rows += _paragraphs("to take it back", _undone_by(spec, plan.after_this), "dim")
    rows += _paragraphs("▲ mind", plan.warnings, "warning")
    return tuple(rows)


def rollout_rows(plan: RolloutPlan, spec: ActionSpec | None) -> tuple[SheetRow, ...]:
    """What stands in the way of the whole, then every host with its exact commands."""
    shared = shared_standing(plan)
    after_all = tuple(text for text in plan.plans[0].after_this if all(text in one.after_this for one in plan.plans))
    rows = [*standing_rows(shared), *_paragraphs("▲ mind", plan.warnings, "warning")]
    rows += _paragraphs("how", (pace_words(plan),), "text")
    rows += _paragraphs("with", _told_params(plan.request.params, spec), "text")
    rows += [
        (plain(host, 40) if not number else "", text, role)
        for one in plan.plans
        for number, (host, text, role) in enumerate(_host_rows(one, shared, after_all))
    ]
    for host, cause in plan.unplanned:
        rows.append((plain(host, 40), f"⊘ left out: {plain(cause, _TEXT_LIMIT)}", "warning"))
    rows += _paragraphs("after this, each", after_all, "text")
    rows += _paragraphs("each verified by", tuple({one.verification: None for one in plan.plans})[:1], "text")
    rows += _paragraphs("to take it back", _undone_by(spec, after_all), "dim")
    return tuple(rows)


def pace_words(plan: RolloutPlan) -> str:
    """How many at a time, and when it stops."""
    batch = plan.request.batch
    how = {
        Pace.SERIAL: "one host after the other",
        Pace.ROLLING: f"{batch} hosts at a time, the next when all of these are verified",
        Pace.AT_ONCE: "all hosts at once",
    }[plan.request.pace]
    return f"{how}; stops at the first that is not verified"


def standing_rows(standing: Iterable[Standing]) -> list[SheetRow]:
    """What the guard would refuse it for: why, the mend, the rule, where it is set, whether a reason sets it aside.

    What cannot be overridden comes first.
    """
    rows: list[SheetRow] = []
    for rule in sorted(standing, key=lambda each: each.may_be_overridden):
        where = f", set in {plain(rule.set_in, 120)}" if rule.set_in else ""
        mend = f" — {plain(rule.mend, _TEXT_LIMIT)}" if rule.mend else ""
        is_said = "reason" in rule.mend
        tail = "; may be overridden with a reason" if rule.may_be_overridden and not is_said else ""
        text = f"{plain(rule.cause, _TEXT_LIMIT)}{mend} (rule {plain(rule.rule, 60)}{where}{tail})"
        label = "⊘ in the way" if not rows else ""
        rows.append((label, text, "warning" if rule.may_be_overridden else "critical"))
    return rows


def shared_standing(plan: RolloutPlan) -> tuple[Standing, ...]:
    """What stands in the way of the whole, and of every single one of its plans; each told once."""
    of_all = [rule for rule in (plan.plans[0].standing if plan.plans else ()) if _is_in_all(rule, plan.plans)]
    return tuple(dict.fromkeys((*plan.standing, *of_all)))


def all_standing(plan: RolloutPlan) -> tuple[Standing, ...]:
    """Everything that stands in the way of a rollout or of any part of it, each told once."""
    return tuple(dict.fromkeys((*plan.standing, *(rule for one in plan.plans for rule in one.standing))))


def running_rows(rows: Sequence[SheetRow], said: Sequence[str], took: str) -> tuple[SheetRow, ...]:
    """The commands that run, and what they have said so far."""
    heard = [("", plain(line, _TEXT_LIMIT), "dim") for line in said]
    return (*rows, ("", "", "text"), ("running", took, "accent"), *heard)


def ending_rows(ending: Ending) -> tuple[SheetRow, ...]:
    """What came of it, with what the commands printed."""
    rows: list[SheetRow] = [("", f"{ending.glyph} {ending.words}", ending.role)]
    rows.append(("", plain(ending.summary, _TEXT_LIMIT), "text"))
    if ending.mend:
        rows.append(("", plain(ending.mend, _TEXT_LIMIT), "text"))
    if ending.output:
        rows.append(("", "", "text"))
        rows += [("", plain(line, _TEXT_LIMIT), "dim") for line in ending.output.splitlines()]
    return tuple(rows)


def command_rows(plan: Plan) -> tuple[SheetRow, ...]:
    """The exact commands alone."""
    return tuple(_command_rows(plan.steps))


def _is_in_all(rule: Standing, plans: Sequence[Plan]) -> bool:
    return len(plans) > 1 and all(rule in one.standing for one in plans)


def _host_rows(plan: Plan, shared: Sequence[Standing], after_all: Sequence[str]) -> list[SheetRow]:
    """One host of a rollout: what it is called, its commands, what it affects, what stands in its own way."""
    host = plan.request.host
    rows: list[SheetRow] = []
    for step in plan.steps:
        way = "" if step.host == host else f"on {plain(step.host, 40)}: "
        rows.append((host, way + plain(shlex.join(step.argv), COMMAND_LIMIT), "accent"))
        if step.wants_password:
            rows.append((host, _WANTS_PASSWORD, "warning"))
    own_after = [text for text in plan.after_this if text not in after_all]
    told = [text for text in plan.running_there if not text.startswith(_JOURNAL)]
    rows += [(host, plain(text, _TEXT_LIMIT), "dim") for text in (*told, *own_after)]
    rows += [(host, f"first: {plain(plan.evidence, _TEXT_LIMIT)}", "dim")] if plan.evidence else []
    own = [rule for rule in plan.standing if rule not in shared]
    rows += [(host, f"⊘ {text}", role) for _, text, role in standing_rows(own)]
    rows += [(host, f"▲ {plain(text, _TEXT_LIMIT)}", "warning") for text in plan.warnings]
    return rows or [(host, "nothing has to be run", "dim")]


def _told_params(params: Sequence[tuple[str, str]], spec: ActionSpec | None) -> tuple[str, ...]:
    """The parameters that somebody chose, in a line: what nobody changed is not told."""
    defaults = {each.name: each.default for each in spec.parameters} if spec is not None else {}
    chosen = [f"{name}={value}" for name, value in params if value != defaults.get(name)]
    return ("  ".join(chosen),) if chosen else ()


def _undone_by(spec: ActionSpec | None, after_this: Sequence[str]) -> tuple[str, ...]:
    """How it is taken back, unless that is said already."""
    if spec is None or any(spec.undone_by in text for text in after_this):
        return ()
    return (spec.undone_by,)


def _command_rows(steps: Sequence[Step]) -> list[SheetRow]:
    rows: list[SheetRow] = []
    for number, step in enumerate(steps):
        user = plain(step.login, 60).partition("@")[0]
        label = f"on {plain(step.host, 40)}" + (f" as {user}" if user else "")
        same = number > 0 and (steps[number - 1].host, steps[number - 1].login) == (step.host, step.login)
        rows.append(("" if same else label, plain(shlex.join(step.argv), COMMAND_LIMIT), "accent"))
        if step.wants_password:
            rows.append(("", _WANTS_PASSWORD, "warning"))
    return rows


def _paragraphs(label: str, texts: Sequence[str], role: str, *, absent: str = "") -> list[SheetRow]:
    if not texts:
        return [(label, absent, "dim")] if absent else []
    return [(label if number == 0 else "", plain(text, _TEXT_LIMIT), role) for number, text in enumerate(texts)]
