"""Who acts, as the machine itself knows it: for policies, for the audit, for whoever finds the host busy."""

from __future__ import annotations

import grp
import os
import pwd
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from leptontui.model.text import plain

_ROOT: Final = 0
_NOT_SET: Final = 4_294_967_295
"""What the kernel says where nobody logged in: (uid_t) -1."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts.

    Attributes:
        user: the login name that policies mean: of the account itself; of the one behind sudo where that is root.
        uid: of the process, None where not known.
        sudo_user: who became root through sudo; "" for nobody.
        unix_groups: of `user`, by name.
        login_user: who logged in, by the kernel's audit id, which sudo and su leave as it is; "" where unknown.
        tty: the terminal, "" for none.
        host: the machine's name.
        came_from: the address that the SSH session came from; "" where there is none.
    """

    user: str
    uid: int | None = None
    sudo_user: str = ""
    unix_groups: frozenset[str] = field(default_factory=frozenset)
    login_user: str = ""
    tty: str = ""
    host: str = ""
    came_from: str = ""


def whoami() -> Actor:
    """Who runs this process. `USER` and `LOGNAME` are not believed, and `SUDO_USER` of root only."""
    uid = os.getuid()
    sudo_user = plain(os.environ.get("SUDO_USER", ""), 64) if uid == _ROOT else ""
    user = sudo_user if sudo_user and _uid_of(sudo_user) is not None else _name_of(uid)
    return Actor(
        user,
        uid,
        sudo_user,
        _groups_of(user),
        _login_user(),
        _tty(),
        plain(socket.gethostname(), 255),
        plain(os.environ.get("SSH_CONNECTION", "").partition(" ")[0], 64),
    )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _uid_of(user: str) -> int | None:
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        return None


def _groups_of(user: str) -> frozenset[str]:
    """The names of a user's groups; those of the process where the user has no entry."""
    try:
        entry = pwd.getpwnam(user)
        ids = os.getgrouplist(user, entry.pw_gid)
    except (KeyError, OSError):
        ids = os.getgroups()
    names = set()
    for gid in ids:
        with suppress(KeyError):
            names.add(grp.getgrgid(gid).gr_name)
    return frozenset(names)


def _login_user() -> str:
    try:
        uid = int(Path("/proc/self/loginuid").read_text())
    except (OSError, ValueError):
        return ""
    return "" if uid == _NOT_SET else _name_of(uid)


def _tty() -> str:
    for handle in (0, 1, 2):
        with suppress(OSError):
            return os.ttyname(handle)
    return ""
