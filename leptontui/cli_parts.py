"""What the parsers of several commands have in common."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, TypeAlias

Parsers: TypeAlias = "argparse._SubParsersAction[Any]"
"""What `add_subparsers` returns; at run time argparse does not let it be subscripted."""


def add_group(commands: Parsers, name: str, what: str, examples: str | None = None) -> Parsers:
    """Add a command that has commands of its own: `leptontui rules`.

    Args:
        commands: the program's subparsers.
        name: the command's.
        what: what it is about, in a line.
        examples: printed as they are below its help.

    Returns:
        its subparsers.
    """
    group = commands.add_parser(name, help=what, epilog=examples, formatter_class=argparse.RawDescriptionHelpFormatter)
    inner: Parsers = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    return inner


def add_recording(parser: argparse.ArgumentParser) -> None:
    """Add the recording that a command reads; `cli_files.check_recording` refuses what is none."""
    parser.add_argument("recording", metavar="PATH.parquet", type=Path, help="columns series, metric, ts, value")
