"""Locks that users share: who holds, who waits, what is counted, and what is not trusted."""

import asyncio
import fcntl
import json
import os
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from leptontui.actions import lock_files
from leptontui.actions.acts import Act, end_of, line_of, path_of, read_acts
from leptontui.actions.blast import Traffic
from leptontui.actions.lock_files import open_lock, shared_folder
from leptontui.actions.locks import Hold, Locks, SharedLocks, lock_name
from leptontui.actions.private_locks import PrivateLocks
from leptontui.errors import ActionError, GuardRefused

T0 = 1_800_000_000.0
ME = os.geteuid()


class Clock:
    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lock").mkdir()
    (tmp_path / "lock").chmod(0o1777)
    return tmp_path / "lock"


@pytest.fixture(params=["shared", "private"])
def locks(request: pytest.FixtureRequest, folder: Path, clock: Clock) -> Locks:
    return SharedLocks(lambda: folder, clock=clock) if request.param == "shared" else PrivateLocks(clock)


def act(plan_id: str, *names: str, out: bool = False, counted: bool = True, user: str = "anna") -> Act:
    return Act(plan_id, user, "restart", names[0], names, T0, is_counted=counted, takes_out=out)


def pass_all(_: Traffic) -> None:
    """Nothing speaks against it."""


async def refusal(locks: Locks, wanted: Act) -> GuardRefused:
    with pytest.raises(GuardRefused) as refused:
        await locks.take(wanted, pass_all)
    return refused.value


async def test_one_action_at_a_time_on_a_host(locks: Locks) -> None:
    hold = await locks.take(act("a", "gpu-017"), pass_all)
    refused = await refusal(locks, act("b", "gpu-017"))
    assert refused.rule == "busy"
    assert "anna began restart on gpu-017 at " in refused.cause
    holder = await locks.holder(["gpu-017"])
    assert holder is not None
    assert holder.rule == "busy"
    await hold.release()
    assert await locks.holder(["gpu-017"]) is None
    await locks.take(act("c", "gpu-017"), pass_all)


async def test_a_host_is_the_same_by_all_its_names(locks: Locks) -> None:
    await locks.take(act("a", "oncall@GPU-017.train.example:2222"), pass_all)
    assert (await refusal(locks, act("b", "gpu-017"))).rule == "busy"
    assert lock_name("10.0.0.7") == "10.0.0.7"
    assert lock_name("kube:prod/deployment/vllm") == "kube:prod/deployment/vllm"


async def test_all_that_is_needed_is_held_or_nothing(locks: Locks) -> None:
    await locks.take(act("a", "gpu-018"), pass_all)
    await refusal(locks, act("b", "gpu-017", "gpu-018"))
    assert await locks.holder(["gpu-017"]) is None


async def test_what_goes_on_is_counted(locks: Locks, clock: Clock) -> None:
    hold = await locks.take(act("a", "gpu-1", out=True), pass_all)
    await locks.take(act("b", "gpu-2", counted=False), pass_all)
    seen = await locks.look()
    assert (seen.under_way, seen.last_hour, seen.out, seen.broken_off) == (1, 1, frozenset({"gpu-1"}), ())
    await hold.release()
    seen = await locks.look()
    assert (seen.under_way, seen.last_hour, seen.out) == (0, 1, frozenset())
    clock.now += 3600
    assert (await locks.look()).last_hour == 0


async def test_a_judge_that_refuses_leaves_nothing_behind(locks: Locks) -> None:
    def judge(_: Traffic) -> None:
        raise GuardRefused("per-hour", "too many")

    with pytest.raises(GuardRefused, match="too many"):
        await locks.take(act("a", "gpu-017"), judge)
    assert await locks.holder(["gpu-017"]) is None
    assert (await locks.look()).last_hour == 0


async def test_what_is_counted_holds_until_the_lock_is_taken(folder: Path, clock: Clock) -> None:
    # Ten at once with room for three: counting and taking are one step, so exactly three get through.
    locks = [SharedLocks(lambda: folder, clock=clock) for _ in range(10)]

    def judge(traffic: Traffic) -> None:
        if traffic.under_way >= 3:
            raise GuardRefused("concurrent", "too many")

    taken = await asyncio.gather(
        *(each.take(act(str(n), f"gpu-{n}"), judge) for n, each in enumerate(locks)), return_exceptions=True
    )
    assert sum(not isinstance(one, BaseException) for one in taken) == 3


