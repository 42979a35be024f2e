"""Whatever happens to a fleet: nobody is told too often, of the wrong things, or not at all."""

from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from leptontui.alerts.notify.allowance import HOUR_S, Allowance
from leptontui.alerts.notify.memory import Memory, read, written
from leptontui.alerts.notify.mirror import HOLD_S, Mirror, next_unix_s, payload, reflect, taken, to_send
from leptontui.alerts.notify.spec import Policy
from leptontui.alerts.notify.wording import BODY_CHARS, TITLE_CHARS, words
from leptontui.model.alert import Alert, AlertGroup, AlertState, Level
from tests.unit.notify.boards import T0, Recipient, acknowledged, alert, group

STATES = st.sampled_from(["gone", "firing", "firing", "firing", "acknowledged", "silenced", "inhibited", "pending"])


@dataclass(frozen=True)
class Step:
    """What a fleet does: how long nothing changes, each alert's state and group, whether messages get through."""

    after_s: float
    states: tuple[str, ...]
    groups: tuple[int, ...]
    is_up: bool
    is_restart: bool


STEPS = st.lists(
    st.builds(
        Step,
        after_s=st.sampled_from([1.0, 2.0, 5.0, 30.0, 60.0, 400.0, 4000.0]),
        states=st.tuples(*[STATES] * 5),
        groups=st.tuples(*[st.integers(0, 2)] * 5),
        is_up=st.sampled_from([True, True, True, False]),
        is_restart=st.sampled_from([False, False, False, True]),
    ),
    max_size=40,
)
POLICIES = st.builds(
    Policy,
    levels=st.just(frozenset({Level.PAGE})),
    group_wait_s=st.sampled_from([0.0, 10.0, 30.0]),
    group_interval_s=st.sampled_from([0.0, 60.0, 300.0]),
    repeat_interval_s=st.sampled_from([0.0, 600.0, 14400.0]),
    per_hour=st.sampled_from([1, 2, 3, 30, 1000]),
    sends_resolved=st.booleans(),
)


def board(step: Step) -> list[AlertGroup]:
    members: dict[int, list[Alert]] = {}
    for n, (state, where) in enumerate(zip(step.states, step.groups, strict=True)):
        one = alert(str(n))
        if state == "gone":
            continue
        match state:
            case "acknowledged":
                one = acknowledged(one)
            case "silenced":
                one = replace(one, silenced_by="s")
            case "inhibited":
                one = replace(one, inhibited_by="i")
            case "pending":
                one = replace(one, state=AlertState.PENDING, fired_unix_s=None)
            case _:
                pass
        members.setdefault(where, []).append(one)
    return [group(f"g{where}", *alerts) for where, alerts in sorted(members.items())]


def told(policy: Policy, steps: list[Step], *, restarts: bool = True) -> Recipient:
    """Run the steps, asking again whenever the notifier says so, as its task does."""
    anna, now = Recipient(policy), T0
    for step in steps:
        if step.is_restart and restarts:
            anna.state = read(written(Memory(tellings={"anna": anna.state}))).tellings["anna"]
        anna.is_up = step.is_up
        anna.see(now, *board(step))
        end = now + step.after_s
        while anna.is_up and anna.due.next_unix_s is not None and anna.due.next_unix_s < end:
            assert anna.due.next_unix_s >= now, "it would spin"
            now = anna.due.next_unix_s
            anna.wait(now)
        now = end
    return anna


@settings(deadline=None, max_examples=150)
@given(POLICIES, STEPS)
def test_no_hour_holds_more_messages_than_allowed(policy: Policy, steps: list[Step]) -> None:
    times = [at for at, _ in told(policy, steps).got]
    for n, start in enumerate(times):
        assert sum(start <= at < start + HOUR_S - 1e-3 for at in times[n:]) <= policy.per_hour


@settings(deadline=None, max_examples=150)
@given(POLICIES, STEPS)
def test_only_what_fires_and_nobody_looks_after_is_told_and_only_what_was_told_ends(
    policy: Policy, steps: list[Step]
) -> None:
    open_for: set[str] = set()
    for _, message in told(policy, steps).got:
        assert message.parts or message.missed
        for part in message.parts:
            for one in (*part.new, *part.still):
                assert one.is_active
                assert policy.wants(one)
            new, still = {one.id for one in part.new}, {one.id for one in part.still}
            ended = {entry.id for entry in part.ended}
            assert part.new or part.still or part.ended
            assert not new & still
            if not policy.sends_resolved:
                assert not ended
                continue
            assert not new & open_for, "told twice"
            assert still <= open_for
            assert ended <= open_for, "an end of what nobody was told of"
            open_for = (open_for | new) - ended


