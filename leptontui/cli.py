"""The command line: arguments only; everything heavy is imported when a command needs it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from leptontui import __version__
from leptontui.cli_act import add_act_commands
from leptontui.cli_hosts import EXIT_UNKNOWN, Parser, book_of, choosing, seconds
from leptontui.cli_offline import add_offline_commands, is_offline, run_offline
from leptontui.cli_watching import add_forecast_options, add_recording_option, watch_options
from leptontui.errors import ConfigError, LeptonError

MOST_SIMULATED = 2000
"""Most simulated hosts, or GPUs in one."""

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
  leptontui act restart 'gpu[001-012]' --unit vllm.service --pace rolling --batch 2 --dry-run
  leptontui report --since 12h                the shift's alerts as Markdown
  leptontui check --json -H 'gpu[001-064]'    for scripts: exit code 0 well, 1 warning, 2 critical, 3 unknown
"""


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
                book_of(arguments),
                interval_s=arguments.interval,
                timeout_s=arguments.timeout,
                as_json=arguments.json,
                asks=arguments.ask_password,
            )
        case "watch":
            from leptontui.wiring.headless import watch

            return watch(
                book_of(arguments),
                interval_s=arguments.interval,
                asks=arguments.ask_password,
                options=watch_options(arguments),
            )
        case "hosts" | "config check" | "metrics":
            return _tell(arguments)
        case _:
            from leptontui.wiring.screen import show

            is_wallboard = arguments.command == "wallboard"
            book = book_of(arguments)
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
                book_of(arguments), is_tried=arguments.tries, as_json=arguments.json, asks=arguments.ask_password
            )
        case "config check":
            from leptontui.wiring.config_check import check_config

            return check_config(_inventory_file(arguments), as_json=arguments.json)
        case _:
            from leptontui.wiring.metrics import print_metrics

            return print_metrics(as_json=arguments.json)


def _inventory_file(arguments: argparse.Namespace) -> Path:
    from leptontui.config.choose import default_inventory

    path: Path | None = arguments.file or arguments.inventory or default_inventory()
    if path is None:
        raise ConfigError(
            ["no inventory to check"],
            "name one: leptontui config check fleet.toml, or write ~/.config/leptontui/fleet.toml",
        )
    return path


def _looking() -> Parser:
    """Options of what has a screen."""
    looking = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    looking.add_argument("--theme", metavar="NAME", help="theme, e.g. lepton-light")
    looking.add_argument("--read-only", action="store_true", help="no action can be taken from this screen")
    add_forecast_options(looking)
    add_recording_option(looking)
    return looking


def _parser() -> Parser:
    parser = Parser(
        prog="leptontui",
        description="Watch a fleet of GPU hosts over SSH, with nothing installed on them. " + _CHOOSING,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[choosing(), _looking()],
    )
    parser.add_argument("--version", action="version", version=f"leptontui {__version__}")
    parser.set_defaults(command=None, hosts=None, inventory=None, ssh_hosts=None, ask_password=False)
    parser.set_defaults(interval=1.0, theme=None, read_only=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_commands(commands)
    _add_telling_commands(commands)
    add_act_commands(commands)
    add_offline_commands(commands)
    return parser


def _add_commands(commands: argparse._SubParsersAction[Parser]) -> None:
    demo = commands.add_parser("demo", parents=[_looking()], help="a simulated fleet with scripted incidents")
    demo.add_argument("--hosts", dest="demo_hosts", metavar="N", type=_count, default=24, help="hosts (default 24)")
    demo.add_argument("--gpus", metavar="N", type=_count, default=8, help="GPUs in each (default 8)")
    demo.add_argument("--serve-only", action="store_true", help="print an inventory's path and serve until interrupted")
    demo.set_defaults(command="demo")
    wallboard = commands.add_parser(
        "wallboard", parents=[choosing(), _looking()], help="a read-only display for the wall"
    )
    wallboard.set_defaults(command="wallboard")
    check = commands.add_parser("check", parents=[choosing()], help="take two sweeps, print, leave")
    check.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    check.add_argument(
        "--timeout", metavar="S", type=seconds, default=15.0, help="seconds to wait for hosts (default 15)"
    )
    check.set_defaults(command="check")
    watch = commands.add_parser("watch", parents=[choosing()], help="one JSON document a line, each interval")
    watch.add_argument("--json", action="store_true", required=True, help="the only format there is")
    add_recording_option(watch)
    watch.set_defaults(command="watch")


def _add_telling_commands(commands: argparse._SubParsersAction[Parser]) -> None:
    hosts = commands.add_parser("hosts", parents=[choosing()], help="which hosts there are and how they are reached")
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


def _count(text: str) -> int:
    try:
        count = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number") from None
    if not 1 <= count <= MOST_SIMULATED:
        raise argparse.ArgumentTypeError(f"{text}: must be between 1 and {MOST_SIMULATED}")
    return count
