"""What the fleet source judges by itself: pauses between dials, the probe's speech, and why it ended."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.errors import LinkError
from leptontui.model.link import FaultKind
from leptontui.sources.backoff import Backoff, Patience
from leptontui.sources.ssh_probe_end import fault_of_end
from leptontui.sources.ssh_speech import HISTORY_SWEEPS, MESSAGES_BURST, Speech
from leptontui.transport.contract import Completed
from leptontui.wire import Event, Hello, Sweep, encode

HELLO = encode(Hello(v=1, t_unix_s=1.0, hostname="gpu")).rstrip()
EVENT = encode(Event(v=1, t_unix_s=1.0, name="xid")).rstrip()
HISTORY = encode(Sweep(v=1, seq=1, t_unix_s=1.0, t_mono_s=1.0, is_history=True)).rstrip()


def hear_all(speech, lines, step_s=0.0):
    for number, line in enumerate(lines):
        speech.hear(line, number * step_s)


@given(st.integers(), st.integers(min_value=1, max_value=100))
def test_pauses_stay_within_bounds_and_grow(seed, failures):
    patience = Patience()
    backoff = Backoff(patience, random.Random(seed))
    pauses = [backoff.pause_s() for _ in range(failures)]
    for number, pause_s in enumerate(pauses, 1):
        assert 0.5 <= pause_s <= min(30.0, 0.5 * 2.0**number)


def test_the_first_pause_is_short_again_after_a_reset_and_many_pauses_differ():
    backoff = Backoff(Patience(), random.Random(3))
    pauses = {backoff.pause_s() for _ in range(50)}
    assert len(pauses) == 50
    assert max(pauses) > 20.0
    backoff.reset()
    assert backoff.pause_s() <= 1.0
    assert 270.0 <= backoff.refused_s() <= 330.0


@pytest.mark.parametrize(("interval_s", "stale_s"), [(0.1, 3.0), (1.0, 3.0), (5.0, 15.0)])
def test_stale_is_three_intervals_but_at_least_three_seconds(interval_s, stale_s):
    assert Patience().stale_after_s(interval_s) == stale_s


def test_a_message_a_second_is_never_a_flood():
    speech = Speech(1.0)
    assert speech.hear(HELLO, 0.0) is not None
    assert all(speech.hear(EVENT, float(second)) is not None for second in range(5000))


def test_sixty_messages_a_second_are_a_flood_in_the_long_run():
    speech = Speech(1.0)
    speech.hear(HELLO, 0.0)
    with pytest.raises(LinkError) as caught:
        hear_all(speech, [EVENT] * (60 * 120), step_s=1 / 60)
    assert caught.value.fault.kind is FaultKind.PROTOCOL


def test_history_is_no_flood_up_to_its_limit():
    speech = Speech(1.0)
    speech.hear(HELLO, 0.0)
    for _ in range(HISTORY_SWEEPS):
        assert speech.hear(HISTORY, 0.0) is not None
    with pytest.raises(LinkError):
        hear_all(speech, [HISTORY] * (int(MESSAGES_BURST) + 1))


def test_bad_lines_are_forgiven_after_a_minute():
    speech = Speech(1.0)
    speech.hear(HELLO, 0.0)
    for number in range(200):
        assert speech.hear(b"bad", number * 3.1) is None


def test_large_lines_are_a_flood_too():
    speech = Speech(1.0)
    speech.hear(HELLO, 0.0)
    large = b'{"kind":"event","v":1,"t_unix_s":1,"name":"x","text":"' + b"x" * 1_000_000 + b'"}'
    with pytest.raises(LinkError, match="floods"):
        hear_all(speech, [large] * 100)


def test_a_sweep_before_the_greeting_is_refused():
    with pytest.raises(LinkError, match="greeting"):
        Speech(1.0).hear(HISTORY, 0.0)


@given(st.lists(st.binary(max_size=200)))
def test_any_bytes_are_noise_a_message_or_a_refusal(lines):
    speech, kind = Speech(1.0), FaultKind.PROTOCOL
    try:
        hear_all(speech, lines)
    except LinkError as error:
        kind = error.fault.kind
    assert kind is FaultKind.PROTOCOL
    assert speech.last_noise.isprintable()


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (78, FaultKind.NO_PYTHON, "no awk or no /proc: last"),
        (127, FaultKind.NO_PYTHON, "no sh on the account's PATH: last"),
        (1, FaultKind.PROBE_FAILED, "status 1: last"),
        (0, FaultKind.PROBE_FAILED, "status 0: last"),
        (-9, FaultKind.PROBE_FAILED, "signal 9: last"),
        (None, FaultKind.PROBE_FAILED, "without a status: last"),
    ],
)
def test_how_a_probe_ended(status, kind, words):
    fault = fault_of_end(Completed(status, "", "first\n\x1b[31mlast\x1b[0m\n \n"))
    assert fault.kind is kind
    assert words in fault.cause


def test_a_probe_without_last_words():
    assert fault_of_end(Completed(1, "", "")).cause == "the probe ended with status 1"
    assert fault_of_end(Completed(1, "", ""), "go away").cause.endswith(": go away")