@settings(deadline=None, max_examples=150)
@given(POLICIES, STEPS, st.tuples(*[STATES] * 5))
def test_in_the_end_everybody_knows_what_fires_and_what_does_not(
    policy: Policy, steps: list[Step], last: tuple[str, ...]
) -> None:
    """After the last change and an hour or two, what was told and is not yet ended is what fires."""
    quiet = Step(4 * HOUR_S + 3 * policy.group_interval_s, last, (0, 1, 2, 0, 1), is_up=True, is_restart=False)
    anna = told(policy, [*steps, quiet])
    open_for: set[str] = set()
    for _, message in anna.got:
        for part in message.parts:
            open_for |= {one.id for one in part.new}
            open_for -= {entry.id for entry in part.ended}
    firing = {str(n) for n, state in enumerate(last) if state == "firing"}
    hushed = {str(n) for n, state in enumerate(last) if state in {"acknowledged", "silenced", "inhibited"}}
    assert firing <= open_for
    if policy.sends_resolved:
        assert open_for <= firing | hushed
    assert anna.due.waiting == 0 or policy.repeat_interval_s


@settings(deadline=None, max_examples=80)
@given(POLICIES, STEPS)
def test_a_restart_changes_nothing_and_the_same_fleet_gives_the_same_messages(
    policy: Policy, steps: list[Step]
) -> None:
    assert told(policy, steps).got == told(policy, steps, restarts=False).got


@settings(deadline=None, max_examples=60)
@given(POLICIES, STEPS)
def test_every_message_can_be_put_into_words(policy: Policy, steps: list[Step]) -> None:
    for _, message in told(policy, steps).got:
        title, body = words(message)
        assert 0 < len(title) <= TITLE_CHARS
        assert title.isprintable()
        assert len(body) <= BODY_CHARS + 100
        assert all(line.isprintable() for line in body.split("\n"))


@given(st.integers(1, 100), st.lists(st.floats(0, 5000), max_size=200))
def test_the_allowance_holds_in_every_hour(per_hour: int, pauses: list[float]) -> None:
    allowance, now, sent = Allowance.full(per_hour, T0), T0, []
    for pause in pauses:
        now += pause
        if allowance.whole(per_hour, now):
            allowance = allowance.spent(per_hour, now)
            sent.append(now)
        else:
            at = allowance.next_unix_s(per_hour, now)
            assert at > now
            assert allowance.whole(per_hour, at + 1e-3) >= 1, "it waits for a time that does not come"
    for n, start in enumerate(sent):
        assert sum(at < start + HOUR_S - 1e-3 for at in sent[n:]) <= per_hour


@given(st.integers(2, 100))
def test_after_a_burst_the_next_message_is_soon_allowed(per_hour: int) -> None:
    allowance = Allowance.full(per_hour, T0)
    while allowance.whole(per_hour, T0):
        allowance = allowance.spent(per_hour, T0)
    assert allowance.next_unix_s(per_hour, T0) - T0 <= 2 * HOUR_S / per_hour


class FakeAlertmanager:
    """What Alertmanager makes of what it is sent: an alert fires until its `endsAt`."""

    def __init__(self) -> None:
        self.ends: dict[str, float] = {}

    def hear(self, mirror: Mirror, now: float) -> Mirror:
        for _ in range(100):
            sent = to_send(mirror, now)
            if not sent:
                return mirror
            for entry in sent:
                assert payload(entry, None, now, "bastion")["labels"]
                self.ends[entry.id] = now + HOLD_S if entry.ended_unix_s is None else entry.ended_unix_s
            mirror = taken(mirror, sent, now)
        raise AssertionError("it never stops telling")


@settings(deadline=None, max_examples=150)
@given(STEPS)
def test_alertmanager_sees_what_fires_and_ends_nothing_too_early(steps: list[Step]) -> None:
    policy, mirror, there, now = Policy(), Mirror(), FakeAlertmanager(), T0
    sent_once: set[str] = set()
    for step in steps:
        if step.is_restart:
            mirror = read(written(Memory(mirrors={"am": mirror}))).mirrors["am"]
        groups = board(step)
        end = now + step.after_s
        mirror, _ = reflect(policy, mirror, groups, (), now)
        while now < end:
            if step.is_up:
                mirror = there.hear(mirror, now)
                firing = {one.id: one for g in groups for one in g.alerts if one.state is AlertState.FIRING}
                for name, one in firing.items():
                    sent_once |= {name} if one.is_active else set()
                    if one.is_active or (name in mirror.alerts):
                        assert there.ends[name] > now, "it would tell that it ended"
                assert not [name for name, at in there.ends.items() if name not in firing and at > now], "it lingers"
            at = next_unix_s(mirror, now)
            now = min(end, max(now + 0.1, at)) if at is not None and step.is_up else end