async def test_an_action_that_was_broken_off_is_told_for_an_hour(folder: Path, clock: Clock) -> None:
    locks = SharedLocks(lambda: folder, clock=clock)
    hold = await locks.take(act("a", "gpu-017", out=True), pass_all)
    while hold.handles:  # type: ignore[attr-defined]  # as the kernel does where the process is killed
        os.close(hold.handles.pop())  # type: ignore[attr-defined]
    clock.now += 120
    seen = await locks.look()
    assert seen.broken_off == (("gpu-017", "anna began restart on gpu-017 2 min ago"),)
    assert (seen.under_way, seen.out) == (0, frozenset({"gpu-017"}))
    await locks.settle("a")
    assert (await locks.look()).broken_off == ()


def test_a_killed_process_lets_go_and_leaves_word(folder: Path) -> None:
    """A real process that is killed while it holds a lock."""
    code = f"""
        import asyncio, sys, time
        from pathlib import Path
        from leptontui.actions.acts import Act
        from leptontui.actions.locks import SharedLocks
        locks = SharedLocks(lambda: Path({str(folder)!r}))
        act = Act("p", "bob", "reboot", "gpu-017", ("gpu-017",), time.time(), takes_out=True)
        asyncio.run(locks.take(act, lambda _: None))
        print("held", flush=True)
        sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        locks = SharedLocks(lambda: folder)
        holder = asyncio.run(locks.holder(["gpu-017"]))
        assert holder is not None
        assert "bob began reboot on gpu-017" in holder.cause
        assert asyncio.run(locks.look()).under_way == 1
        other.kill()
    assert asyncio.run(locks.holder(["gpu-017"])) is None
    seen = asyncio.run(locks.look())
    assert seen.under_way == 0
    assert seen.broken_off[0][1].startswith("bob began reboot on gpu-017")
    assert seen.out == frozenset({"gpu-017"})


# The files


def modes_in(folder: Path) -> list[int]:
    return [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()]


def lock_in(folder: Path) -> Path:
    (lock,) = folder.glob("*.lock")
    return lock


def spoil(folder: Path, mode: int | None) -> None:
    if mode is None:
        folder.rmdir()
    else:
        folder.chmod(mode)


async def take(folder: Path, plan_id: str = "a") -> Hold:
    return await SharedLocks(lambda: folder).take(act(plan_id, "gpu-017"), pass_all)


async def test_nobody_can_write_into_anothers_files_whatever_the_umask(folder: Path) -> None:
    before = os.umask(0o077)
    try:
        await take(folder)
    finally:
        os.umask(before)
    assert modes_in(folder) == [0o644] * 3  # the gate, the host's lock, this user's acts


async def test_what_a_line_says_of_its_user_is_shown_but_whose_file_it_is_counts(folder: Path) -> None:
    forged = path_of(folder, ME + 1)
    forged.write_bytes(line_of(act("x", "gpu-017", user="boss")))
    assert read_acts(folder) == ()


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
async def test_what_is_no_plain_file_of_ones_own_is_refused(folder: Path, tmp_path: Path, kind: str) -> None:
    (tmp_path / "elsewhere").write_text("mine")
    path = path_of(folder, ME)
    if kind == "link":
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(GuardRefused, match="nothing is run") as refused:
        await take(folder)
    assert refused.value.rule == "locks"
    assert (tmp_path / "elsewhere").read_text() == "mine"
    assert await SharedLocks(lambda: folder).holder(["gpu-017"]) is None


async def test_a_lock_that_is_a_link_or_a_pipe_is_refused(folder: Path, tmp_path: Path) -> None:
    os.close(open_lock(folder, "gpu-017"))
    lock = lock_in(folder)
    for is_pipe in (False, True):
        lock.unlink()
        if is_pipe:
            os.mkfifo(lock)
        else:
            lock.symlink_to(tmp_path / "x")
        with pytest.raises(GuardRefused, match="nothing is run"):
            await take(folder)
    assert not (tmp_path / "x").exists()


async def test_a_hard_link_to_another_file_is_not_written_to(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    os.link(tmp_path / "precious", path_of(folder, ME))
    with pytest.raises(GuardRefused, match="belongs to another user"):
        await take(folder)
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.parametrize(("mode", "said"), [(0o777, "no sticky bit"), (None, "No such file")])
async def test_a_folder_that_is_not_fit_is_refused(folder: Path, mode: int | None, said: str) -> None:
    spoil(folder, mode)
    with pytest.raises(GuardRefused, match=said) as refused:
        await take(folder)
    assert refused.value.rule == "locks"
    with pytest.raises(ActionError):
        await SharedLocks(lambda: folder).look()


async def test_a_gate_that_is_not_let_go_of_is_not_waited_for_for_ever(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_files, "WITHIN_S", 0.05)
    handle = open_lock(folder, "")
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(GuardRefused, match="does not let go"):
        await take(folder)
    os.close(handle)
    await take(folder)


def test_where_the_locks_are(tmp_path: Path, folder: Path) -> None:
    folder.chmod(0o755)
    with pytest.raises(ActionError, match="no place for the locks"):
        shared_folder((tmp_path / "nowhere", folder))
    folder.chmod(0o1777)
    if folder.stat().st_uid == 0:
        assert shared_folder((tmp_path / "nowhere", folder)) == folder


@pytest.mark.parametrize(
    "rubbish", [b"\xff\n", b"[]\n", b'{"t": "x", "plan": 3}\n', b'{"names": [1], "t": true}\n', b"{" * 5000]
)
async def test_rubbish_in_the_file_of_acts_is_left_out(folder: Path, rubbish: bytes) -> None:
    path_of(folder, ME).write_bytes(rubbish + line_of(act("a", "gpu-017")) + end_of("b"))
    path_of(folder, ME).chmod(0o644)
    assert len(read_acts(folder)) <= 1
    await take(folder, "c")


@pytest.mark.parametrize("begun", ["Infinity", "-Infinity", "NaN", "1e300", "-1", "99999999999999"])
async def test_a_time_that_no_clock_shows_is_left_out(folder: Path, begun: str) -> None:
    line = '{"t": %s, "plan": "p", "user": "bob", "action": "drain", "host": "gpu-017", "names": ["gpu-017"]}\n'
    path_of(folder, ME).write_text(line % begun)
    locks = SharedLocks(lambda: folder)
    assert await locks.look() == Traffic()
    handle = open_lock(folder, "gpu-017")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        holder = await locks.holder(["gpu-017"])
    finally:
        os.close(handle)
    assert holder is not None
    assert holder.cause == "another action is under way on gpu-017"


async def test_a_torn_line_does_not_spoil_the_next(folder: Path) -> None:
    path_of(folder, ME).write_bytes(line_of(act("a", "gpu-018"))[:-9])
    path_of(folder, ME).chmod(0o644)
    await take(folder, "b")
    assert [one.plan_id for one in read_acts(folder)] == ["b"]


async def test_a_file_of_acts_does_not_grow_for_ever(folder: Path, clock: Clock) -> None:
    old = b"".join(line_of(act(str(n), "gpu-017")) + end_of(str(n)) for n in range(3000))
    path_of(folder, ME).write_bytes(old)
    clock.now += 25 * 3600
    hold = await SharedLocks(lambda: folder, clock=clock).take(act("new", "gpu-017"), pass_all)
    await hold.release()
    lines = [json.loads(line) for line in path_of(folder, ME).read_bytes().splitlines()]
    assert len(lines) == 2
    assert lines[1] == {"end": "new"}


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Where other accounts get to, unlike a test's own folder."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o1777)
        yield Path(folder)


@pytest.mark.skipif(ME != 0, reason="only root can become two users")
def test_two_real_users_meet_at_the_lock_and_cannot_touch_each_others_files(open_folder: Path) -> None:
    """Two accounts, in a folder as /run/lock is; protected_regular is whatever this kernel has."""
    code = """
        import asyncio, concurrent.futures.thread, os, sys, time  # all of it before the account is another one
        from pathlib import Path
        from leptontui.actions.acts import Act
        from leptontui.actions.locks import SharedLocks
        from leptontui.errors import GuardRefused
        os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
        locks = SharedLocks(lambda: Path(sys.argv[1]))
        act = Act("p" + sys.argv[2], sys.argv[3], "drain", "gpu-017", ("gpu-017",), time.time())
        try:
            hold = asyncio.run(locks.take(act, lambda traffic: print("others", traffic.last_hour)))
        except GuardRefused as refused:
            print(refused.rule, refused.cause, flush=True)
        else:
            print("held", flush=True)
            sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(open_folder)]
    with subprocess.Popen([*command, "65533", "anna"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout is not None
        assert [one.stdout.readline(), one.stdout.readline()] == ["others 0\n", "held\n"]
        two = subprocess.run([*command, "65532", "bob"], input="", capture_output=True, text=True, check=True)
        assert two.stdout.startswith("busy another action is under way on gpu-017: anna began drain on gpu-017 at ")
        one.communicate(timeout=20)  # its input ends, and so does it, without a word of how its action ended
    three = subprocess.run([*command, "65532", "bob"], input="", capture_output=True, text=True, check=True)
    assert three.stdout == "others 1\nheld\n"
    assert path_of(open_folder, 65533).stat().st_uid == 65533
