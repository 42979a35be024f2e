"""The actions as data: what each is called, what is at stake, what it runs, how it is verified and undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leptontui.model.action import ActionName, Danger


@dataclass(frozen=True, slots=True)
class Entry:
    """One action.

    Attributes:
        name: which.
        title: for people, with `{host}` and `{unit}`.
        danger: what is at stake at least; a plan may raise it.
        command: what is run, for people; the exact vector is in the plan.
        verified_by: what is asked afterwards, and what the answer must say; with `{node}` and `{unit}`.
        undone_by: how it is taken back, in words.
        needs_live_link: whether the host itself must be live and its values fresh.
        timeout_s: time limit of its command.
    """

    name: ActionName
    title: str
    danger: Danger
    command: str
    verified_by: str
    undone_by: str
    needs_live_link: bool
    timeout_s: float


CATALOGUE: Final[dict[ActionName, Entry]] = {
    entry.name: entry
    for entry in (
        Entry(
            ActionName.RESTART_UNIT,
            title="Restart {unit} on {host}",
            danger=Danger.DISRUPTIVE,
            command="systemctl restart UNIT on the host",
            verified_by="systemctl show {unit} → active and running, not the same invocation, and still so after 3 s",
            undone_by="cannot be undone: what the unit did at that moment is interrupted",
            needs_live_link=True,
            # systemd-system.conf(5): DefaultTimeoutStopSec 90 s, then DefaultTimeoutStartSec 90 s.
            timeout_s=190.0,
        ),
        Entry(
            ActionName.DRAIN,
            title="Drain {host} in Slurm",
            danger=Danger.DESTRUCTIVE,
            command="scontrol update nodename=NODE state=DRAIN reason=… on the controller",
            verified_by="scontrol show node {node} → State has DRAIN, and the reason is this one",
            undone_by="undone by undrain",
            needs_live_link=False,
            timeout_s=60.0,
        ),
        Entry(
            ActionName.UNDRAIN,
            title="Put {host} back into service in Slurm",
            danger=Danger.DISRUPTIVE,
            command="scontrol update nodename=NODE state=RESUME on the controller",
            verified_by="scontrol show node {node} → State has no DRAIN",
            undone_by="undone by drain; jobs that start meanwhile go on",
            needs_live_link=False,
            timeout_s=60.0,
        ),
    )
}
