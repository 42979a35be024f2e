"""What messages say, word for word, and that what a host says stays text."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.alerts.notify.defuse import defused, link
from leptontui.alerts.notify.message import Message, News, Part
from leptontui.alerts.notify.told import Known
from leptontui.alerts.notify.trouble import of_error, of_status, of_words
from leptontui.alerts.notify.wording import BODY_CHARS, clock, lasting, words
from leptontui.model.alert import Level
from leptontui.model.series import Eta
from tests.unit.notify.boards import T0, alert

NOW = T0 + 720


def known(name: str, *, ended: float | None = NOW) -> Known:
    one = alert(name)
    return Known(
        name, "g", one.level, one.rule, one.subject.host, one.summary, T0, told_unix_s=T0 + 30, ended_unix_s=ended
    )


FULL = alert(
    "a",
    host="gpu017",
    summary="/scratch on gpu017 is full in 40 to 70 min",
    is_predictive=True,
    rule="disk-full-soon",
    labels=(("group", "train"), ("host", "gpu017"), ("rack", "r1"), ("rule", "disk-full-soon")),
    evidence=("93.1 % used, 1.2 % more every 10 min", "3 of 4 such predictions came true"),
    runbook="https://wiki.example/disk",
    action="clean-scratch",
    eta=Eta(98.0, NOW + 3300, NOW + 2400, NOW + 4200),
)

CASES = {
    "one alert in full": (
        Message((Part("g", News.FIRING, FULL.summary, new=(FULL,)),), NOW),
        """\
[PAGE, predicted] /scratch on gpu017 is full in 40 to 70 min
/scratch on gpu017 is full in 40 to 70 min
  since 2027-01-15 08:00 UTC (12 min)
  expected between 2027-01-15 08:52 UTC and 2027-01-15 09:22 UTC
  93.1 % used, 1.2 % more every 10 min
  3 of 4 such predictions came true
  suggested: clean-scratch
  runbook: https://wiki.example/disk
  rule: disk-full-soon, group=train, rack=r1""",
    ),
    "many of one cause": (
        Message(
            (
                Part(
                    "g",
                    News.FIRING,
                    "42 hosts unreachable: bastion2",
                    "bastion: bastion2",
                    new=tuple(alert(f"{n:02}") for n in range(42)),
                ),
            ),
            T0 + 30,
        ),
        """\
[PAGE] 42 hosts unreachable: bastion2
Common cause: bastion: bastion2
host-00 has lost a GPU
  since 2027-01-15 08:00 UTC
  rule: gpu-lost, rack=r1
"""
        + "".join(f"• host-{n:02} has lost a GPU\n" for n in range(1, 13))
        + "• and 29 more",
    ),
    "an update": (
        Message(
            (
                Part(
                    "g",
                    News.UPDATE,
                    "3 hosts",
                    new=(alert("c", level=Level.TICKET),),
                    still=(alert("b"),),
                    ended=(known("a"),),
                ),
            ),
            NOW,
        ),
        """\
[PAGE] Changed: 3 hosts
New (1):
host-c has lost a GPU
  since 2027-01-15 08:00 UTC (12 min)
  rule: gpu-lost, rack=r1
Resolved (1):
• host-a has lost a GPU (ended 2027-01-15 08:12 UTC)
Still firing (1):
• host-b has lost a GPU""",
    ),
    "a reminder": (
        Message((Part("g", News.REMINDER, "host-b has lost a GPU", still=(alert("b"),)),), T0 + 4 * 3600),
        """\
[PAGE] Still: host-b has lost a GPU
Still firing (1):
host-b has lost a GPU
  since 2027-01-15 08:00 UTC (4 h)
  rule: gpu-lost, rack=r1""",
    ),
    "an end": (
        Message((Part("g", News.RESOLVED, "2 hosts", ended=(known("a"), known("b"))),), NOW),
        """\
Resolved: 2 hosts
• host-a has lost a GPU (ended 2027-01-15 08:12 UTC)
• host-b has lost a GPU (ended 2027-01-15 08:12 UTC)""",
    ),
    "a digest after an outage": (
        Message(
            (
                Part("g", News.FIRING, "host-a has lost a GPU", new=(alert("a"),)),
                Part("h", News.RESOLVED, "2 hosts", ended=(known("b"), known("c"))),
            ),
            NOW,
            (known("d"),),
            2,
            T0,
        ),
        """\
