"""Arguments that choose hosts, for every command that watches or acts on some; everything heavy is imported later."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from leptontui.errors import ConfigError

if TYPE_CHECKING:
    from leptontui.inventory.book import Book

SHORTEST_S, LONGEST_S = 0.2, 3600.0
"""Bounds of an interval or a time limit on the command line."""

EXIT_UNKNOWN: Final = 3
"""Exit code when somebody could not be reached, or the command line or configuration is wrong."""


class Parser(argparse.ArgumentParser):
    """Exits with 3 rather than 2 on a wrong command line: 2 means that something is critical."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and leave with 3."""
        self.print_usage(sys.stderr)
        self.exit(EXIT_UNKNOWN, f"{self.prog}: {message}\n")


def choosing() -> Parser:
    """Options that choose hosts. A new one for each parser: a parser's defaults are kept in its parents' actions."""
    options = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    options.add_argument(
        "-H", "--hosts", metavar="LIST", help="hosts in ClusterShell syntax, each may carry user@ and :port"
    )
    options.add_argument("-i", "--inventory", metavar="FILE.toml", type=Path, help="inventory with groups of hosts")
    options.add_argument(
        "--ssh-hosts", metavar="PATTERNS", help="hosts that ~/.ssh/config names, e.g. '*' or 'gpu*,!gpu-test*'"
    )
    options.add_argument(
        "--ask-password",
        action="store_true",
        help="hosts may ask for a password or a code; without a screen, for passphrases too",
    )
    options.add_argument("--interval", metavar="S", type=seconds, help="seconds between two sweeps (default 1)")
    return options


def book_of(arguments: argparse.Namespace) -> Book:
    """The hosts that the arguments choose.

    Raises:
        ConfigError: an inventory or an option is wrong.
    """
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


def seconds(text: str) -> float:
    """A number of seconds on the command line.

    Raises:
        ArgumentTypeError: it is none, or out of bounds.
    """
    try:
        given = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: expected a number of seconds, e.g. 2") from None
    if not SHORTEST_S <= given <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"{text}: must be between {SHORTEST_S:g} and {LONGEST_S:g} seconds")
    return given
