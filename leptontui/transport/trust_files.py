"""Which known_hosts files count for a host, and which of them is the user's own, that accepted keys go to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import asyncssh

from leptontui.model.target import HostTarget
from leptontui.transport.known_hosts import DEFAULT_FILES

_OWN_DEFAULTS = DEFAULT_FILES[:2]
_SYSTEM_DEFAULTS = DEFAULT_FILES[2:]


def trust_files(
    target: HostTarget,
    found: asyncssh.SSHClientConnectionOptions,
    lender: HostTarget | None,
    expand: Callable[[str], str],
) -> tuple[list[str], str]:
    """The files to verify against, and the user's own, "" if there is none that can be written.

    Args:
        target: the host.
        found: its configuration.
        lender: see `route.Atlas.route`.
        expand: expands percent tokens.
    """
    if target.known_hosts is not None:
        return [target.known_hosts], _own([target.known_hosts])
    user = found.config.get("UserKnownHostsFile")
    system = found.config.get("GlobalKnownHostsFile")
    # `none` arrives as an empty list: no file, so no key is trusted. It never means "do not check".
    lent = [lender.known_hosts] if user is None and lender is not None and lender.known_hosts is not None else []
    own = [*lent, *(_OWN_DEFAULTS if user is None else _paths(user))]
    files = [expand(file) for file in (*own, *(_SYSTEM_DEFAULTS if system is None else _paths(system)))]
    return files, _own(files[: len(own)])


def _own(files: list[str]) -> str:
    """The first of them that is, or may become, a file: /dev/null is none."""
    paths = (Path(file).expanduser() for file in files)
    return next((str(path) for path in paths if path.is_file() or not path.exists()), "")


def _paths(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]
