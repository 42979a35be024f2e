"""The command line: arguments only; everything heavy is imported when a command needs it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from leptontui import __version__
from leptontui.cli_offline import add_offline_commands, is_offline, run_offline
from leptontui.cli_watching import add_forecast_options, add_recording_option, watch_options
from leptontui.errors import ConfigError, LeptonError

if TYPE_CHECKING:
    from leptontui.inventory.book import Book

SHORTEST_S, LONGEST_S = 0.2, 3600.0
"""Bounds of an interval or a time limit on the command line."""
MOST_SIMULATED = 2000
"""Most simulated hosts, or GPUs in one."""
EXIT_UNKNOWN = 3
"""Exit code when somebody could not be reached, or the command line or configuration is wrong."""

_CHOOSING = (
    "Without -H, --inventory or --ssh-hosts the hosts of ~/.config/leptontui/fleet.toml are watched; "
    "without that file, this machine itself."
)
_EXAMPLES = """\
examples:
  leptontui demo                              a simulated fleet with incidents, to try it out
  leptontui -H 'gpu[001-064],login1'          hosts by name; ~/.ssh/config says how to reach them
  leptontui --inventory fleet.toml            groups, users, jump hosts; Slurm, Ansible, Kubernetes and other sources
  leptontui --ssh-hosts '*'                   every host that ~/.ssh/config names
  leptontui hosts --try -i fleet.toml         which hosts there are, how they are reached, and whether that works
  leptontui config check fleet.toml           every problem of an inventory, with its line
  leptontui rules list                        what is alerted on; your own rules: ~/.config/leptontui/rules.toml
  leptontui report --since 12h                the shift's alerts as Markdown
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
        return run_offline(arguments) if is_offline(arguments) else _run(arguments)
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
                options=watch_options(arguments, keeps_learned=False),
            )
        case "check":
            from leptontui.wiring.headless import check

            return check(
                _book(arguments),
                interval_s=arguments.interval,
                timeout_s=arguments.timeout,
                as_json=arguments.json,
                asks=arguments.ask_password,
            )
        case "watch":
            from leptontui.wiring.headless import watch

            return watch(
                _book(arguments),
                interval_s=arguments.interval,
                asks=arguments.ask_password,
                options=watch_options(arguments),
            )
        case "hosts" | "config check" | "metrics":
            return _tell(arguments)
        case _:
            from leptontui.wiring.screen import show

            is_wallboard = arguments.command == "wallboard"
            book = _book(arguments)
            return show(
                book.fleet(),
                book=book,
                interval_s=arguments.interval,
                theme=arguments.theme,
                is_wallboard=is_wallboard,
                can_act=not is_wallboard and not arguments.read_only,
                options=watch_options(arguments),
            )


def _tell(arguments: argparse.Namespace) -> int:
    """The commands that watch nothing."""
    match arguments.command:
        case "hosts":
            from leptontui.wiring.hosts import list_hosts

            return list_hosts(
                _book(arguments), is_tried=arguments.tries, as_json=arguments.json, asks=arguments.ask_password
            )
        case "config check":
            from leptontui.wiring.config_check import check_config

            return check_config(_inventory_file(arguments), as_json=arguments.json)
        case _:
            from leptontui.wiring.metrics import print_metrics

            return print_metrics(as_json=arguments.json)


def _book(arguments: argparse.Namespace) -> Book:
    from leptontui.config.choose import Choice, default_inventory
    from leptontui.inventory.book import Book

    inventory: Path | None = arguments.inventory
    if inventory is None and arguments.hosts is None and arguments.ssh_hosts is None:
        inventory = default_inventory()
    if arguments.ssh_hosts is not None and (inventory is not None or arguments.hosts is not None):
        raise ConfigError(["--ssh-hosts: together with --hosts or --inventory, expected one of them"])
    return Book.open(
        Choice(
            hosts=arguments.hosts,
            inventory=inventory,
            ssh_hosts=arguments.ssh_hosts,
            asks_password=arguments.ask_password,
        )
    )


def _inventory_file(arguments: argparse.Namespace) -> Path:
    from leptontui.config.choose import default_inventory

    path: Path | None = arguments.file or arguments.inventory or default_inventory()
    if path is None:
        raise ConfigError(
            ["no inventory to check"],
            "name one: leptontui config check fleet.toml, or write ~/.config/leptontui/fleet.toml",
        )
    return path


def _choosing() -> _Parser:
    """Options that choose hosts. A new one for each parser: a parser's defaults are kept in its parents' actions."""
    choosing = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    choosing.add_argument(
        "-H", "--hosts", metavar="LIST", help="hosts in ClusterShell syntax, each may carry user@ and :port"
    )
    choosing.add_argument("-i", "--inventory", metavar="FILE.toml", type=Path, help="inventory with groups of hosts")
    choosing.add_argument(
        "--ssh-hosts", metavar="PATTERNS", help="hosts that ~/.ssh/config names, e.g. '*' or 'gpu*,!gpu-test*'"
    )
    choosing.add_argument(
        "--ask-password",
        action="store_true",
        help="hosts may ask for a password or a code; without a screen, for passphrases too",
    )
    choosing.add_argument("--interval", metavar="S", type=_interval, help="seconds between two sweeps (default 1)")
    return choosing


def _looking() -> _Parser:
    """Options of what has a screen."""
    looking = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    looking.add_argument("--theme", metavar="NAME", help="theme, e.g. lepton-light")
    looking.add_argument("--read-only", action="store_true", help="no action can be taken from this screen")
    add_forecast_options(looking)
    add_recording_option(looking)
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
    parser.set_defaults(command=None, hosts=None, inventory=None, ssh_hosts=None, ask_password=False)
    parser.set_defaults(interval=1.0, theme=None, read_only=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_commands(commands)
    _add_telling_commands(commands)
    add_offline_commands(commands)
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
    add_recording_option(watch)
    watch.set_defaults(command="watch")


def _add_telling_commands(commands: argparse._SubParsersAction[_Parser]) -> None:
    hosts = commands.add_parser("hosts", parents=[_choosing()], help="which hosts there are and how they are reached")
    hosts.add_argument("--try", dest="tries", action="store_true", help="dial each and say whether that works")
    hosts.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    hosts.set_defaults(command="hosts")
    config = commands.add_parser("config", help="look after the configuration")
    config_commands = config.add_subparsers(title="commands", metavar="COMMAND", required=True)
    check = config_commands.add_parser("check", help="tell every problem of an inventory")
    check.add_argument("file", metavar="FILE.toml", nargs="?", type=Path, help="inventory; else the one that is used")
    check.add_argument("--json", action="store_true", help="one JSON document instead of lines")
    check.set_defaults(command="config check")
    metrics = commands.add_parser("metrics", help="everything that is measured: unit, source, cadence, meaning")
    metrics.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    metrics.set_defaults(command="metrics")


def _interval(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: expected a number of seconds, e.g. 2") from None
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"{text}: must be between {SHORTEST_S:g} and {LONGEST_S:g} seconds")
    return seconds


def _count(text: str) -> int:
    try:
        count = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number") from None
    if not 1 <= count <= MOST_SIMULATED:
        raise argparse.ArgumentTypeError(f"{text}: must be between 1 and {MOST_SIMULATED}")
    return count