[PAGE] 2 troubles at once: 1 new, 2 resolved, 3 came and went
Nothing could be sent from 2027-01-15 08:00 UTC to 2027-01-15 08:12 UTC.
• [PAGE] host-a has lost a GPU
• Resolved: 2 hosts (2 alerts)
Came and went while nothing could be sent:
• host-d has lost a GPU (ended 2027-01-15 08:12 UTC)
• and 2 more""",
    ),
    "a digest of very many": (
        Message(tuple(Part(str(n), News.FIRING, f"trouble {n}", new=(alert(str(n)),)) for n in range(30)), NOW),
        "[PAGE] 30 troubles at once: 30 new\n"
        + "".join(f"• [PAGE] trouble {n}\n" for n in range(15))
        + "and 15 more; leptontui shows them all",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_message_says(case: str) -> None:
    message, expected = CASES[case]
    assert "\n".join(words(message)) == expected


def test_a_body_has_an_end() -> None:
    long = replace(FULL, evidence=tuple(str(n) * 400 for n in range(50)))
    parts = (Part("g", News.REMINDER, "x" * 500, "y" * 500, still=tuple(replace(long, id=str(n)) for n in range(3))),)
    title, body = words(Message(parts, NOW))
    assert len(title) == 150
    assert len(body) < BODY_CHARS + 100
    assert body.endswith("leptontui shows them all")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min"), (3600, "1 h"), (11100, "3 h 5 min"), (187200, "2 d 4 h"), (-5, "0 s")],
)
def test_durations(seconds: float, expected: str) -> None:
    assert lasting(seconds) == expected


def test_a_time_out_of_the_calendar_is_no_traceback() -> None:
    assert clock(1e20) == clock(float("nan")) == clock(float("inf")) == "an unknown time"


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("<!channel> down", "‹!channel› down"),
        ("<!subteam^S1|ops> <@U123> <#C1>", "‹!subteam^S1|ops› ‹＠U123› ‹#C1›"),
        ("<https://evil.example|click>", "‹https://evil.example|click›"),
        ("@everyone @here, @room (@kim)", "＠everyone ＠here, ＠room (＠kim)"),
        ("kim@example.org ran user@gpu01", "kim@example.org ran user@gpu01"),
        ("[click](https://evil) [a]: x [b] (c)", "[click］(https://evil) [a］: x [b］ (c)"),
        ("&lt;!channel&gt; a & b", "＆lt;!channel＆gt; a & b"),
        ("temp < 85, 3 <5, x <= 2 > 1, a->b", "temp < 85, 3 <5, x <= 2 > 1, a->b"),
        ("<img src=x> \x1b[31mred\x07\nline", "‹img src=x> red line"),
        ("a\u202eb\u200bc@\u200beveryone", "abc＠everyone"),
    ],
)
def test_what_would_be_more_than_text_is_text(hostile: str, harmless: str) -> None:
    assert defused(hostile, 200) == harmless


@given(st.text(max_size=300), st.integers(1, 50))
def test_no_text_gets_through_as_more_than_text(text: str, limit: int) -> None:
    shown = defused(text, limit)
    assert len(shown) <= limit
    assert shown.isprintable()
    for hostile in ("<!", "<@", "<a", "](", " @a", "@everyone", "@here"):
        assert hostile not in shown


@pytest.mark.parametrize(
    "text",
    ["javascript:alert(1)", "https://", "http://a b", "https://x\nhttps://y", "file:///etc/passwd", "<https://x>"],
)
def test_only_a_web_address_is_a_link(text: str) -> None:
    assert link(text) == ""
    assert link("https://wiki.example/a?b=c#d") == "https://wiki.example/a?b=c#d"


def test_failures_are_told_in_words_that_repeat_nothing() -> None:
    assert of_status(204) == ""
    assert "(418)" in of_status(418)
    assert "(503)" in of_status(503)
    assert of_words("Failed to send X: error=401, see https://hooks/SECRET.") == of_status(401)
    assert of_words("something SECRET") == ""
    wrapped = RuntimeError("SECRET")
    wrapped.__cause__ = ConnectionRefusedError(111, "SECRET")
    assert of_error(wrapped) == "connection refused"
    loop = ValueError("SECRET")
    loop.__cause__ = loop
    assert of_error(loop) == "it failed"


@given(st.text(max_size=200))
def test_no_word_of_a_failure_is_repeated(text: str) -> None:
    text = f"{text} S3CRET {text}"
    for said in (of_words(text), of_error(ValueError(text)), of_error(OSError(5, text))):
        assert "S3CRET" not in said
