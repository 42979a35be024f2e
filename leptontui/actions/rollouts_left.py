"""Rollouts that the program's end broke off, read from the audit: what was done, and what never had its turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from leptontui.actions.audit import Json
from leptontui.model.activity import Rollout, RolloutState, TargetRun, TargetState
from leptontui.model.text import plain

Entry = Mapping[str, Json]

SAID: Final = "the program was ended while it ran: {counts}; what was not touched waits for nobody"
_MOST: Final = 10


def left_behind(entries: Sequence[Entry], is_gone: Callable[[str], bool]) -> tuple[Rollout, ...]:
    """The rollouts that were begun, never ended, and whose process is gone; oldest first, at most the last ten.

    Args:
        entries: the audit's lines, oldest first.
        is_gone: whether the process of a mark has certainly ended.
    """
    begun: dict[str, Entry] = {}
    for entry in entries:
        rollout_id, event = _text(entry, "rollout_id"), entry.get("event")
        if rollout_id and event == "rollout-begun":
            begun[rollout_id] = entry
        elif event == "rollout-ended":
            begun.pop(rollout_id, None)
    left = [entry for entry in begun.values() if is_gone(_text(entry, "process"))]
    return tuple(_rollout(entry, entries) for entry in left[-_MOST:])


def _rollout(begun: Entry, entries: Sequence[Entry]) -> Rollout:
    rollout_id = _text(begun, "rollout_id")
    hosts = begun.get("hosts")
    ends: dict[str, TargetRun] = {}
    for entry in entries:
        if _text(entry, "part_of") == f"rollout {rollout_id}":
            run = _target(entry)
            ends[run.host] = run
    names = [plain(host, 255) for host in hosts if isinstance(host, str)] if isinstance(hosts, list) else []
    untouched = "the program was ended before its turn"
    targets = tuple(ends.get(host, TargetRun(host, TargetState.SKIPPED, untouched)) for host in names)
    counts: dict[str, int] = {}
    for target in targets:
        counts[target.state.value] = counts.get(target.state.value, 0) + 1
    said = SAID.format(counts=", ".join(f"{count} {state}" for state, count in counts.items()))
    return Rollout(rollout_id, plain(_text(begun, "title"), 120), RolloutState.ABANDONED, targets, said)


def _target(entry: Entry) -> TargetRun:
    """How a part stands by a line of its own: begun and no more is not known."""
    host, t = plain(_text(entry, "host"), 255), entry.get("t_unix_s")
    at = float(t) if isinstance(t, int | float) else None
    try:
        state = TargetState(_text(entry, "outcome"))
    except ValueError:
        return TargetRun(host, TargetState.UNKNOWN, "the program was ended while it ran", begun_unix_s=at)
    return TargetRun(host, state, plain(_text(entry, "summary"), 300), ended_unix_s=at)


def _text(entry: Entry, key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""
