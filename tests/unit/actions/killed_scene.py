"""A desk in a process of its own, to be killed: systemd is a script that halts at the call a test names."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from leptontui.actions.audit import Audit
from leptontui.actions.desk import Desk
from leptontui.actions.locks import SharedLocks
from leptontui.model.action import ActionName, ActionRequest
from leptontui.model.target import Fleet, HostTarget
from leptontui.transport.local import LocalTransport
from tests.unit.actions.actions_scene import UNIT, Facts

RESTART = ActionRequest(ActionName.RESTART_UNIT, "gpu-017", unit=UNIT)

SYSTEMCTL = """\
#!/bin/sh
cd {folder}
count=$(cat "$1.count" 2>/dev/null || echo 0)
count=$((count + 1))
echo $count > "$1.count"
if [ "$1" = restart ]; then
    starts=$(cat starts)
    echo $((starts + 1)) > starts
fi
if [ "$(cat halt)" = "$1 $count" ]; then
    echo > reached
    cat go
fi
if [ "$1" = show ]; then
    starts=$(cat starts)
    printf 'LoadState=loaded\\nActiveState=active\\nSubState=running\\nResult=success\\nType=notify\\n'
    printf 'RemainAfterExit=no\\nMainPID=%s\\nInvocationID=%032d\\nNRestarts=0\\n' "400$starts" "$starts"
    printf 'ActiveEnterTimestamp=Mon 2026-11-02 03:00:00 UTC\\nActiveEnterTimestampMonotonic=%s\\n' "$starts"
fi
"""


def set_up(folder: Path) -> None:
    """Make the scripts, and the pipes on which they halt."""
    (folder / "bin").mkdir()
    (folder / "lock").mkdir()
    (folder / "starts").write_text("1")
    (folder / "halt").write_text("")
    os.mkfifo(folder / "reached")
    os.mkfifo(folder / "go")
    for name, text in (("systemctl", SYSTEMCTL.format(folder=folder)), ("id", "#!/bin/sh\necho 0\n")):
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)


def make_desk(folder: Path) -> Desk:
    """A desk for this machine under the name gpu-017, with its audit and locks in `folder`."""
    target = HostTarget("gpu-017", units=(UNIT,), is_local=True)
    return Desk(
        Fleet("fleet", (target,)),
        transport_of=lambda _: LocalTransport(),
        facts=Facts(),
        audit=Audit(folder / "audit.jsonl", sudo_user=""),
        user="anna",
        locks=SharedLocks(lambda: folder / "lock"),
        sleep=lambda _: asyncio.sleep(0),
    )


async def restart(folder: Path) -> None:
    """Restart the unit."""
    desk = make_desk(folder)
    desk.arm()
    await desk.run(await desk.plan(RESTART), "")


def kill_before_write(number: int) -> None:
    """Kill this process right before it puts something on disk for the `number`-th time."""
    count = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: object) -> object:
            nonlocal count
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments)

        return call

    os.fsync, os.pwrite = counted(os.fsync), counted(os.pwrite)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        kill_before_write(int(sys.argv[2]))
    asyncio.run(restart(Path(sys.argv[1])))
