"""What users of this machine did with the program in the last hours: one file for each user, which all may read.

Nobody can write into another's file: who began something is who owns the file, whatever its lines say. Lines are JSON:
a begun action, or `{"end": plan_id}`.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from leptontui.actions.blast import Traffic
from leptontui.model.text import plain

HOUR_S: Final = 3600.0
_LATEST_UNIX_S: Final = 32_503_680_000.0
"""The year 3000."""

KEPT_S: Final = 24 * HOUR_S
"""Lines older than this are left out when a file is written anew."""

_MOST_BYTES: Final = 1 << 20
_REWRITTEN_FROM_BYTES: Final = 256 * 1024
_MODE: Final = 0o644
_NAME: Final = re.compile(r"leptontui\.(\d{1,10})\.acts", re.ASCII)


@dataclass(frozen=True, slots=True)
class Act:
    """One action that was begun.

    Attributes:
        plan_id: of which plan.
        user: who began it, for people.
        action: its name.
        host: its target.
        names: what it holds: its targets, each by its lock's name.
        begun_unix_s: when.
        is_counted: whether it counts for what is going on: harmless ones do not.
        takes_out: whether it takes its target out of service.
        has_ended: whether its end is known.
    """

    plan_id: str
    user: str
    action: str
    host: str
    names: tuple[str, ...]
    begun_unix_s: float
    is_counted: bool = True
    takes_out: bool = False
    has_ended: bool = False

    @property
    def words(self) -> str:
        """For people: "bob began restart on gpu-017"."""
        return f"{plain(self.user, 40)} began {plain(self.action, 60)} on {plain(self.host, 80)}"


def traffic_of(acts: Iterable[Act], held: frozenset[str], now_unix_s: float) -> Traffic:
    """What is going on.

    Args:
        acts: of all users.
        held: names of the locks that somebody holds now.
        now_unix_s: unix time.
    """
    under_way, last_hour, out = 0, 0, set[str]()
    broken_off: list[tuple[str, str]] = []
    for act in acts:
        is_of_the_hour = now_unix_s - act.begun_unix_s < HOUR_S
        if act.is_counted and is_of_the_hour:
            last_hour += 1
        if act.has_ended:
            continue
        is_held = bool(held.intersection(act.names))
        if is_held and act.is_counted:
            under_way += 1
        if not is_held and is_of_the_hour and act.is_counted:
            ago_s = max(now_unix_s - act.begun_unix_s, 0.0)
            broken_off.append((act.host, f"{act.words} {ago_s / 60:.0f} min ago"))
        if act.takes_out and (is_held or is_of_the_hour):
            out.add(act.host)
    return Traffic(under_way, last_hour, frozenset(out), tuple(broken_off))


def path_of(folder: Path, uid: int) -> Path:
    """The file of one user."""
    return folder / f"leptontui.{uid}.acts"


def read_acts(folder: Path) -> tuple[Act, ...]:
    """What all users began. Files that are not their user's own, and lines that make no sense, are left out.

    Raises:
        OSError: the folder cannot be listed.
    """
    acts: list[Act] = []
    for path in sorted(folder.iterdir()):
        match = _NAME.fullmatch(path.name)
        if match is not None:
            with suppress(OSError):
                acts += _acts_in(_read(path, int(match[1])))
    return tuple(acts)


def _read(path: Path, uid: int) -> bytes:
    """The end of a user's file; b"" where it is not that user's own."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(handle)
        if found.st_uid != uid or not stat.S_ISREG(found.st_mode):
            return b""
        return os.pread(handle, _MOST_BYTES, max(found.st_size - _MOST_BYTES, 0))
    finally:
        os.close(handle)


def _acts_in(raw: bytes) -> list[Act]:
    found: dict[str, Act] = {}
    for line in raw.split(b"\n"):
        values = _decoded(line)
        ended = values.get("end")
        if isinstance(ended, str):
            if ended in found:
                found[ended] = replace(found[ended], has_ended=True)
            continue
        act = _act(values)
        if act is not None:
            found[act.plan_id] = act
    return list(found.values())


def _decoded(line: bytes) -> dict[str, object]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _act(values: dict[str, object]) -> Act | None:
    names, begun = values.get("names"), values.get("t")
    words = [values.get(key) for key in ("plan", "user", "action", "host")]
    if not isinstance(names, list) or isinstance(begun, bool) or not isinstance(begun, int | float):
        return None
    if not 0.0 <= begun <= _LATEST_UNIX_S:  # another user's line: no number that no clock shows
        return None
    plan_id, user, action, host = (plain(word, 253) if isinstance(word, str) else "" for word in words)
    if not plan_id or not host:
        return None
    return Act(
        plan_id,
        user,
        action,
        host,
        tuple(name for name in names if isinstance(name, str)),
        float(begun),
        is_counted=values.get("counted") is not False,
        takes_out=values.get("out") is True,
    )


def line_of(act: Act) -> bytes:
    """An act as it stands in its user's file."""
    values = {
        "t": act.begun_unix_s,
        "plan": act.plan_id,
        "user": act.user,
        "action": act.action,
        "host": act.host,
        "names": list(act.names),
        "counted": act.is_counted,
        "out": act.takes_out,
    }
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"


def end_of(plan_id: str) -> bytes:
    """The line that says that an act has ended."""
    return json.dumps({"end": plan_id}, separators=(",", ":")).encode() + b"\n"


def append(folder: Path, uid: int, line: bytes, now_unix_s: float) -> None:
    """Append to the user's own file; what is a day old is left out when the file has grown. The caller holds the gate.

    Raises:
        OSError: it cannot be written, or another user has put something in its place.
    """
    path = path_of(folder, uid)
    handle = _opened(path)
    try:
        found = os.fstat(handle)
        if found.st_uid != uid or not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise PermissionError(0, f"{path.name} belongs to another user")
        if found.st_size > _REWRITTEN_FROM_BYTES:
            line = _kept(os.pread(handle, _MOST_BYTES, max(found.st_size - _MOST_BYTES, 0)), now_unix_s) + line
            os.ftruncate(handle, 0)
        elif found.st_size and os.pread(handle, 1, found.st_size - 1) != b"\n":
            line = b"\n" + line  # a full disk tore the last one: it must not spoil this one as well
        end = os.fstat(handle).st_size
        if os.pwrite(handle, line, end) != len(line):
            os.ftruncate(handle, end)  # half a line would spoil the next one, too
            raise OSError(0, "the disk is full")
    finally:
        os.close(handle)


def _opened(path: Path) -> int:
    """The user's own file, made where it is not there; never O_CREAT on what exists (fs.protected_regular)."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        handle = os.open(path, flags | os.O_CREAT | os.O_EXCL, _MODE)
        os.fchmod(handle, _MODE)  # whatever the umask: others have to read it
        return handle


def _kept(raw: bytes, now_unix_s: float) -> bytes:
    acts = [act for act in _acts_in(raw) if now_unix_s - act.begun_unix_s < KEPT_S]
    return b"".join(line_of(act) + (end_of(act.plan_id) if act.has_ended else b"") for act in acts)
