"""Arguments of `leptontui audit`; everything heavy is imported when one is run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from leptontui.cli_parts import Parsers, add_group

_MOST_LINES: Final = 1_000_000
_EXAMPLES: Final = """\
examples:
  leptontui audit show --since 2d gpu-017     what was done there, oldest first
  leptontui audit show --json | jq .          every line as it was written
  leptontui audit verify                      whether a line was edited, moved, taken out or cut off
exit codes of verify: 0 all lines can be trusted, 1 something could not be told, 2 one cannot, 3 it cannot be read
"""


def add_audit_commands(commands: Parsers) -> None:
    """Add the parsers of `leptontui audit`.

    Args:
        commands: the program's subparsers.
    """
    audit_commands = add_group(commands, "audit", "what was done to the fleet, by whom, and what came of it", _EXAMPLES)
    show = audit_commands.add_parser("show", help="the actions that were taken, oldest first")
    show.add_argument("words", metavar="WORD", nargs="*", help="all must be in a line")
    show.add_argument("--since", metavar="SPAN", default="30d", help="from how long ago on (default 30d)")
    show.add_argument("--limit", metavar="N", type=_lines, default=1000, help="the newest so many (default 1000)")
    show.add_argument("--json", action="store_true", help="each line as it stands in the audit")
    _add_file(show)
    show.set_defaults(run=_show)
    verify = audit_commands.add_parser(
        "verify",
        help="whether every line can be trusted",
        description="Check the chain of hashes and the head beside the audit: this finds any line that was edited, put "
        "in, taken out or moved, and lines that were cut off the end. It does not find that whoever may write both "
        "wrote them anew: compare the last hash with the copy in the system's log ([audit] syslog in the policy).",
    )
    verify.add_argument("--json", action="store_true", help="one JSON document instead of lines")
    _add_file(verify)
    verify.set_defaults(run=_verify)


def _add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--file", metavar="FILE", type=Path, help="another audit than the user's own")


def _show(arguments: argparse.Namespace) -> int:
    from leptontui.wiring.audit import show_audit

    return show_audit(
        arguments.file,
        tuple(arguments.words),
        since=arguments.since,
        limit=arguments.limit,
        as_json=arguments.json,
    )


def _verify(arguments: argparse.Namespace) -> int:
    from leptontui.wiring.audit import verify_audit

    return verify_audit(arguments.file, as_json=arguments.json)


def _lines(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= _MOST_LINES:
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number from 1 to {_MOST_LINES}")
    return int(text[:9])
