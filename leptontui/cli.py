"""The command line: arguments only; everything heavy is imported when a command needs it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from leptontui import __version__
from leptontui.errors import ConfigError, LeptonError
from leptontui.model.target import Fleet

SHORTEST_S, LONGEST_S = 0.2, 3600.0
"""Bounds of an interval or a time limit on the command line."""
MOST_SIMULATED = 2000
"""Most simulated hosts, or GPUs in one."""
EXIT_UNKNOWN = 3
"""Exit code when somebody could not be reached, or the command line or configuration is wrong."""

_CHOOSING = "Without -H or --inventory this machine itself is watched."
_EXAMPLES = """\
examples:
  leptontui demo                              a simulated fleet with incidents, to try it out
  leptontui -H 'gpu[001-064],login1'          hosts by name; ~/.ssh/config says how to reach them
  leptontui --inventory fleet.toml            groups, users, jump hosts, Slurm controllers
  leptontui check --json -H 'gpu[001-064]'    for scripts: exit code 0 well, 1 warning, 2 critical, 3 unknown
"""


class _Parser(argparse.ArgumentParser):
    """Exits with 3 rather than 2 on a wrong command line: 2 means that something is critical."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(EXIT_UNKNOWN, f"{self.prog}: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments without the program's name; None means the process's own.

    Returns:
        The exit code.
    """
    arguments = _parser().parse_args(argv)
    try:
        return _run(arguments)
    except ConfigError as error:
        for problem in error.problems:
            print(f"leptontui: {problem}", file=sys.stderr)
        if error.mend:
            print(f"leptontui: {error.mend}", file=sys.stderr)
        return EXIT_UNKNOWN
    except LeptonError as error:
        print(f"leptontui: {error}", file=sys.stderr)
        return EXIT_UNKNOWN
    except KeyboardInterrupt:
        return 130


def _run(arguments: argparse.Namespace) -> int:
    match arguments.command:
        case "demo" if arguments.serve_only:
            from leptontui.demo.serve import serve

            serve(hosts=arguments.demo_hosts, gpus=arguments.gpus)
            return 0
        case "demo":
            from leptontui.wiring.demo import show_demo

            return show_demo(
                hosts=arguments.demo_hosts,
                gpus=arguments.gpus,
                theme=arguments.theme,
                can_act=not arguments.read_only,
            )
        case "check":
            from leptontui.wiring.headless import check

            return check(
                _chosen(arguments), interval_s=arguments.interval, timeout_s=arguments.timeout, as_json=arguments.json
            )
        case "watch":
            from leptontui.wiring.headless import watch

            return watch(_chosen(arguments), interval_s=arguments.interval)
        case _:
            from leptontui.wiring.screen import show

            is_wallboard = arguments.command == "wallboard"
            return show(
                _chosen(arguments),
                interval_s=arguments.interval,
                theme=arguments.theme,
                is_wallboard=is_wallboard,
                can_act=not is_wallboard and not arguments.read_only,
            )


def _chosen(arguments: argparse.Namespace) -> Fleet:
    from leptontui.config.choose import choose_fleet

    return choose_fleet(hosts=arguments.hosts, inventory=arguments.inventory)


def _choosing() -> _Parser:
    """Options that choose hosts. A new one for each parser: a parser's defaults are kept in its parents' actions."""
    choosing = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    choosing.add_argument(
        "-H", "--hosts", metavar="LIST", help="hosts in ClusterShell syntax, each may carry user@ and :port"
    )
    choosing.add_argument("-i", "--inventory", metavar="FILE.toml", type=Path, help="inventory with groups of hosts")
    choosing.add_argument("--interval", metavar="S", type=_interval, help="seconds between two sweeps (default 1)")
    return choosing


def _looking() -> _Parser:
    """Options of what has a screen."""
    looking = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    looking.add_argument("--theme", metavar="NAME", help="theme, e.g. lepton-light")
    looking.add_argument("--read-only", action="store_true", help="no action can be taken from this screen")
    return looking


def _parser() -> _Parser:
    parser = _Parser(
        prog="leptontui",
        description="Watch a fleet of GPU hosts over SSH, with nothing installed on them. " + _CHOOSING,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[_choosing(), _looking()],
    )
    parser.add_argument("--version", action="version", version=f"leptontui {__version__}")
    parser.set_defaults(command=None, hosts=None, inventory=None, interval=1.0, theme=None, read_only=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_commands(commands)
    return parser


def _add_commands(commands: argparse._SubParsersAction[_Parser]) -> None:
    demo = commands.add_parser("demo", parents=[_looking()], help="a simulated fleet with scripted incidents")
    demo.add_argument("--hosts", dest="demo_hosts", metavar="N", type=_count, default=24, help="hosts (default 24)")
    demo.add_argument("--gpus", metavar="N", type=_count, default=8, help="GPUs in each (default 8)")
    demo.add_argument("--serve-only", action="store_true", help="print an inventory's path and serve until interrupted")
    demo.set_defaults(command="demo")
    wallboard = commands.add_parser(
        "wallboard", parents=[_choosing(), _looking()], help="a read-only display for the wall"
    )
    wallboard.set_defaults(command="wallboard")
    check = commands.add_parser("check", parents=[_choosing()], help="take two sweeps, print, leave")
    check.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    check.add_argument(
        "--timeout", metavar="S", type=_interval, default=15.0, help="seconds to wait for hosts (default 15)"
    )
    check.set_defaults(command="check")
    watch = commands.add_parser("watch", parents=[_choosing()], help="one JSON document a line, each interval")
    watch.add_argument("--json", action="store_true", required=True, help="the only format there is")
    watch.set_defaults(command="watch")


def _interval(text: str) -> float:
    seconds = float(text)
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"{text}: must be between {SHORTEST_S:g} and {LONGEST_S:g} seconds")
    return seconds


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= MOST_SIMULATED:
        raise argparse.ArgumentTypeError(f"{text}: must be between 1 and {MOST_SIMULATED}")
    return count
