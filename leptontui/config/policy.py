"""The policies that actions are held to: the system's, which users cannot loosen, and the user's own, which tightens.

```toml
# /etc/leptontui/policy.toml, root's; ~/.config/leptontui/policy.toml knows the same but `locks`
read_only = false
arm_minutes = 15                  # arming expires after so long without an action

[blast]
fleet = "10%"                     # or a number of hosts
may_be_overridden = true

[jobs]
users = ["vip*"]                  # whose jobs may not be ended; also names, longer_than_h

[[allow]]                         # if there is one, only what one of them fits may be done
actions = ["restart", "undrain"]
unix_groups = ["oncall"]

[[deny]]
groups = ["train"]
between = "08:00-18:00"
why = "the training run has the day"
```

Both files are judged by themselves and both must allow, so the user's can only tighten. A file that is there and cannot
be read, or has a mistake, stops every action: what it forbids is not known.
"""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Final

from leptontui.config.policy_clauses import read_clauses
from leptontui.config.policy_limits import read_blast, read_jobs
from leptontui.config.problem import Problem, did_you_mean, quoted
from leptontui.config.reading import Table
from leptontui.config.text import read_text, unreadable
from leptontui.config.toml_text import top_of
from leptontui.model.policy import BUILT_IN, Policies, Policy, Syslog

SYSTEM: Final = Path("/etc/leptontui/policy.toml")
"""The system's policy. There is no option and no variable that names another one."""

FILE: Final = "policy.toml"
MOST_ARM_MINUTES: Final = 240
_KEYS: Final = ("read_only", "arm_minutes", "locks", "blast", "jobs", "allow", "deny", "audit")
_SYSLOG: Final = {"off": Syslog.OFF, "copy": Syslog.COPY, "required": Syslog.REQUIRED}
_ROOT: Final = 0


def user_policy() -> Path | None:
    """Where the user's own policy would be; None where there is no home."""
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    try:
        base = Path(folder) if Path(folder).is_absolute() else Path("~/.config").expanduser()
    except RuntimeError:
        return None
    return base / "leptontui" / FILE


def read_policies(system: Path = SYSTEM, user: Path | None = None, *, owner: int = _ROOT) -> Policies:
    """What holds now: the files are read anew. Never raises.

    Args:
        system: the system's policy.
        user: the user's own; None for the usual place.
        owner: uid that the system's policy must belong to.
    """
    problems: list[Problem] = []
    first = _read(system, problems, owner=owner) or Policy()
    blast = first.blast
    kept = replace(
        blast,
        fleet=blast.fleet or BUILT_IN.fleet,
        group=blast.group or BUILT_IN.group,
        partition=blast.partition or BUILT_IN.partition,
        concurrent=blast.concurrent or BUILT_IN.concurrent,
        per_hour=blast.per_hour or BUILT_IN.per_hour,
    )
    each = [replace(first, blast=kept)]
    path = user if user is not None else user_policy()
    own = None if path is None else _read(path, problems)
    if own is not None:
        each.append(_tightening(own, first))
    return Policies(tuple(each), tuple(str(problem) for problem in problems))


def _tightening(own: Policy, first: Policy) -> Policy:
    """The user's policy without what would loosen: arming for longer than the system, or the program itself, says."""
    longest = Policies((first,)).arm_for_s
    return replace(own, locks="", arm_for_s=None if own.arm_for_s is None else min(own.arm_for_s, longest))


def policy_problems(system: Path = SYSTEM, user: Path | None = None, *, owner: int = _ROOT) -> list[Problem]:
    """Every problem of the two files, each with its line; as `read_policies`, never raises."""
    problems: list[Problem] = []
    _read(system, problems, owner=owner)
    path = user if user is not None else user_policy()
    if path is not None:
        _read(path, problems)
    return problems


def _read(path: Path, problems: list[Problem], *, owner: int | None = None) -> Policy | None:
    """What a file says; None where there is none, or it is wrong.

    Args:
        path: the file.
        problems: where its problems go.
        owner: uid that it must belong to, None for anybody: the system's.
    """
    file, found = str(path), list[Problem]()
    try:
        if owner is not None and (reason := _not_to_be_trusted(path, owner)):
            problems.append(Problem(file, None, "", reason, "", f"sudo chown root {file}; sudo chmod 644 {file}"))
            return None
        top = top_of(read_text(path), file, found)
    except FileNotFoundError:
        if path.is_symlink():
            problems.append(Problem(file, None, "", "a link to what is not there", "a TOML file"))
        return None
    except (ValueError, OSError) as error:
        problems.append(Problem(file, None, "", unreadable(error, "a TOML file")))
        return None
    policy = None if top is None else _policy(top, is_system=owner is not None)
    problems += sorted(found, key=lambda problem: problem.line or 0)
    return policy


def _not_to_be_trusted(path: Path, owner: int) -> str:
    """Why others than root could have written the system's policy, in words; "" if they could not.

    Raises:
        OSError: it cannot be looked at; FileNotFoundError if there is none.
    """
    for place, what in ((path, ""), (path.parent, "its folder ")):
        found = place.stat()
        if found.st_uid != owner:
            return f"{what}belongs to uid {found.st_uid}, not to {'root' if owner == _ROOT else f'uid {owner}'}"
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return f"{what}may be written by others than its owner (mode {stat.S_IMODE(found.st_mode):04o})"
    return ""


def _policy(top: Table, *, is_system: bool) -> Policy:
    top.refuse_unknown(_KEYS)
    is_read_only = top.flag("read_only") or False
    minutes = top.number("arm_minutes", 1, MOST_ARM_MINUTES)
    locks = top.text("locks", "a folder") or ""
    if locks and not is_system:
        top.problem("locks", quoted(locks), "only in the system's policy: all users share it")
    elif locks and not Path(locks).is_absolute():
        top.problem("locks", quoted(locks), "a folder's whole path, from / on")
    return Policy(
        source=top.file,
        read_only_in=top.places("read_only", ["true"])[0] if is_read_only else "",
        arm_for_s=None if minutes is None else 60.0 * minutes,
        locks=locks,
        blast=read_blast(top),
        shields=read_jobs(top),
        allow=read_clauses(top, "allow"),
        deny=read_clauses(top, "deny"),
        syslog=_syslog(top),
    )


def _syslog(top: Table) -> Syslog:
    value = top.values.get("audit")
    if value is None:
        return Syslog.OFF
    if not isinstance(value, dict):
        top.problem("audit", quoted(value), "a table [audit]")
        return Syslog.OFF
    table = Table(value, top.file, top.lines, "audit", 0, "audit", top.problems)
    table.refuse_unknown(("syslog",))
    expected = 'one of "off", "copy", "required"'
    text = table.text("syslog", expected)
    if text is not None and text not in _SYSLOG:
        table.problem("syslog", quoted(text), expected, did_you_mean(text, _SYSLOG))
    return _SYSLOG.get(text or "", Syslog.OFF)
