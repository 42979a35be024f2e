"""What a drain would do to the pods of a node, told before it is done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from leptontui.actions.guard import Objection
from leptontui.actions.kube_budgets import Holding
from leptontui.actions.kube_objects import Pod
from leptontui.actions.kube_pods import Choices, Fate, at_work, fate_of, keeps_empty_dir, told
from leptontui.actions.kubectl import Kubectl, last_words
from leptontui.errors import ActionError
from leptontui.model.text import plain

_SHOWN_PODS: Final = 20
_SHOWN_NAMES: Final = 5
_SHOWN_COMPLAINTS: Final = 5
_DRY_RUN_S: Final = 2
"""Seconds for a drain that changes nothing. kubectl tries a refused eviction again after 5 s, which is not waited for;
past budgets (--disable-eviction) it even waits until what it did not delete is gone (kubectl 1.32)."""


def pods_allow(pods: Sequence[Pod], choices: Choices) -> Objection | None:
    """Why kubectl would not even begin to drain: what it wants to be told that may be lost."""
    keeping = [pod for pod in pods if keeps_empty_dir(pod)]
    if keeping and not choices.deletes_empty_dir:
        return Objection(
            "emptydir-kept",
            f"{_count(keeping)} something in emptyDir, which a drain deletes: {_names(keeping)}",
            "choose emptydir = delete if it may be lost",
        )
    unmanaged = [pod for pod in pods if fate_of(pod) is Fate.ENDS]
    if unmanaged and not choices.forces:
        return Objection(
            "unmanaged-pods",
            f"nothing would make {_names(unmanaged)} again after a drain",
            "end them yourself, or choose force = yes",
        )
    return None


def pod_lines(
    pods: Sequence[Pod], held: Sequence[Holding], now_unix_s: float, choices: Choices | None
) -> tuple[str, ...]:
    """The pods that are at work there, those that budgets hold first, with what becomes of each.

    Args:
        pods: all pods of the node.
        held: what budgets hold of them.
        now_unix_s: unix seconds.
        choices: what the user allowed; None if no pod is touched.
    """
    holding = {name: found.name for found in held for name in found.held}
    there = sorted(at_work(pods), key=lambda pod: str(pod) not in holding)
    lines = []
    for pod in there[:_SHOWN_PODS]:
        budget = holding.get(str(pod), "") if choices is None or not choices.bypasses else ""
        lines.append(f"{told(pod, now_unix_s)}: {_becomes(pod, budget, choices)}")
    if len(there) > _SHOWN_PODS:
        lines.append(f"… and {len(there) - _SHOWN_PODS} more pods")
    return tuple(lines)


def _becomes(pod: Pod, budget: str, choices: Choices | None) -> str:
    if choices is None:
        return "goes on"
    if budget:
        return f"HELD by budget {budget}"
    how = "is deleted past its budgets" if choices.bypasses else "is evicted"
    owner = pod.metadata.controller
    if owner is not None and owner.kind.endswith("Job"):
        how += ", and loses what it has not saved"
    if fate_of(pod) is Fate.ENDS:
        how = "ends for good" if choices.forces else "HELD: nothing would make it again"
    elif keeps_empty_dir(pod) and not choices.deletes_empty_dir:
        how = "HELD: keeps something in emptyDir"
    return f"{how}, and its emptyDir with it" if keeps_empty_dir(pod) and choices.deletes_empty_dir else how


def staying(pods: Sequence[Pod]) -> tuple[str, ...]:
    """What a drain leaves there."""
    daemons = sum(fate_of(pod) is Fate.DAEMON for pod in pods)
    static = sum(fate_of(pod) is Fate.MIRROR for pod in pods)
    if not daemons and not static:
        return ()
    counts = ((daemons, "of DaemonSets"), (static, "of the node itself"))
    named = " and ".join(f"{count} {'pod' if count == 1 else 'pods'} {what}" for count, what in counts if count)
    return (f"what stays there: {named}",)


async def dry_run(kubectl: Kubectl, node: str, choices: Choices) -> list[str]:
    """What the API server says to a drain that changes nothing; empty where it would do it all.

    Each eviction is judged by itself: it does not show that of two pods of one budget only the first may go.

    Raises:
        LinkError: the link broke.
        CommandTimeout: no answer in time.
    """
    try:
        done = await kubectl.run("drain", node, *choices.flags, "--dry-run=server", f"--timeout={_DRY_RUN_S}s")
    except ActionError as error:
        return [f"a dry run was not possible: {error.cause}"]
    if done.exit_status == 0:
        return []
    lines = (plain(line, 240) for line in done.stderr[: 64 * 1024].split("\n"))
    is_over = re.compile(r"timeout|deadline exceeded")
    said = dict.fromkeys(line.removeprefix("error: ") for line in lines if "rror" in line and not is_over.search(line))
    if not said and choices.bypasses and is_over.search(done.stderr):
        return []
    shown = list(said)[:_SHOWN_COMPLAINTS] or [last_words(done)]
    return [f"dry run: {line}" for line in shown]


def _names(pods: Sequence[Pod]) -> str:
    shown = ", ".join(plain(str(pod), 120) for pod in pods[:_SHOWN_NAMES])
    return shown if len(pods) <= _SHOWN_NAMES else f"{shown} and {len(pods) - _SHOWN_NAMES} more"


def _count(pods: Sequence[Pod]) -> str:
    return "1 pod keeps" if len(pods) == 1 else f"{len(pods)} pods keep"
