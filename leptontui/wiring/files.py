"""Open files: how many this process may have (one for each link or a few), and who may read those it makes."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from typing import Final

_OWN: Final = 128
"""Files besides the links: libraries, the terminal, the log, the forecast worker, configuration read while dialling."""

_OF_A_LINK: Final = 5
"""At most: a ProxyCommand's three pipes and its process, and a connection for actions."""


def allow_links(hosts: int) -> str:
    """Raise this process's limit on open files as far as it may go.

    Args:
        hosts: how many are reached over SSH.

    Returns:
        What to tell the user if that is too little for so many; "" if it is enough.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = hosts + _OWN
    for wanted in (_OF_A_LINK * hosts + _OWN, needed):
        if soft == resource.RLIM_INFINITY or soft >= wanted:
            break
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(OSError, ValueError):  # macOS has a limit of its own below an infinite one
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return ""
    return f"{hosts} hosts need {needed} open files, {soft} are allowed: raise the limit, ulimit -Hn {needed}"


def private_opener(path: str, flags: int) -> int:
    """For `open`: a file that is made now can be read by its owner only; one that is there keeps the mode it has."""
    return os.open(path, flags, 0o600)
