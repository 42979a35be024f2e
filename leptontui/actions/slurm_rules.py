"""What is done with a Slurm node only if nobody else has a hand on it, as pure rules."""

from __future__ import annotations

from leptontui.actions.guard import Objection
from leptontui.actions.names import is_reason_of
from leptontui.actions.slurm import NodeRecord
from leptontui.model.text import plain


def who_gave(node: NodeRecord) -> str:
    """A node's reason with who set it and when, for people."""
    by = f" [{node.reason_by} {node.reason_since}]" if node.reason_by else ""
    return f"{plain(node.reason, 200) or 'no reason given'}{by}"


def drain_allowed(node: NodeRecord, user: str) -> Objection | None:
    """Nobody else's drain or reason is overwritten. Slurm itself would do it without a word."""
    is_ours = is_reason_of(user, node.reason)
    if node.is_draining and not is_ours:
        return Objection("already-drained", f"{node.name} already drains: {who_gave(node)}", "ask whoever did it")
    if node.has_reason_of_a_human and not is_ours:
        return Objection(
            "somebody-elses-reason",
            f"{node.name} is {node.state} and has a reason: {who_gave(node)}",
            "a drain would overwrite it: ask whoever gave it",
        )
    return None


def undrain_allowed(node: NodeRecord, planned: NodeRecord, how: str) -> Objection | None:
    """Only a node that is out is put back, and only for the reason that was shown.

    Args:
        node: as it is now.
        planned: as it was when the plan was made.
        how: "resume" also takes back a DOWN, "undrain" does not.
    """
    if node.is_rebooting:
        return Objection("rebooting", f"{node.name} is rebooting: {node.state}", "wait until it is back")
    if node.is_unheard:  # Slurm 22.05 calls RESUME an "Invalid node state" then, and takes the drain back all the same
        return Objection(
            "not-registered", f"{node.name} is {node.state}: slurmctld has not heard of it yet", "try it in a moment"
        )
    if not (node.is_draining or node.is_reboot_asked or (node.is_down and how == "resume")):
        return Objection("not-drained", f"{node.name} is not drained, it is {node.state}")
    if (node.reason, node.reason_since) != (planned.reason, planned.reason_since):
        return Objection(
            "changed-since", f"{node.name} was drained anew since the plan: {who_gave(node)}", "plan it again"
        )
    return None


def reboot_allowed(node: NodeRecord, user: str) -> Objection | None:
    """Slurm reboots what nobody reboots already, and takes back no reason that is somebody else's.

    A node that drains is rebooted without nextstate: it drains on for the same reason, whoever gave it.
    """
    if node.is_reboot_asked or node.is_rebooting:
        return Objection(
            "rebooting",
            f"{node.name} is being rebooted already: {node.state}, {who_gave(node)}",
            "wait until it is back",
        )
    if node.is_draining:
        return None
    return drain_allowed(node, user)
