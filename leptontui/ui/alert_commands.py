"""The part of the registry that is about alerts: triage, detail, silences, history, report."""

from __future__ import annotations

from typing import Final

from leptontui.ui.command import Command, Scope

_HISTORY: Final = "Search what happened to alerts, newest first."
_SILENCE: Final = "Tell nobody of these for a while; asks for what, how long and why."

ALERT_COMMANDS: Final = (
    Command(
        "open", "enter", "detail", "Open the alert, or show a group's members; of a change, its host.", Scope.TRIAGE
    ),
    Command("unfold", "right,l", "members", "Show a group's members.", Scope.TRIAGE, in_footer=False),
    Command("fold", "left", "fold", "Hide a group's members.", Scope.TRIAGE, in_footer=False),
    Command(
        "acknowledge", "a", "acknowledge", "Say that you look after it, until it clears.", Scope.TRIAGE, tends=True
    ),
    Command("unacknowledge", "u", "take back", "Take an acknowledgement back.", Scope.TRIAGE, tends=True),
    Command("silence", "s", "silence", _SILENCE, Scope.TRIAGE, tends=True),
    Command(
        "plan",
        "p",
        "plan",
        "Open the plan of the suggested action, on the hosts of all marked alerts if some are.",
        Scope.TRIAGE,
        acts=True,
    ),
    Command("open_host", "h", "host", "Open its host.", Scope.TRIAGE),
    Command("filter", "slash", "filter", "Filter the alerts as you type.", Scope.TRIAGE),
    Command(
        "mark", "space", "mark", "Mark it, so that a, u, s and p act on all that are marked.", Scope.TRIAGE, tends=True
    ),
    Command("open_history", "H", "history", _HISTORY, Scope.TRIAGE, tends=True),
    Command("open_report", "r", "report", "Show the shift's report, to copy or keep.", Scope.TRIAGE, tends=True),
    Command("open_silences", "S", "silences", "Show the silences, and end them.", Scope.TRIAGE, tends=True),
    Command("leave", "escape,q,t", "back", "Show everything again; then go back to the fleet.", Scope.TRIAGE),
    Command("acknowledge", "a", "acknowledge", "Say that you look after it, until it clears.", Scope.ALERT, tends=True),
    Command("unacknowledge", "u", "take back", "Take the acknowledgement back.", Scope.ALERT, tends=True),
    Command("silence", "s", "silence", _SILENCE, Scope.ALERT, tends=True),
    Command("plan", "p", "plan", "Open the plan of the suggested action.", Scope.ALERT, acts=True),
    Command("open_host", "enter,h", "host", "Open its host.", Scope.ALERT),
    Command("open_history", "H", "history", _HISTORY, Scope.ALERT, tends=True),
    Command("leave", "escape,q", "back", "Go back.", Scope.ALERT),
    Command("unsilence", "x", "end", "End the chosen silence now; asks first.", Scope.SILENCES, tends=True),
    Command("leave", "escape,q,S", "back", "Go back.", Scope.SILENCES),
    Command("open", "enter", "detail", "Open the alert.", Scope.HISTORY),
    Command("filter", "slash", "search", "Search rules, summaries, labels, names and reasons.", Scope.HISTORY),
    Command("leave", "escape,q,H", "back", "Show everything again; then go back.", Scope.HISTORY),
    Command("copy", "c", "copy", "Copy the report to the clipboard, through the terminal.", Scope.REPORT),
    Command("write", "w", "write", "Write the report to a new file in the current directory.", Scope.REPORT),
    Command("span_next", "s", "span", "Report on the last 8, 12, 24 hours, or week.", Scope.REPORT),
    Command("leave", "escape,q,r", "back", "Go back.", Scope.REPORT),
)
"""Merged into `leptontui.ui.commands.COMMANDS`."""
