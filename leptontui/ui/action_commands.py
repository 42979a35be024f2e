"""The part of the registry that is about actions: marks, the menu, what is being done."""

from __future__ import annotations

from typing import Final

from leptontui.ui.command import Command, Scope

_MENU: Final = "Show all that can be done to {where}, runbooks too; runs nothing yet."
_HERE: Final = "this host"

FLEET_ACTIONS: Final = (
    Command(
        "open_actions",
        "x",
        "actions",
        _MENU.format(where="the host under the cursor, or to those marked"),
        Scope.FLEET,
        acts=True,
    ),
    Command(
        "mark", "space", "mark", "Mark the host, so that d, u, r and x act on all that are.", Scope.FLEET, acts=True
    ),
    Command("drain", "d", "drain", "Drain the host, or all that are marked.", Scope.FLEET, acts=True),
    Command(
        "restart", "r", "restart", "Restart a unit of the host, or of all that are marked.", Scope.FLEET, acts=True
    ),
    Command("undrain", "u", "undrain", "Give the host back to its scheduler.", Scope.FLEET, acts=True, in_footer=False),
    Command(
        "mark_all",
        "asterisk",
        "mark all",
        "Mark every host that the filter leaves, or unmark them.",
        Scope.FLEET,
        acts=True,
        in_footer=False,
    ),
)
HOST_ACTIONS: Final = (
    Command("drain", "d", "drain", "Drain this host.", Scope.HOST, acts=True),
    Command("undrain", "u", "undrain", "Give this host back to its scheduler.", Scope.HOST, acts=True),
    Command("restart", "r", "restart", "Restart a unit of this host.", Scope.HOST, acts=True),
    Command("open_actions", "x", "actions", _MENU.format(where=_HERE), Scope.HOST, acts=True),
    Command("open_actions", "x", "actions", _MENU.format(where="this GPU and its host"), Scope.INSPECT, acts=True),
)
DOING_COMMANDS: Final = (
    Command("open", "enter", "open", "Show the rollout or runbook.", Scope.ACTIVITY),
    Command(
        "undrain", "u", "undrain", "Plan to give the chosen host back to its scheduler.", Scope.ACTIVITY, acts=True
    ),
    Command("open_actions", "x", "actions", _MENU.format(where="the chosen host"), Scope.ACTIVITY, acts=True),
    Command("look_again", "l", "look again", "Ask the hosts now how they stand.", Scope.ACTIVITY),
    Command("leave", "escape,q,D", "back", "Go back.", Scope.ACTIVITY),
    Command(
        "pause", "p", "pause", "Begin no other host; what was begun is brought to its end.", Scope.ROLLOUT, acts=True
    ),
    Command(
        "resume", "r", "resume", "Go on with the hosts that wait; what failed is not retried.", Scope.ROLLOUT, acts=True
    ),
    Command("abandon", "a", "abandon", "Leave the hosts that wait alone; asks first.", Scope.ROLLOUT, acts=True),
    Command("leave", "escape,q", "back", "Go back; the rollout goes on.", Scope.ROLLOUT),
    Command(
        "run_next",
        "enter",
        "next step",
        "Show the plan of the next step; checks and waits are begun.",
        Scope.RUNBOOK,
        acts=True,
    ),
    Command("skip", "s", "skip", "Leave the next step out; asks first.", Scope.RUNBOOK, acts=True),
    Command("abandon", "a", "abandon", "Give the runbook up; asks first.", Scope.RUNBOOK, acts=True),
    Command("leave", "escape,q", "back", "Go back; it can be gone on with.", Scope.RUNBOOK),
)
"""All merged into `leptontui.ui.commands.COMMANDS`."""
