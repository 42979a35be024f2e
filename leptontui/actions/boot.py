"""Whether a host has booted meanwhile: its boot id, and when its first process began; and waiting until it is back.

A container that is not given a boot id of its own shows its kernel's, which does not change when it is started anew;
there the first process tells, and it is said that it was the container and not the machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from leptontui.actions.reach import Reach, Verdict, complaint
from leptontui.actions.setting import Sleep, Tell
from leptontui.errors import ActionError, CommandTimeout, LinkError

ASK_EVERY_S: Final = 2.0
_TELL_EVERY_S: Final = 10.0
_QUESTION_TIMEOUT_S: Final = 10.0
_SIGNS: Final = ("cat", "/proc/sys/kernel/random/boot_id", "/proc/1/stat")
_BOOT_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BEGAN: Final = 19
"""Of the fields of proc_pid_stat(5) behind the name, which may hold spaces and brackets: starttime, the 22nd of all."""


@dataclass(frozen=True, slots=True)
class BootSign:
    """By what one boot of a host is told from another.

    Attributes:
        boot_id: of its kernel, random with every boot.
        began_ticks: when its first process began, in clock ticks after the kernel did; None where that is not shown
            (hidepid).
    """

    boot_id: str
    began_ticks: int | None = None

    def news_since(self, before: BootSign) -> str:
        """By what it is seen that the host has booted since `before`; "" if it has not."""
        if self.boot_id != before.boot_id:
            return "another boot id"
        if None not in (self.began_ticks, before.began_ticks) and self.began_ticks != before.began_ticks:
            return "another first process on the same kernel: a container was started anew, not the machine"
        return ""


def parse_sign(text: str) -> BootSign | None:
    """Read the boot id and, if it is there, `/proc/1/stat`; None where there is no boot id."""
    boot_id, _, stat = text.partition("\n")
    if _BOOT_ID.fullmatch(boot_id.strip()) is None:
        return None
    fields = stat.rpartition(")")[2].split()
    began = fields[_BEGAN] if len(fields) > _BEGAN else ""
    return BootSign(boot_id.strip(), int(began) if began.isascii() and began.isdecimal() and len(began) < 20 else None)  # noqa: PLR2004 — an unsigned long long


async def ask_sign(reach: Reach) -> BootSign:
    """By what this boot of a host is told from others.

    Raises:
        ActionError: it shows no boot id.
        LinkError: it cannot be reached.
        CommandTimeout: no answer in time.
    """
    done = await reach.ask(*_SIGNS, timeout_s=_QUESTION_TIMEOUT_S)
    sign = parse_sign(done.stdout)
    if sign is None:
        raise ActionError(
            f"{reach.name} does not show its boot id: {complaint(done)}", "is it a Linux host with /proc?"
        )
    return sign


@dataclass(slots=True)
class ReturnWatch:
    """Waits until a host is back, with one time limit for all waiting: who waits again has what is left of it.

    Attributes:
        reach: the host.
        before: its sign before the reboot.
        limit_s: so long it may take.
        clock: unix seconds.
        sleep: waits for seconds.
        tell: takes what is to be said meanwhile.
    """

    reach: Reach
    before: BootSign
    limit_s: float
    clock: Callable[[], float]
    sleep: Sleep
    tell: Tell
    _began_unix_s: float | None = field(default=None, init=False)

    async def wait(self) -> Verdict:
        """Ask until it answers as another boot than before, or the time is over. A host that is away is expected."""
        if self._began_unix_s is None:
            self._began_unix_s = self.clock()
        told_s, told = 0.0, ""
        for _ in range(int(self.limit_s / ASK_EVERY_S) + 1):  # also where the clock stands still
            how = await self._look()
            elapsed_s = self.clock() - self._began_unix_s
            if isinstance(how, Verdict):
                return how
            if elapsed_s >= self.limit_s:
                break
            if how != told or elapsed_s - told_s >= _TELL_EVERY_S:
                self.tell(f"waiting for {self.reach.name} to come back, {elapsed_s:.0f} s: {how}")
                told_s, told = elapsed_s, how
            await self.sleep(ASK_EVERY_S)
        return Verdict(is_so=False, said=f"{self.reach.name} is not back after {self.limit_s:.0f} s: {how}")

    async def _look(self) -> Verdict | str:
        """That it is back, or how it stands meanwhile."""
        try:
            sign = await ask_sign(self.reach)
        except (LinkError, CommandTimeout, ActionError) as error:
            return f"it does not answer ({error.cause})"
        news = sign.news_since(self.before)
        if not news:
            return "it is up, and has not rebooted yet"
        after_s = self.clock() - (self._began_unix_s or 0.0)
        return Verdict(is_so=True, said=f"{self.reach.name} is back after {after_s:.0f} s: {news}")
