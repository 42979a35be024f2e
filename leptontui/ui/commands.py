"""The one registry of what keys do: bindings, footer, help and command palette are all made from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from textual.binding import Binding

from leptontui.ui.action_commands import DOING_COMMANDS, FLEET_ACTIONS, HOST_ACTIONS
from leptontui.ui.alert_commands import ALERT_COMMANDS
from leptontui.ui.command import Command, Scope

__all__ = ["COMMANDS", "PANELS", "Command", "Powers", "Scope", "bindings_of", "commands_of"]


@dataclass(frozen=True, slots=True)
class Powers:
    """What can be done from a screen, by the ports it has: keys that need more do not exist.

    Attributes:
        acts: there is a command port.
        lets_in: there is an access port.
        tends: there is an alert port.
    """

    acts: bool = False
    lets_in: bool = False
    tends: bool = False

    def allow(self, command: Command) -> bool:
        """Whether a command needs nothing that is not there."""
        return (
            (self.acts or not command.acts)
            and (self.lets_in or not command.lets_in)
            and (self.tends or not command.tends)
        )


PANELS: Final = ("overview", "processes", "storage", "network", "services", "events")
"""The host screen's panels in the order of their keys, from 1."""

COMMANDS: tuple[Command, ...] = (
    Command("open_host", "enter", "host", "Open the host under the cursor.", Scope.FLEET),
    Command("open_triage", "t", "triage", "Show the alerts: what is wrong, what will be, what changed.", Scope.FLEET),
    Command("filter", "slash", "filter", "Filter the rows as you type.", Scope.FLEET),
    *FLEET_ACTIONS,
    Command("sort_next", "s", "sort", "Sort by the next column; S goes back.", Scope.FLEET),
    Command("sort_previous", "S", "sort back", "Sort by the previous column.", Scope.FLEET, in_footer=False),
    Command("sort_reverse", "R", "reverse", "Turn the sort order round.", Scope.FLEET, in_footer=False),
    Command("toggle_rows", "g", "gpus/hosts", "One row per GPU, or one per host.", Scope.FLEET),
    Command("open_jobs", "j", "jobs", "Show the jobs, each with its GPUs on all hosts.", Scope.FLEET),
    Command("open_events", "e", "events", "Show what hosts reported: Xids, OOM kills, silent disks.", Scope.FLEET),
    Command("open_keys", "K", "host keys", "Review host keys that nobody vouched for yet.", Scope.FLEET, lets_in=True),
    Command("inspect", "i", "inspect", "Show all that is known of the GPU under the cursor.", Scope.FLEET),
    Command("inspect", "i", "inspect", "Show all that is known of the chosen GPU.", Scope.HOST),
    Command("panel_next", "tab", "panel", "Show the next panel; shift+tab goes back.", Scope.HOST),
    Command("panel_previous", "shift+tab", "panel back", "Show the previous panel.", Scope.HOST, in_footer=False),
    *(
        Command(f"panel({number})", str(number + 1), name, f"Show the panel {name}.", Scope.HOST, in_footer=False)
        for number, name in enumerate(PANELS)
    ),
    Command("metric_next", "m", "metric", "Chart the next metric; M goes back.", Scope.HOST),
    Command("metric_previous", "M", "metric back", "Chart the previous metric.", Scope.HOST, in_footer=False),
    Command("gpu_next", "right,l", "next gpu", "Chart the next GPU.", Scope.HOST, in_footer=False),
    Command("gpu_previous", "left,h", "previous gpu", "Chart the previous GPU.", Scope.HOST, in_footer=False),
    Command("leave", "escape,q", "back", "Go back to the fleet.", Scope.HOST),
    Command("leave", "q", "quit", "Leave, unless an action is running.", Scope.FLEET),
    *HOST_ACTIONS,
    Command("gpu_next", "right,l", "next gpu", "Inspect the next GPU.", Scope.INSPECT),
    Command("gpu_previous", "left,h", "previous gpu", "Inspect the previous GPU.", Scope.INSPECT),
    Command("leave", "escape,q,i", "back", "Go back.", Scope.INSPECT),
    Command("show_gpus", "enter", "its GPUs", "Filter the fleet to the GPUs of this job.", Scope.JOBS),
    Command("sort_next", "s", "sort", "Sort by the next column; S goes back.", Scope.JOBS),
    Command("sort_previous", "S", "sort back", "Sort by the previous column.", Scope.JOBS, in_footer=False),
    Command("leave", "escape,q,j", "back", "Go back to the fleet.", Scope.JOBS),
    Command("open_host", "enter", "host", "Open the host of this event.", Scope.EVENTS),
    Command("filter", "slash", "filter", "Filter the events as you type.", Scope.EVENTS),
    Command("filter_host", "h", "this host", "Show the events of the chosen host only; again: all.", Scope.EVENTS),
    Command("leave", "escape,q,e", "back", "Show all events again; then go back to the fleet.", Scope.EVENTS),
    Command(
        "accept", "enter", "accept", "Accept what is marked, else the key under the cursor; asks first.", Scope.KEYS
    ),
    Command("mark", "space", "mark", "Mark the key under the cursor, or unmark it.", Scope.KEYS),
    Command("mark_group", "g", "mark group", "Mark all keys of the group, or unmark them.", Scope.KEYS),
    Command("leave", "escape,q,K", "back", "Go back to the fleet.", Scope.KEYS),
    *ALERT_COMMANDS,
    *DOING_COMMANDS,
    Command("filter", "slash", "search", "Search keys, signs, filters and metrics.", Scope.HELP),
    Command("leave", "escape,q,question_mark,f1", "back", "Show everything again; then go back.", Scope.HELP),
    Command(
        "open_activity",
        "D",
        "activity",
        "Show what is being done, what was broken off, and which hosts you have out of service.",
        Scope.EVERYWHERE,
        acts=True,
    ),
    Command(
        "toggle_armed",
        "A",
        "arm",
        "Allow actions until nothing was done for a while, or go back to read-only.",
        Scope.EVERYWHERE,
        acts=True,
    ),
    Command("answer", "a", "answer", "Answer what a login asks for.", Scope.EVERYWHERE, lets_in=True),
    Command("toggle_freeze", "f", "freeze", "Hold the picture still; data go on arriving.", Scope.EVERYWHERE),
    Command("redial", "ctrl+r", "redial", "Dial the host under the cursor now.", Scope.EVERYWHERE, in_footer=False),
    Command("next_theme", "T", "theme", "Change to the next theme.", Scope.EVERYWHERE, in_footer=False),
    Command("command_palette", "colon,ctrl+p", "command", "Find any command by name.", Scope.EVERYWHERE),
    Command("help", "question_mark,f1", "help", "Show what the keys and signs mean.", Scope.EVERYWHERE),
    Command("quit", "ctrl+q", "quit", "Leave at once.", Scope.EVERYWHERE, in_footer=False),
)


def commands_of(scope: Scope, powers: Powers) -> Iterator[Command]:
    """The commands of one scope that these powers allow, in the registry's order."""
    return (command for command in COMMANDS if command.scope is scope and powers.allow(command))


def bindings_of(scope: Scope, powers: Powers) -> list[Binding]:
    """Textual bindings for one scope; see `commands_of`."""
    return [
        # What starts typing takes effect before the next key is handed on: over a slow line keys come in bursts, and
        # the letters of a filter must not be taken for commands.
        Binding(
            command.keys,
            command.action,
            command.title,
            show=command.in_footer,
            priority=command.action == "filter",
        )
        for command in commands_of(scope, powers)
    ]
