"""Child processes of the probe: each in a process group of its own, with a time limit, and none left behind."""

import errno
import os
import signal
import subprocess
import threading
import time

from .gaps import Unreadable
from .parsing import clean

_PLACES = ("/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/run/current-system/sw/bin")
_REAP_S = 0.5
# The shell that becomes the child. The probe alone has the other end of its stdin: whoever waits for that to close
# learns of the probe's end, however it ends, and kills the whole group.
_GUARD = 'exec 3<&0 </dev/null; (read -r line <&3; kill -9 -$$) >/dev/null 2>&1 & exec 3<&-; exec "$@"'
_running = {}  # type: dict[int, subprocess.Popen[bytes]]
_turn = threading.Lock()


def which(name):
    """The full path of the system's command `name`, None if there is none. The user's PATH is not looked at."""
    for place in _PLACES:
        path = "%s/%s" % (place, name)
        if os.access(path, os.X_OK):
            return path
    return None


def start(argv, *, is_lasting=False):
    """A child that runs `argv`, with nothing to read, and pipes for what it prints. May block: call it in a thread.

    Args:
        argv: argument vector.
        is_lasting: whether it does not end by itself: then it is ended even if the probe is killed.

    Raises:
        OSError: it cannot be started.
    """
    child = subprocess.Popen(  # noqa: S603 — argument vectors of the probe's own, and no shell
        ["/bin/sh", "-c", _GUARD, "lepton-child"] + argv if is_lasting else argv,
        stdin=subprocess.PIPE if is_lasting else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        close_fds=True,
        # So that it can be ended with all that it has started, and gets no signal meant for others.
        start_new_session=True,
        cwd="/",
        env={"PATH": ":".join(_PLACES), "LC_ALL": "C"},
    )
    with _turn:
        _running[child.pid] = child
    return child


def end(child):
    """End a child and what it has started; nothing if it has ended. One that cannot be killed is not waited for."""
    if child.poll() is None:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except OSError as error:
            if error.errno != errno.ESRCH:
                raise
    until = time.monotonic() + _REAP_S
    while child.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()
    with _turn:
        _running.pop(child.pid, None)


def end_all():
    """End all that still run."""
    with _turn:
        children = list(_running.values())
    for child in children:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except OSError:
            # It has ended by itself.
            pass


def output_of(argv, limit_s):
    """What a command prints, as bytes. Blocks for `limit_s` at most: call it in a thread.

    Raises:
        Unreadable: it failed, or took too long.
        OSError: it cannot be started.
    """
    child = start(argv)
    name = os.path.basename(argv[0])
    try:
        printed, complaint = child.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired as error:
        raise Unreadable("%s has not answered for %g s" % (name, limit_s)) from error
    finally:
        end(child)
    if child.returncode:
        words = clean(complaint.strip().partition(b"\n")[0], 120)
        raise Unreadable("%s: %s" % (name, words or "exit status %d" % child.returncode))
    return printed
