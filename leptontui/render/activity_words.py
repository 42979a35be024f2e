"""How it stands with rollouts, runbooks, drains and broken-off actions: signs, colours, words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from leptontui.model.activity import (
    Activity,
    Drained,
    Rollout,
    RolloutState,
    RunbookRun,
    RunbookState,
    TargetRun,
    TargetState,
)
from leptontui.model.text import plain
from leptontui.render.cells import Piece

TARGET_SIGNS: Final = {
    TargetState.WAITING: ("·", "dim"),
    TargetState.RUNNING: ("▸", "accent"),
    TargetState.VERIFIED: ("●", "well"),
    TargetState.NOT_VERIFIED: ("▲", "warning"),
    TargetState.FAILED: ("✖", "critical"),
    TargetState.REFUSED: ("⊘", "warning"),
    TargetState.UNKNOWN: ("◌", "unknown"),
    TargetState.SKIPPED: ("–", "dim"),
}
"""A sign and its role by the state of a rollout's target or a runbook's step."""
TARGET_WORDS: Final = {
    TargetState.WAITING: "waiting",
    TargetState.RUNNING: "running",
    TargetState.VERIFIED: "verified",
    TargetState.NOT_VERIFIED: "not verified",
    TargetState.FAILED: "failed",
    TargetState.REFUSED: "refused",
    TargetState.UNKNOWN: "unknown",
    TargetState.SKIPPED: "left out",
}
ROLLOUT_SIGNS: Final = {
    RolloutState.RUNNING: ("▸", "accent", "running"),
    RolloutState.PAUSED: ("‖", "warning", "paused"),
    RolloutState.STOPPED: ("✖", "critical", "STOPPED"),
    RolloutState.ABANDONED: ("–", "dim", "abandoned"),
    RolloutState.ENDED: ("●", "well", "ended"),
}
RUNBOOK_SIGNS: Final = {
    RunbookState.READY: ("▹", "accent", "waits for you"),
    RunbookState.RUNNING: ("▸", "accent", "running"),
    RunbookState.STOPPED: ("✖", "critical", "STOPPED"),
    RunbookState.ABANDONED: ("–", "dim", "abandoned"),
    RunbookState.ENDED: ("●", "well", "ended"),
}
UNDER_WAY: Final = frozenset({RolloutState.RUNNING, RolloutState.PAUSED, RolloutState.STOPPED})
RUNBOOK_UNDER_WAY: Final = frozenset({RunbookState.READY, RunbookState.RUNNING, RunbookState.STOPPED})
_ENDINGS: Final = (
    TargetState.VERIFIED,
    TargetState.RUNNING,
    TargetState.FAILED,
    TargetState.NOT_VERIFIED,
    TargetState.UNKNOWN,
    TargetState.REFUSED,
    TargetState.WAITING,
    TargetState.SKIPPED,
)


def state_pieces(state: TargetState) -> tuple[Piece, ...]:
    """A target's or step's sign and word."""
    sign, role = TARGET_SIGNS[state]
    return (Piece(f"{sign} ", role), Piece(TARGET_WORDS[state], role))


def counts_of(targets: Sequence[TargetRun], *, is_short: bool = False) -> tuple[Piece, ...]:
    """How many targets are in which state: what is not there is not told; in short, by signs and numbers only."""
    counts = Counter(target.state for target in targets)
    pieces: list[Piece] = []
    for state in _ENDINGS:
        if counts[state]:
            sign, role = TARGET_SIGNS[state]
            words = "  " if is_short else f" {TARGET_WORDS[state]}   "
            pieces += [Piece(f"{sign} {counts[state]}", role), Piece(words, "dim")]
    return tuple(pieces)


def rollout_pieces(rollout: Rollout) -> tuple[Piece, ...]:
    """A rollout's sign and word."""
    sign, role, word = ROLLOUT_SIGNS[rollout.state]
    return (Piece(f"{sign} {word}", role, is_bold=rollout.state is RolloutState.STOPPED),)


def runbook_pieces(run: RunbookRun) -> tuple[Piece, ...]:
    """A runbook's sign and word."""
    sign, role, word = RUNBOOK_SIGNS[run.state]
    return (Piece(f"{sign} {word}", role, is_bold=run.state is RunbookState.STOPPED),)


def took(begun_unix_s: float | None, ended_unix_s: float | None, now_unix_s: float) -> str:
    """How long something has taken so far, or took: 8 s, 2:07; "" before it began."""
    if begun_unix_s is None:
        return ""
    seconds = max(0, int((now_unix_s if ended_unix_s is None else ended_unix_s) - begun_unix_s))
    if seconds >= 3600:  # noqa: PLR2004 — an hour
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{seconds // 60}:{seconds % 60:02d}" if seconds >= 60 else f"{seconds} s"  # noqa: PLR2004 — a minute


def drained_words(drained: Drained) -> tuple[Piece, ...]:
    """How a host that was taken out of service stands: only what was asked is said."""
    if drained.is_empty is True:
        words = plain(drained.said, 200)
        return (Piece("● now safe to reset", "well", is_bold=True), Piece(f"   {words}" if words else "", "dim"))
    if drained.is_empty is False:
        return (Piece("▸ still in use", "warning"), Piece(f"   {plain(drained.said, 200)}", "text"))
    return (Piece(plain(drained.said, 200) or "not asked yet", "dim"),)


def activity_parts(activity: Activity, *, is_short: bool) -> tuple[tuple[Piece, ...], ...]:
    """What of it wants somebody, or should be in mind, the most urgent first; nothing where nothing does.

    Args:
        activity: what is being done.
        is_short: whether a key stands for what it shows.
    """
    way = (Piece(" "), Piece("D", "accent", is_bold=True), Piece("" if is_short else " shows", "dim"))
    parts: list[tuple[Piece, ...]] = []
    for rollout in activity.rollouts:
        if rollout.state in UNDER_WAY:
            sign, role, word = ROLLOUT_SIGNS[rollout.state]
            done = sum(target.state is TargetState.VERIFIED for target in rollout.targets)
            words = f"{sign} {word}: {plain(rollout.title, 60)}, {done} of {len(rollout.targets)} verified"
            parts.append((Piece(words, role, is_bold=rollout.state is RolloutState.STOPPED), *way))
    for run in activity.runbooks:
        if run.state in RUNBOOK_UNDER_WAY:
            sign, role, word = RUNBOOK_SIGNS[run.state]
            parts.append((Piece(f"{sign} {plain(run.name, 40)} on {plain(run.host, 60)}: {word}", role), *way))
    if broken := sum(not each.is_settled for each in activity.unfinished):
        words = f"▲ {broken} action{' was' if broken == 1 else 's were'} broken off"
        parts.append((Piece(words, "warning", is_bold=True), *way))
    if safe := [plain(each.host, 60) for each in activity.drained if each.is_empty is True]:
        names = safe[0] if len(safe) == 1 else f"{len(safe)} hosts"
        parts.append((Piece(f"● {names} drained by you, now safe to reset", "well"), *way))
    parts.sort(key=lambda part: _URGENT.get(part[0].role, len(_URGENT)))
    return tuple(parts)


_URGENT: Final = {"critical": 0, "warning": 1, "accent": 2}
