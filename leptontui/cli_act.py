"""Arguments of `leptontui act`, `actions` and `runbook`; everything heavy is imported when one is run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leptontui.cli_hosts import book_of, choosing, seconds
from leptontui.cli_parts import Parsers, add_group
from leptontui.model.action import LEAST_REASON, says_why

if TYPE_CHECKING:
    from leptontui.wiring.doing import Doing

_CODES: Final = """\
exit codes:
  0  everything was done, and verified by asking again (or, with --dry-run, would be let through)
  1  a command failed
  2  it was run, but what was asked again does not say that it took effect
  3  the command line or configuration is wrong, or a host could not be planned
  4  refused by a rule of the guard, or not confirmed; the refusal names the rule
  5  unknown: a link was lost or the time ran out; look before doing anything again
"""
_ACT_EXAMPLES: Final = f"""\
{_CODES}
examples:
  leptontui act drain gpu-017 --reason 'Xid 79' --dry-run        the exact commands, and what they affect
  leptontui act drain gpu-017 --reason 'Xid 79' --yes 1          do it: 1 host
  leptontui act restart 'gpu[001-012]' --unit vllm.service --pace rolling --batch 2 --yes 12
  leptontui act custom/diagnose gpu-017 --param level=2 --yes 1 --json
  leptontui actions                                              what there is, with its parameters
"""
_RUNBOOK_EXAMPLES: Final = f"""\
{_CODES}
examples:
  leptontui runbook list                             which there are, and which are under way
  leptontui runbook check mine.toml                  every mistake, with its line
  leptontui runbook run gpu-reset gpu-017            what it would do
  leptontui runbook run gpu-reset gpu-017 --yes 4    do it: 4 of its steps are actions
  leptontui runbook run --resume 1f2e3d4c5b6a7988 --yes 2
