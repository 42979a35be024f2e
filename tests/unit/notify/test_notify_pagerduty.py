"""PagerDuty: one incident for one trouble, resolved when it ends, whatever groups it went through."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leptontui.alerts.notify import address
from leptontui.alerts.notify.file import examine_notifiers
from leptontui.alerts.notify.message import Message, News, Part
from leptontui.alerts.notify.pagerduty_way import MOST_INCIDENTS, PagerDutyWay, dedup_key, events
from leptontui.alerts.notify.spec import Policy, Secret, Way
from leptontui.cli import main
from leptontui.model.alert import Level
from tests.unit.notify.boards import T0, Recipient, alert, group
from tests.unit.notify.receiver import Receiver
from tests.unit.notify.test_notify_properties import HOUR_S, STATES, STEPS, Step, told

KEY = "0123456789abcdefINTEGRATION"


def opened(recipient: Recipient) -> dict[str, dict[str, Any]]:
    """The incidents that are open after all that was sent."""
    incidents: dict[str, dict[str, Any]] = {}
    for _, message in recipient.got:
        for event in events(message, "bastion"):
            name = str(event["dedup_key"])
            assert len(name) <= 255
            json.dumps(event)
            if event["event_action"] == "resolve":
                incidents.pop(name, None)
            else:
                incidents[name] = event["payload"]  # type: ignore[assignment]
    return incidents


def test_an_incident_says_what_it_is_and_is_resolved() -> None:
    anna = Recipient(Policy(group_wait_s=0, group_interval_s=0))
    anna.see(T0, group("g", alert("a", evidence=("Xid 79",))))
    (payload,) = opened(anna).values()
    assert payload["summary"] == "[PAGE] host-a has lost a GPU"
    assert (payload["severity"], payload["source"], payload["class"]) == ("critical", "host-a", "gpu-lost")
    assert payload["timestamp"] == "2027-01-15T08:00:00+00:00"
    assert "Xid 79" in payload["custom_details"]["message"]
    anna.see(T0 + 10)
    assert opened(anna) == {}


def test_more_of_the_same_trouble_joins_its_incident_and_a_part_that_ends_leaves_it_open() -> None:
    anna = Recipient(Policy(group_wait_s=0, group_interval_s=0))
    anna.see(T0, group("g", alert("a")))
    anna.see(T0 + 10, group("g", alert("a"), alert("b")))
    anna.see(T0 + 20, group("g", alert("b")))
    assert len(opened(anna)) == 1
    anna.see(T0 + 30)
    assert opened(anna) == {}


def test_incidents_of_alerts_that_became_one_group_are_all_resolved() -> None:
    anna = Recipient(Policy(group_wait_s=0, group_interval_s=0))
    anna.see(T0, group("a", alert("a")), group("b", alert("b")))
    anna.see(T0 + 10, group("switch4", alert("a"), alert("b"), alert("c")))
    assert len(opened(anna)) == 3
    anna.see(T0 + 20, group("switch4", alert("b"), alert("c")))
    anna.see(T0 + 30)
    assert opened(anna) == {}


def test_very_many_troubles_ring_a_few_times() -> None:
    parts = tuple(Part(str(n), News.FIRING, f"trouble {n}", new=(alert(str(n)),)) for n in range(100))
    sent = list(events(Message(parts, T0), "bastion"))
    assert len(sent) == MOST_INCIDENTS
    assert "91 troubles at once" in sent[-1]["payload"]["summary"]  # type: ignore[index]
    ends = tuple(Part(part.key, News.RESOLVED, part.title, closed=(part.key,)) for part in parts)
    names = {event["dedup_key"] for event in events(Message(ends, T0), "bastion")}
    assert [event["dedup_key"] in names for event in sent] == [True] * 9 + [False]


def test_a_reminder_rings_nobody() -> None:
    message = Message((Part("g", News.REMINDER, "t", still=(alert("a"),)),), T0)
    assert list(events(message, "bastion")) == []


@settings(deadline=None, max_examples=150)
@given(STEPS)
def test_when_all_is_well_no_incident_is_left(steps: list[Step]) -> None:
    policy = Policy(group_wait_s=10, group_interval_s=60, repeat_interval_s=0)
    gone = Step(4 * HOUR_S, ("gone",) * 5, (0, 1, 2, 0, 1), is_up=True, is_restart=False)
    assert opened(told(policy, [*steps, gone])) == {}


@settings(deadline=None, max_examples=150)
@given(STEPS, st.tuples(*[STATES] * 5))
def test_what_fires_in_the_end_has_an_incident(steps: list[Step], last: tuple[str, ...]) -> None:
    policy = Policy(group_wait_s=10, group_interval_s=60, repeat_interval_s=0)
    quiet = Step(4 * HOUR_S, last, (0, 1, 2, 0, 1), is_up=True, is_restart=False)
    anna = told(policy, [*steps, quiet])
    names = set(opened(anna))
    for entry in anna.state.known.values():
        assert dedup_key(entry.told_with) in names


def test_over_the_wire_with_the_key_and_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Receiver(status=202) as receiver:
        monkeypatch.setitem(address.REGIONS, "eu", f"http://127.0.0.1:{receiver.port}/v2/enqueue")
        file = tmp_path / "notify.toml"
        file.touch(0o600)
        file.write_text(f'[[notifier]]\nname = "pager"\npagerduty = "{KEY}"\nregion = "eu"\n')
        ((spec,), problems) = examine_notifiers(file)
        assert not problems
        assert (spec.way, spec.policy.sends_resolved, spec.policy.repeat_interval_s) == (Way.PAGERDUTY, True, 0)
        assert KEY not in repr(spec)
        assert main(["notify", "check", str(file)]) == 0
        assert main(["notify", "test", "pager", "-f", str(file)]) == 0
        (event,) = receiver.bodies
        assert (event["routing_key"], event["event_action"]) == (KEY, "trigger")
        receiver.status = 400
        assert main(["notify", "test", "pager", "-f", str(file)]) == 3
        said = capsys.readouterr()
        assert "does not accept the message (400)" in said.err
        assert KEY not in said.out + said.err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f'pagerduty = "{KEY}"\nregion = "us-east"', ':4: notifier 1: region: \'us-east\', expected "us" or "eu"'),
        ("pagerduty = 3", ":3: notifier 1: pagerduty: not a text"),
        (f'pagerduty = "{KEY}"\ntoken = "x123"', ":4: notifier 1: token: is for Alertmanager only"),
        ('url = "json://h"\nregion = "us"', ":4: notifier 1: region: is for pagerduty only"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, line: str, words: str) -> None:
    file = tmp_path / "notify.toml"
    file.touch(0o600)
    file.write_text(f'[[notifier]]\nname = "pager"\n{line}\n')
    specs, (problem,) = examine_notifiers(file)
    assert words in str(problem)
    assert KEY not in str(problem) + repr(specs)


def test_a_part_that_fails_is_said_and_the_whole_is_sent_again() -> None:
    with Receiver(status=500) as receiver:
        way = PagerDutyWay(Secret(f"http://127.0.0.1:{receiver.port}/"), Secret(KEY), "bastion")
        parts = tuple(Part(n, News.FIRING, n, new=(alert(n, level=Level.TICKET),)) for n in "ab")
        assert "(500)" in way.tell(Message(parts, T0))
        assert len(receiver.requests) == 1
        receiver.status = 202
        assert way.tell(Message(parts, T0)) == ""
    names = [body["dedup_key"] for body in receiver.bodies]
    assert names[0] == names[1] != names[2]
    assert {body["payload"]["severity"] for body in receiver.bodies} == {"warning"}
