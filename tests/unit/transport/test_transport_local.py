"""This machine as a host: the same contract, without a shell."""

import asyncio
import sys

import pytest

from leptontui.errors import CommandTimeout, LinkError, WireError
from leptontui.transport.local import LocalTransport

HERE = LocalTransport()


def python(code):
    return [sys.executable, "-c", code]


async def test_runs_without_a_shell():
    done = await HERE.run([*python("import sys; print(sys.argv[1:])"), "a b", "$HOME", ";"])
    assert (done.exit_status, done.stdout) == (0, "['a b', '$HOME', ';']\n")
    await HERE.connect()
    assert HERE.address == "this machine"
    await HERE.close()


async def test_status_stderr_stdin_and_signals():
    code = "import sys; print(sys.stdin.read()); print('no', file=sys.stderr); sys.exit(3)"
    done = await HERE.run(python(code), stdin=b"in")
    assert (done.exit_status, done.stdout, done.stderr) == (3, "in\n", "no\n")
    done = await HERE.run(python("import os; os.kill(os.getpid(), 9)"))
    assert done.exit_status == -9
    assert (await HERE.run(["no-such-command-here"])).exit_status == 127


async def test_stdin_that_nobody_reads_is_no_error():
    assert (await HERE.run(python("pass"), stdin=b"x" * 10_000_000)).exit_status == 0


async def test_output_is_limited():
    done = await HERE.run(python("print('x' * 1_000_000)"))
    assert (done.exit_status, len(done.stdout)) == (0, 256 * 1024)


async def test_a_hung_command_is_killed_with_its_children():
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    with pytest.raises(CommandTimeout):
        await HERE.run(python(code), timeout_s=0.5)


async def test_a_stream_ends_when_its_stdin_is_closed():
    code = "import sys\nfor l in sys.stdin: print(l, end='', flush=True)\nprint('bye', file=sys.stderr); sys.exit(4)"
    stream = await HERE.stream(python(code), stdin=b"one\ntwo\n")
    lines = stream.lines()
    assert [await anext(lines), await anext(lines)] == [b"one", b"two"]
    await lines.aclose()
    done = await stream.close()
    assert (done.exit_status, done.stderr) == (4, "bye\n")


async def test_a_stream_of_an_endless_line_is_refused():
    stream = await HERE.stream(python("import sys\nwhile True: sys.stdout.write('x' * 65536)"))
    lines = stream.lines()
    with pytest.raises(WireError):
        await anext(lines)
    done = await asyncio.wait_for(stream.close(), 20)
    assert done.exit_status != 0


async def test_a_stream_of_no_command_is_a_fault():
    with pytest.raises(LinkError, match="no-such-command-here"):
        await HERE.stream(["no-such-command-here"])


async def test_what_is_printed_is_heard_while_it_runs_beyond_what_is_kept():
    pieces = []
    done = await HERE.run(
        python("import sys; print('x' * 1000); sys.stderr.write('no'); sys.exit(1)"),
        output_limit=10,
        heard=pieces.append,
    )
    assert (done.exit_status, done.stdout, done.stderr) == (1, "x" * 10, "no")
    assert sorted(b"".join(pieces)) == sorted(b"x" * 1000 + b"\nno")


async def test_a_command_that_prints_without_end_is_killed_in_time():
    with pytest.raises(CommandTimeout):
        await asyncio.wait_for(HERE.run(["yes"], timeout_s=0.2, output_limit=1000), 30)


async def test_a_command_that_leaves_something_behind_is_not_waited_for_beyond_its_time():
    with pytest.raises(CommandTimeout):
        await asyncio.wait_for(HERE.run(["sh", "-c", "setsid sleep 40 & sleep 40"], timeout_s=0.2), 30)


async def test_a_command_that_is_given_up_ends():
    running = asyncio.ensure_future(HERE.run(["yes"], timeout_s=60.0, output_limit=1000))
    await asyncio.sleep(0.2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 30)
