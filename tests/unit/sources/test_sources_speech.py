"""What a host may print before and between what its probe says, and why a probe ended, in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.errors import LinkError
from leptontui.model.link import FaultKind
from leptontui.sources.ssh_probe_end import fault_of_end
from leptontui.sources.ssh_speech import NOISE_BYTES, NOISE_LINES, Speech
from leptontui.transport.contract import Completed
from leptontui.wire import Hello, Sweep, encode

HELLO = encode(Hello(v=1, t_unix_s=1.0, hostname="gpu")).rstrip()
SWEEP = encode(Sweep(v=1, seq=1, t_unix_s=1.0, t_mono_s=1.0)).rstrip()
NOISE = [
    b"*** Authorised use only ***",
    b"\x1b[31mmaintenance on Friday\x1b[0m",
    b"",
    b"\xff\xfe binary \x01\x00\x1b]0;title\x07",
    b'{"maintenance": true}',
    b'{"kind": "Pod", "apiVersion": "v1"}',
    b'{"kind":"Node"}',
    b'["kind","hello"]',
    b"{",
    b"null",
    b"1e999",
    b'{"kind":"hello"',
    b"[" * 5000,
]


def hear(speech, lines):
    for line in lines:
        speech.hear(line, 0.0)


@pytest.mark.parametrize("noise", NOISE, ids=range(len(NOISE)))
def test_noise_before_the_greeting_is_overlooked(noise):
    speech = Speech(1.0)
    assert speech.hear(noise, 0.0) is None
    assert isinstance(speech.hear(HELLO, 0.0), Hello)
    assert isinstance(speech.hear(SWEEP, 0.0), Sweep)
    assert speech.last_noise.isprintable()


NOT_OURS = st.binary(max_size=60).filter(lambda line: b'{"kind":"' not in line)


@given(st.lists(NOT_OURS, max_size=NOISE_LINES))
def test_any_noise_within_bounds_is_overlooked(lines):
    speech = Speech(1.0)
    assert [speech.hear(line, 0.0) for line in lines] == [None] * len(lines)
    assert isinstance(speech.hear(HELLO, 0.0), Hello)


@pytest.mark.parametrize("prompt", [b"root@gpu:~# ", b'{"kind":', b"\x1b[6n\xff", b'say "hello" \\'])
def test_a_prompt_without_a_newline_does_not_hide_the_greeting(prompt):
    assert isinstance(Speech(1.0).hear(prompt + HELLO, 0.0), Hello)


def test_once_it_has_greeted_a_line_is_taken_as_it_is():
    speech = Speech(1.0)
    speech.hear(HELLO, 0.0)
    assert speech.hear(b"prompt " + HELLO, 0.0) is None


def test_a_probe_of_another_version_is_refused_at_once():
    with pytest.raises(LinkError, match="protocol version 9"):
        Speech(1.0).hear(encode(Hello(v=9, t_unix_s=1.0, hostname="gpu")).rstrip(), 0.0)


@pytest.mark.parametrize("line", [b"x", b"x" * (NOISE_BYTES // 10)])
def test_much_noise_is_refused_and_its_last_line_shown(line):
    speech = Speech(1.0)
    with pytest.raises(LinkError, match="prints much before the probe speaks") as caught:
        hear(speech, [line] * (NOISE_LINES + 1))
    assert caught.value.fault.kind is FaultKind.PROTOCOL
    assert len(caught.value.fault.cause) <= 201


@pytest.mark.parametrize(
    ("status", "stdout", "stderr", "kind", "words"),
    [
        (
            1,
            "This account is currently not available.",
            "",
            FaultKind.PERMISSION_DENIED,
            "no login shell: This account",
        ),
        (1, "This account is not available", "", FaultKind.PERMISSION_DENIED, "no login shell: This account"),
        (1, "", "rbash: /bin/sh: restricted: cannot specify `/'", FaultKind.PERMISSION_DENIED, "runs no such commands"),
        (128, "", "fatal: Interactive git shell is not enabled.", FaultKind.PERMISSION_DENIED, "runs no such commands"),
        (1, "This service allows sftp connections only.", "", FaultKind.PERMISSION_DENIED, "runs no such commands"),
        (1, "*** forbidden command: sh", "", FaultKind.PERMISSION_DENIED, "runs no such commands"),
        (76, "Last login", "", FaultKind.PERMISSION_DENIED, "a shell in the place of the command"),
        (74, "", "", FaultKind.PROBE_FAILED, "read what was meant for the probe"),
        (127, "", "rbash: line 1: sh: command not found", FaultKind.NO_PYTHON, "no sh on the account's PATH: rbash"),
        (
            78,
            "",
            "lepton: neither a usable python3 (3.6 or newer) nor awk on this host",
            FaultKind.NO_PYTHON,
            "nor awk",
        ),
        (1, "", "", FaultKind.PROBE_FAILED, "status 1"),
        (70, "", "Traceback\nOSError: [Errno 5] restricted", FaultKind.PROBE_FAILED, "status 70: OSError"),
        (0, "", "", FaultKind.PROBE_FAILED, "status 0"),
    ],
)
def test_why_a_probe_ended_is_said_in_words(status, stdout, stderr, kind, words):
    fault = fault_of_end(Completed(status, "", stderr), stdout)
    assert fault.kind is kind
    assert words in fault.cause
    assert fault.mend or kind is FaultKind.PROBE_FAILED