"""
_PACES: Final = ("serial", "rolling", "at-once")


def add_act_commands(commands: Parsers) -> None:
    """Add the parsers of `leptontui act`, `leptontui actions` and `leptontui runbook`.

    Args:
        commands: the program's subparsers.
    """
    act = commands.add_parser(
        "act",
        parents=[choosing()],
        help="carry out an action without a screen, guarded and audited as any",
        description="Plan an action on hosts of the inventory, print the plan, and carry it out if --yes says on how "
        "many. It goes host by host, or in batches, and stops at the first that is not verified.",
        epilog=_ACT_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    act.add_argument("action", metavar="ACTION", help="e.g. restart, drain, undrain; leptontui actions lists them")
    act.add_argument("targets", metavar="TARGETS", help="hosts of the inventory, in ClusterShell syntax")
    act.add_argument("--unit", default="", help="what is meant there: a unit, container, workload or release")
    act.add_argument("--reason", default="", help="why; your name is put before it")
    act.add_argument(
        "--pace", choices=_PACES, default="serial", help="one by one (default), in batches, or all at once"
    )
    act.add_argument("--batch", metavar="N", type=_count, default=1, help="how many at a time, with --pace rolling")
    act.add_argument(
        "--confirm", metavar="TEXT", default="", help="what a single plan wants typed beyond the host's name"
    )
    _add_doing(act, "on how many hosts: without it nothing is done")
    act.set_defaults(run=_act)
    listed = commands.add_parser("actions", help="every action that there is, with its parameters")
    listed.add_argument("--json", action="store_true", help="one JSON document instead of lines")
    listed.set_defaults(run=_list_actions)
    _add_runbook(commands)


def _add_runbook(commands: Parsers) -> None:
    group = add_group(commands, "runbook", "actions with checks and waits between them", _RUNBOOK_EXAMPLES)
    listed = group.add_parser("list", help="which there are, and which are under way")
    listed.add_argument("--json", action="store_true", help="one JSON document instead of lines")
    listed.set_defaults(run=_list_runbooks)
    check = group.add_parser("check", help="tell every problem of runbook files")
    check.add_argument(
        "files", metavar="FILE.toml", nargs="*", type=Path, help="else those in ~/.config/leptontui/runbooks"
    )
    check.add_argument("--json", action="store_true", help="one JSON document instead of lines")
    check.set_defaults(run=_check_runbooks)
    run = group.add_parser(
        "run",
        parents=[choosing()],
        help="go through one, or go on with one",
        epilog=_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.add_argument("name", metavar="NAME", nargs="?", default="", help="the runbook's name")
    run.add_argument("host", metavar="HOST", nargs="?", default="", help="a host of the inventory")
    run.add_argument("--resume", metavar="RUN", default="", help="go on with one that is under way, by its id")
    run.add_argument("--skip", action="store_true", help="with --resume: leave its next step out")
    _add_doing(run, "how many of its steps are actions: without it nothing is done")
    run.set_defaults(run=_run_runbook)


def _add_doing(parser: argparse.ArgumentParser, count: str) -> None:
    parser.add_argument(
        "--param", metavar="NAME=VALUE", action="append", default=[], type=_param, help="a parameter; may be repeated"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument("--yes", metavar="COUNT", type=_count, help=count)
    parser.add_argument(
        "--override", metavar="WHY", default="", type=_why, help="why rules that may be overridden are set aside"
    )
    parser.add_argument(
        "--timeout", metavar="S", type=seconds, default=30.0, help="seconds to wait for links (default 30)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document at the end instead of lines")


def _act(arguments: argparse.Namespace) -> int:
    from leptontui.wiring.act import Order, act

    order = Order(
        arguments.action,
        arguments.targets,
        unit=arguments.unit,
        reason=arguments.reason,
        params=tuple(arguments.param),
        pace=arguments.pace.replace("-", " "),
        batch=arguments.batch,
        confirm=arguments.confirm,
    )
    return act(book_of(arguments), order, _doing(arguments))


def _run_runbook(arguments: argparse.Namespace) -> int:
    from leptontui.errors import ConfigError
    from leptontui.wiring.runbook import run_runbook

    if arguments.skip and not arguments.resume:
        raise ConfigError(["--skip: expected together with --resume"])
    if bool(arguments.resume) == bool(arguments.name) or bool(arguments.name) != bool(arguments.host):
        raise ConfigError(["leptontui runbook run: expected NAME and HOST, or --resume RUN"])
    return run_runbook(
        book_of(arguments),
        arguments.name,
        arguments.host,
        tuple(arguments.param),
        resume=arguments.resume,
        is_skipping=arguments.skip,
        doing=_doing(arguments),
    )


def _doing(arguments: argparse.Namespace) -> Doing:
    from leptontui.wiring.doing import Doing

    return Doing(
        is_dry=arguments.dry_run,
        count=arguments.yes,
        override=arguments.override,
        as_json=arguments.json,
        timeout_s=arguments.timeout,
        interval_s=arguments.interval,
        asks=arguments.ask_password,
        is_read_only=arguments.read_only,
    )


def _list_actions(arguments: argparse.Namespace) -> int:
    from leptontui.wiring.act_list import list_actions

    return list_actions(as_json=arguments.json)


def _list_runbooks(arguments: argparse.Namespace) -> int:
    from leptontui.wiring.runbook_list import list_runbooks

    return list_runbooks(as_json=arguments.json)


def _check_runbooks(arguments: argparse.Namespace) -> int:
    from leptontui.wiring.runbook_list import check_runbooks

    return check_runbooks(arguments.files, as_json=arguments.json)


def _why(text: str) -> str:
    if text and not says_why(text):  # argparse reads the default, too
        raise argparse.ArgumentTypeError(f"say in some words why, in {LEAST_REASON} letters at least")
    return text


def _param(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text}: expected NAME=VALUE")
    return name, value


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):  # noqa: PLR2004 — more hosts than there are
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number")
    return int(text)
