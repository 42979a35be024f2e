"""Arguments of `leptontui rules` and `leptontui alerts replay`; everything heavy is imported when one is run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from leptontui.cli_parts import Parsers, add_group, add_recording

_EXAMPLES: Final = """\
examples:
  leptontui rules list                                what is shipped, and what you changed
  leptontui rules check                               every mistake in ~/.config/leptontui/rules.toml, with its line
  leptontui rules test scenarios.toml --rules my.toml
"""


def add_rules_commands(commands: Parsers) -> None:
    """Add the parsers of `leptontui rules`.

    Args:
        commands: the program's subparsers.
    """
    rules_commands = add_group(
        commands, "rules", "what is alerted on: check your rules, list them, test them", _EXAMPLES
    )
    check = rules_commands.add_parser("check", help="tell everything that is wrong with a rules file")
    check.add_argument("file", metavar="FILE.toml", nargs="?", type=Path, help="else ~/.config/leptontui/rules.toml")
    check.add_argument("--json", action="store_true", help="one JSON document instead of lines")
    check.set_defaults(run=_check)
    listed = rules_commands.add_parser("list", help="all rules that are in force")
    listed.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    listed.set_defaults(run=_list)
    test = rules_commands.add_parser("test", help="run scenario files: series in, expected alerts out")
    test.add_argument("files", metavar="FILE.toml", nargs="+", type=Path, help="scenario files")
    test.add_argument("--rules", metavar="FILE.toml", type=Path, help="else ~/.config/leptontui/rules.toml")
    test.add_argument("--json", action="store_true", help="one JSON document instead of lines")
    test.set_defaults(run=_test)


def add_replay_command(commands: Parsers) -> None:
    """Add the parser of `leptontui alerts replay`.

    Args:
        commands: the subparsers of `leptontui alerts`.
    """
    replay = commands.add_parser(
        "replay",
        help="run rules over recorded series",
        description="Evaluate rules step by step over recorded series, with forecasts that know the past only, and "
        "print everything that happens to alerts.",
    )
    add_recording(replay)
    replay.add_argument("--rules", metavar="FILE.toml", type=Path, required=True, help="the rules")
    replay.add_argument(
        "--every",
        metavar="STEPS",
        type=int,
        default=10,
        help="forecast what is far from every threshold at every so many steps (default 10)",
    )
    replay.add_argument("--json", action="store_true", help="one JSON document instead of lines")
    replay.set_defaults(run=_replay)


def _check(arguments: argparse.Namespace) -> int:
    from leptontui.wiring.rules import check_rules

    return check_rules(arguments.file, as_json=arguments.json)


def _list(arguments: argparse.Namespace) -> int:
    from leptontui.wiring.rules import list_rules

    return list_rules(as_json=arguments.json)


def _test(arguments: argparse.Namespace) -> int:
    from leptontui.wiring.rules import run_scenarios

    return run_scenarios(arguments.files, rules=arguments.rules, as_json=arguments.json)


def _replay(arguments: argparse.Namespace) -> int:
    from leptontui.wiring.replay import replay

    return replay(arguments.recording, rules_file=arguments.rules, every=arguments.every, as_json=arguments.json)
