"""Arguments of `leptontui report` and `leptontui alerts`; everything heavy is imported when one is run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from leptontui.cli_parts import Parsers, add_group
from leptontui.cli_rules import add_replay_command

MOST_LINES: Final = 20_000
_EXAMPLES: Final = """\
examples:
  leptontui alerts list                               what fires now
  leptontui alerts history --since 2d gpu-017 xid     what happened there, newest last
  leptontui alerts replay week.parquet --rules my.toml
"""


def add_alert_commands(commands: Parsers) -> None:
    """Add the parsers of `leptontui report` and `leptontui alerts`.

    Args:
        commands: the program's subparsers.
    """
    alert_commands = add_group(commands, "alerts", "what rules told, or would have told", _EXAMPLES)
    add_replay_command(alert_commands)
    _add_list(alert_commands)
    _add_history(alert_commands)
    _add_report(commands)


def _add_report(commands: Parsers) -> None:
    report = commands.add_parser(
        "report",
        help="the shift's alerts as Markdown or JSON",
        description="What fired and was acknowledged, how soon, what came and went, and how noisy each rule was.",
    )
    report.add_argument("--since", metavar="SPAN", default="12h", help="how long the shift was (default 12h)")
    report.add_argument("--json", action="store_true", help="one JSON document instead of Markdown")
    report.add_argument("--out", metavar="FILE", type=Path, help="write it into a file")
    _add_fleet(report)
    report.set_defaults(run=_report)


def _add_list(commands: Parsers) -> None:
    listed = commands.add_parser("list", help="what fires, as it was last written down")
    listed.add_argument("--json", action="store_true", help="one JSON document instead of lines")
    _add_fleet(listed)
    listed.set_defaults(run=_list)


def _add_history(commands: Parsers) -> None:
    history = commands.add_parser("history", help="what happened to alerts")
    history.add_argument("words", metavar="WORD", nargs="*", help="all must be in rule, summary, labels, who or why")
    history.add_argument("--since", metavar="SPAN", default="7d", help="from how long ago on (default 7d)")
    history.add_argument("--limit", metavar="N", type=_lines, default=500, help="the newest so many (default 500)")
    history.add_argument("--json", action="store_true", help="one JSON document instead of lines")
    _add_fleet(history)
    history.set_defaults(run=_history)


def _add_fleet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fleet", metavar="PART", help="a part of the fleet's name, if alerts of several are kept")


def _report(arguments: argparse.Namespace) -> int:
    from leptontui.wiring.report import report

    return report(since=arguments.since, fleet=arguments.fleet, out=arguments.out, as_json=arguments.json)


def _list(arguments: argparse.Namespace) -> int:
    from leptontui.wiring.report import list_alerts

    return list_alerts(fleet=arguments.fleet, as_json=arguments.json)


def _history(arguments: argparse.Namespace) -> int:
    from leptontui.wiring.report import print_history

    return print_history(
        tuple(arguments.words),
        since=arguments.since,
        fleet=arguments.fleet,
        limit=arguments.limit,
        as_json=arguments.json,
    )


def _lines(text: str) -> int:
    try:
        count = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number") from None
    if not 1 <= count <= MOST_LINES:
        raise argparse.ArgumentTypeError(f"{text}: must be between 1 and {MOST_LINES}")
    return count
