"""The way back: strict lines, and an end to everything once nobody listens."""

import contextlib
import json
import os
import threading

import pytest

from leptontui.probe.channel import Channel, Closed, line_of


class Pipes:
    """A channel with both its other ends."""

    def __init__(self):
        stdin, self.theirs = os.pipe()
        self.read, self.stdout = os.pipe()
        self.channel = Channel(stdin, self.stdout)
        self._all = [stdin, self.theirs, self.read, self.stdout]

    def close(self, *descriptors):
        for fd in descriptors or list(self._all):
            with contextlib.suppress(OSError):
                os.close(fd)
            self._all.remove(fd)


@pytest.fixture
def pipes():
    pipes = Pipes()
    yield pipes
    pipes.channel.close()
    pipes.close()


def test_a_line_longer_than_a_pipe_arrives_whole(pipes):
    message = {"text": "x" * 300_000}
    received = []

    def listen():
        while not received or not received[-1].endswith(b"\n"):
            received.append(os.read(pipes.read, 65536))

    listener = threading.Thread(target=listen)
    listener.start()
    pipes.channel.say(message)
    listener.join(20)
    assert json.loads(b"".join(received)) == message


def test_it_does_not_wait_for_a_reader_when_stdin_has_closed(pipes):
    os.set_blocking(pipes.stdout, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(pipes.stdout, b"x" * 4096)
    os.set_blocking(pipes.stdout, True)
    pipes.close(pipes.theirs)
    with pytest.raises(Closed):
        pipes.channel.say({"text": "y"})


@pytest.mark.parametrize("end", ["theirs", "read"])
def test_waiting_ends_when_an_end_closes(pipes, end):
    pipes.close(getattr(pipes, end))
    with pytest.raises(Closed):
        pipes.channel.wait(600.0)


def test_writing_ends_when_nobody_reads_any_more(pipes):
    pipes.close(pipes.read)
    with pytest.raises(Closed):
        pipes.channel.say({"text": "y"})


def test_what_is_said_to_it_is_read_and_ignored(pipes):
    os.write(pipes.theirs, b"hello there\n")
    pipes.channel.wait(600.0)
    pipes.channel.wait(0.0)


def test_a_byte_to_wake_ends_a_wait(pipes):
    pipes.channel.wake()
    pipes.channel.wait(600.0)


def test_waking_never_blocks_and_does_no_harm_after_the_end():
    pipes = Pipes()
    for _ in range(70_000):
        pipes.channel.wake()
    pipes.channel.wait(600.0)
    pipes.channel.close()
    taken = os.pipe()
    pipes.channel.wake()
    os.set_blocking(taken[0], False)
    with pytest.raises(BlockingIOError):
        os.read(taken[0], 1)
    for fd in taken:
        os.close(fd)
    pipes.close()


def test_what_is_watched_is_called(pipes):
    read, write = os.pipe()
    calls = []
    pipes.channel.watch(read, lambda: calls.append(os.read(read, 10)))
    os.write(write, b"x")
    pipes.channel.wait(600.0)
    pipes.channel.unwatch(read)
    os.write(write, b"x")
    pipes.channel.wait(0.0)
    assert calls == [b"x"]
    os.close(read)
    os.close(write)


def test_numbers_that_json_does_not_know_are_refused():
    with pytest.raises(ValueError, match="JSON"):
        line_of({"value": float("nan")})
    assert line_of({"value": None, "text": "ü\n"}).count(b"\n") == 1
