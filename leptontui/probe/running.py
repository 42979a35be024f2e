"""One run of a command of the inventory: in a session of its own, limited in time and output, and never left behind."""

import os
import select
import signal
import time

OUTPUT_BYTES = 1 << 16
"""Bytes a run may print."""
_ERRORS_BYTES = 4096
_STEP_S = 0.05
_REAP_S = 1.0

# The shell that becomes the command. Its stdin is a pipe of which only the probe has the other end: whoever reads it
# learns of the probe's end, however it ends, and kills the whole group, which is numbered as this shell is.
_GUARDED = (
    "exec 3<&0 </dev/null; (read -r line <&3; kill -9 -$$) >/dev/null 2>&1 & exec 3<&-; "
    'cd /; command -v nice >/dev/null 2>&1 && exec nice -n 19 "$@"; exec "$@"'
)
_SHELL = "/bin/sh"


class Stopped(Exception):
    """The run came to nothing; says why."""


def program_of(command):
    """The path of the program of `command`, an argument vector.

    Raises:
        Stopped: there is no such program, or it may not be run.
    """
    name = command[0] if command else ""
    if not name or any("\0" in word for word in command):
        raise Stopped("the command is empty or has a NUL in it")
    if "/" in name:
        candidates = [name]
    else:
        path = os.environ.get("PATH") or "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        candidates = [os.path.join(directory or ".", name) for directory in path.split(":")]
    found = [candidate for candidate in candidates if os.path.isfile(candidate)]
    for candidate in found:
        if os.access(candidate, os.X_OK):
            return os.path.abspath(candidate)
    raise Stopped("%s %s" % (name, "may not be run by this user" if found else "is not on this host"))


class Run:
    """A command that runs.

    Args:
        command: argument vector.
        timeout_s: how long it may take.

    Raises:
        Stopped: it cannot be started.
    """

    def __init__(self, command, timeout_s):
        # Costs a megabyte: only for hosts that have scripts.
        import subprocess  # noqa: PLC0415

        self._timeout_s = timeout_s
        self._is_over = False
        program = program_of(command)
        try:
            self._process = subprocess.Popen(  # noqa: S603 — the inventory's command: what this is for
                [_SHELL, "-c", _GUARDED, "lepton-script", program] + list(command[1:]),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                env=dict(os.environ, LC_ALL="C"),
            )
        except (OSError, ValueError) as error:
            raise Stopped("cannot be started: %s" % error) from error
        self._until = time.monotonic() + timeout_s

    def output(self):
        """What it printed, as bytes, once it has ended well.

        Raises:
            Stopped: it did not; nothing of it runs any more.
        """
        pipes = {self._process.stdout.fileno(): bytearray(), self._process.stderr.fileno(): bytearray()}
        try:
            self._listen(pipes)
        except BaseException:
            self.kill()
            raise
        finally:
            status = self._end()
        printed, complaint = (bytes(pipe) for pipe in pipes.values())
        if status:
            raise Stopped(_in_words(status, complaint))
        return printed

    def _listen(self, pipes):
        """Gather what it prints until it has ended."""
        poll = select.poll()
        for fd in pipes:
            os.set_blocking(fd, False)
            poll.register(fd, select.POLLIN)
        is_open = set(pipes)
        while True:
            has_ended = self._has_ended()
            ready = [fd for fd, _ in poll.poll(0 if has_ended else int(_STEP_S * 1000))] if is_open else []
            if not is_open and not has_ended:
                time.sleep(_STEP_S)
            for fd in ready:
                if not self._take(fd, pipes[fd], fd == self._process.stdout.fileno()):
                    poll.unregister(fd)
                    is_open.discard(fd)
            # What its children still hold open is not waited for.
            if has_ended and not ready:
                return
            if time.monotonic() >= self._until:
                raise Stopped("killed: it took longer than %g s" % self._timeout_s)

    def _take(self, fd, gathered, is_output):
        """Take what there is; returns whether there may be more."""
        try:
            piece = os.read(fd, OUTPUT_BYTES)
        except BlockingIOError:
            return True
        if is_output:
            gathered += piece
            if len(gathered) > OUTPUT_BYTES:
                raise Stopped("killed: it printed more than %d KiB" % (OUTPUT_BYTES >> 10))
        else:
            # The last words count.
            gathered += piece
            del gathered[:-_ERRORS_BYTES]
        return bool(piece)

    def _has_ended(self):
        # Left a zombie: so long its number, which is its group's, cannot be another's.
        try:
            return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def kill(self):
        """Kill it with its children, those in groups of their own included. For any thread."""
        if not self._is_over:
            for pid in _session(self._process.pid):
                _kill(os.kill, pid)
            _kill(os.killpg, self._process.pid)

    def _end(self):
        """Kill what is left of its group; returns its exit status, negative for a signal, None where it lives on."""
        self._is_over = True
        _kill(os.killpg, self._process.pid)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            pipe.close()
        until = time.monotonic() + _REAP_S
        while not self._has_ended() and time.monotonic() < until:
            time.sleep(_STEP_S / 10)
        return self._process.poll()


def _kill(kill, number):
    try:
        kill(number, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # It has ended, or is another user's by now (a script that is setuid).
        pass


def _session(leader):
    """The processes of `leader`'s session: those that left its group for one of their own are in it."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.getsid(int(name)) == leader:
                    found.append(int(name))
            except OSError:
                # It has ended meanwhile.
                pass
    return found


def _in_words(status, complaint):
    what = "signal %d" % -status if status < 0 else "exit status %d" % status
    lines = [line for line in complaint.decode("utf-8", "replace").splitlines() if line.strip()]
    return "%s: %s" % (what, lines[-1].strip()[:120]) if lines else what
