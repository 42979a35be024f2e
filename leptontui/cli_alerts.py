"""Arguments of `leptontui alerts`; everything heavy is imported when one is run."""

from __future__ import annotations

import argparse
from typing import Any

from leptontui.cli_rules import add_replay_command


def add_alert_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the parsers of `leptontui alerts`.

    Args:
        commands: the program's subparsers.
    """
    alerts = commands.add_parser("alerts", help="what rules told, or would have told")
    alert_commands = alerts.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_replay_command(alert_commands)
