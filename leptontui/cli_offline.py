"""Arguments of the commands that work on files instead of hosts; everything heavy is imported when one is run.

To add a command: its parser in a function that `add_offline_commands` calls, with `set_defaults(run=FUNCTION)`, a
function of the parsed arguments that returns the exit code.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from leptontui.cli_alerts import add_alert_commands
from leptontui.cli_audit import add_audit_commands
from leptontui.cli_files import check_recording
from leptontui.cli_parts import Parsers, add_group, add_recording
from leptontui.cli_rules import add_rules_commands


def add_offline_commands(commands: Parsers) -> None:
    """Add the parsers.

    Args:
        commands: the program's subparsers.
    """
    _add_anomalies(commands)
    _add_backtest(commands)
    _add_notify(commands)
    add_rules_commands(commands)
    add_alert_commands(commands)
    add_audit_commands(commands)


def is_offline(arguments: argparse.Namespace) -> bool:
    """Whether one of these commands is asked for."""
    return "run" in arguments


def run_offline(arguments: argparse.Namespace) -> int:
    """Run one of these commands.

    Args:
        arguments: parsed by one of the parsers added here.

    Returns:
        The exit code.

    Raises:
        LeptonError: a file or an option is wrong.
    """
    if "recording" in arguments:
        check_recording(arguments.recording)
    code: int = arguments.run(arguments)
    return code


def _add_anomalies(commands: Parsers) -> None:
    parser = commands.add_parser(
        "anomalies",
        help="what is odd in recorded series, by their own past",
        description="Judge each value of recorded series by what came before it, as it is done live. A score is -log10 "
        "of how often a day the series alone, while all is well, looks as odd: 0 once a day, 1 once in ten days.",
    )
    add_recording(parser)
    parser.add_argument(
        "--rate",
        metavar="ALARMS_PER_SERIES_DAY",
        default="0.1",
        help="false alarms allowed for each series a day (default 0.1: one in ten days)",
    )
    parser.add_argument("--metric", metavar="NAME", help="only this metric")
    parser.add_argument(
        "--json", action="store_true", help="one JSON document with every score, alarm and group instead of a table"
    )
    parser.set_defaults(run=_anomalies)


def _add_backtest(commands: Parsers) -> None:
    parser = commands.add_parser(
        "backtest",
        help="how good the forecasts would have been on recorded series",
        description="Forecast recorded series again and again as it is done live, and hold it against what came.",
    )
    add_recording(parser)
    parser.add_argument("--horizons", metavar="STEPS", default="1,5,15,60", help="steps ahead (default 1,5,15,60)")
    parser.add_argument("--levels", metavar="PERCENT", default="80,95", help="bands to calibrate (default 80,95)")
    parser.add_argument("--metric", metavar="NAME", help="only this metric")
    parser.add_argument("--out", metavar="FORECASTS.parquet", type=Path, help="write every forecast that was made")
    parser.add_argument(
        "--origins",
        metavar="N",
        default="60",
        help="forecasts for each series, evenly spaced (default 60; 0: at every step)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    parser.add_argument("--heavy", action="store_true", help="fit the costly models too, as for what is on screen")
    parser.set_defaults(run=_backtest)


def _add_notify(commands: Parsers) -> None:
    notify_commands = add_group(commands, "notify", "look after who is told of alerts")
    check = notify_commands.add_parser("check", help="tell every problem of the notifiers' file")
    check.add_argument("file", metavar="FILE.toml", nargs="?", type=Path, help="else ~/.config/leptontui/notify.toml")
    check.add_argument("--json", action="store_true", help="one JSON document instead of lines")
    check.set_defaults(run=_check_notifiers)
    test = notify_commands.add_parser("test", help="send one test message and say what became of it")
    test.add_argument("name", metavar="NAME", help="the notifier's name")
    test.add_argument("-f", "--file", metavar="FILE.toml", type=Path, help="else ~/.config/leptontui/notify.toml")
    test.set_defaults(run=_try_notifier)


def _anomalies(arguments: argparse.Namespace) -> int:
    from leptontui.wiring.anomalies import print_anomalies

    return print_anomalies(arguments.recording, rate=arguments.rate, metric=arguments.metric, as_json=arguments.json)


def _backtest(arguments: argparse.Namespace) -> int:
    from leptontui.wiring.backtest import backtest

    return backtest(
        arguments.recording,
        horizons=arguments.horizons,
        levels=arguments.levels,
        metric=arguments.metric,
        out=arguments.out,
        origins=arguments.origins,
        is_heavy=arguments.heavy,
        as_json=arguments.json,
    )


def _check_notifiers(arguments: argparse.Namespace) -> int:
    from leptontui.wiring.notify import check_notifiers

    return check_notifiers(arguments.file, as_json=arguments.json)


def _try_notifier(arguments: argparse.Namespace) -> int:
    from leptontui.wiring.notify import try_notifier

    return try_notifier(arguments.name, arguments.file)
