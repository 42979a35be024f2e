"""What a runbook under way becomes: pure functions from one state to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from leptontui.actions.runbook_file import KeptRun
from leptontui.config.custom_action import filled
from leptontui.errors import ActionError
from leptontui.model.action import ActionRequest
from leptontui.model.activity import RunbookRun, RunbookState, RunbookStep, TargetState
from leptontui.model.runbook import Runbook, RunbookTask, TaskKind
from leptontui.model.text import plain

OVER = frozenset({RunbookState.ENDED, RunbookState.ABANDONED})
_WORDS = 300
_ENDED_IN_BETWEEN = "the program was ended while it ran: look how it stands before it is tried again"


def begun(
    runbook: Runbook, run_id: str, host: str, params: tuple[tuple[str, str], ...], user: str, now_unix_s: float
) -> KeptRun:
    """A runbook made ready for a host, without a step run."""
    values = {**dict(params), "host": host}
    tasks = tuple(_filled(task, values) for task in runbook.tasks)
    steps = tuple(RunbookStep(plain(task.title, 120), task.kind.value) for task in tasks)
    run = RunbookRun(run_id, runbook.name, host, RunbookState.READY, steps, 0, now_unix_s)
    return KeptRun(run, tasks, params, user)


def _filled(task: RunbookTask, values: Mapping[str, str]) -> RunbookTask:
    return replace(
        task,
        title=filled(task.title, values),
        unit=filled(task.unit, values),
        reason=filled(task.reason, values),
        params=tuple((name, filled(value, values)) for name, value in task.params),
    )


def next_task(kept: KeptRun) -> RunbookTask:
    """The step that is next.

    Raises:
        ActionError: there is none, or one runs.
    """
    run = kept.run
    if run.state in OVER or run.at >= len(kept.tasks):
        raise ActionError(f"{run.name} on {run.host} is {run.state.value}: there is no next step")
    if run.state is RunbookState.RUNNING:
        raise ActionError(f"step {run.at + 1} of {run.name} on {run.host} runs already", "wait for its end")
    return kept.tasks[run.at]


def request_of(kept: KeptRun, task: RunbookTask) -> ActionRequest:
    """The action that a step asks for."""
    return ActionRequest(task.action, kept.run.host, task.unit, task.reason, task.params)


def running(kept: KeptRun, said: str = "") -> KeptRun:
    """Its next step is under way."""
    return _stepped(kept, TargetState.RUNNING, said, RunbookState.RUNNING)


def ended(kept: KeptRun, state: TargetState, said: str) -> KeptRun:
    """Its step has ended: verified, it goes on to the next one; else it stops there."""
    if state is not TargetState.VERIFIED:
        return _stepped(kept, state, said, RunbookState.STOPPED)
    return _advanced(_stepped(kept, state, said, RunbookState.READY))


def back(kept: KeptRun) -> KeptRun:
    """Its step was broken off, and nothing of it is left: it waits as before."""
    return _stepped(kept, TargetState.WAITING, "", RunbookState.READY)


def skipped(kept: KeptRun) -> KeptRun:
    """Its next step is left out."""
    step = kept.run.steps[kept.run.at]
    before = "" if step.state is TargetState.WAITING else f" after: {step.state.value}: {step.said}"
    return _advanced(_stepped(kept, TargetState.SKIPPED, f"skipped{before}", RunbookState.READY))


def abandoned(kept: KeptRun) -> KeptRun:
    """Nothing more of it is done."""
    at = kept.run.at
    steps = tuple(
        replace(step, state=TargetState.SKIPPED)
        if n >= at and step.state in {TargetState.WAITING, TargetState.RUNNING}
        else step
        for n, step in enumerate(kept.run.steps)
    )
    return replace(kept, run=replace(kept.run, steps=steps, state=RunbookState.ABANDONED))


def picked_up(kept: KeptRun) -> KeptRun:
    """As it is after the program was ended: an action that ran then may or may not have taken effect."""
    run = kept.run
    if run.state is not RunbookState.RUNNING or run.at >= len(kept.tasks):
        return kept
    task = kept.tasks[run.at]
    return ended(kept, TargetState.UNKNOWN, _ENDED_IN_BETWEEN) if task.action else back(kept)


def words_of(task: RunbookTask) -> str:
    """A step of a runbook in a line, for a list."""
    mark = {TaskKind.ACTION: "", TaskKind.CHECK: "", TaskKind.WAIT: f" (at most {task.limit_s / 60:.0f} min)"}[
        task.kind
    ]
    return plain(f"{task.title}{mark}", 160)


def _stepped(kept: KeptRun, state: TargetState, said: str, run_state: RunbookState) -> KeptRun:
    run = kept.run
    step = replace(run.steps[run.at], state=state, said=plain(said, _WORDS))
    return replace(
        kept, run=replace(run, steps=(*run.steps[: run.at], step, *run.steps[run.at + 1 :]), state=run_state)
    )


def _advanced(kept: KeptRun) -> KeptRun:
    at = kept.run.at + 1
    state = RunbookState.ENDED if at >= len(kept.tasks) else RunbookState.READY
    return replace(kept, run=replace(kept.run, at=at, state=state))
