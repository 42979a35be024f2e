"""The course of a fleet's alerts: causes, counts, shared care, restarts and takeovers in one."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from leptontui.alerts.care import acknowledgement
from leptontui.alerts.course import Course, Look, advance, grouped, restored, takeover, with_shared
from leptontui.alerts.shelf import Changes, Shared, Shelf
from leptontui.alerts.silences import make_silence
from leptontui.model.alert import Matcher
from leptontui.model.alert_history import Happening, HistoryQuery, Transition
from leptontui.model.evaluation import Evaluation, Finding, Standing
from tests.unit.alerts.life_scene import HOT, POLICIES, SOON, T0, XID, finding, gpu

HOSTS = {f"gpu-{n:03d}": {"group": "train"} for n in range(20)}
AT_ONCE = {name: replace(policy, for_s=0.0, keep_for_s=0.0) for name, policy in POLICIES.items()}


def look(
    course: Course, now: float, *met: Finding, shared: Shared | None = None, others: Standing = Standing.CLEAR
) -> tuple[Course, tuple[Transition, ...]]:
    found = {(one.rule, one.subject) for one in met}
    stands = {
        (alert.rule, alert.subject): others for alert in course.state.alerts if (alert.rule, alert.subject) not in found
    }
    evaluation = Evaluation(now, met, stands)
    return advance(course, Look(now, evaluation, AT_ONCE, HOSTS, shared or Shared(), 10.0), HOSTS.__contains__)


def test_the_board_counts_each_alert_once() -> None:
    met = (finding(), finding(XID, gpu("gpu-002")), finding(SOON, gpu("gpu-003")))
    course, told = look(Course(), T0, *met)
    board = course.board
    assert [one.happening for one in told] == [Happening.FIRED] * 3
    assert (board.pages, board.tickets, board.predicted, board.evaluated_unix_s) == (1, 1, 1, T0)
    assert sum(len(group.alerts) for group in board.groups) == 3
    assert board.groups[0].level.word == "page"
    known = course.state.alerts[0].id
    silence = make_silence((Matcher("rule", XID),), now_unix_s=T0, lasts_s=60, who="a", why="")
    shared = Shared({known: acknowledgement("anna", "", T0 + 1)}, (silence,))
    course, _ = look(course, T0 + 2, *met, shared=shared)
    assert (course.board.pages, course.board.acknowledged, course.board.tickets, course.board.silenced) == (0, 1, 0, 1)


def test_what_users_say_holds_at_once() -> None:
    course, _ = look(Course(), T0, finding())
    shared = Shared({course.state.alerts[0].id: acknowledgement("anna", "", T0 + 1)})
    course, told = with_shared(course, shared, T0 + 1)
    course, _ = grouped(course, T0 + 1)
    assert [one.happening for one in told] == [Happening.ACKNOWLEDGED]
    assert course.board.acknowledged == 1
    course, told = with_shared(course, Shared(), T0 + 2)
    assert [one.happening for one in told] == [Happening.UNACKNOWLEDGED]


def test_an_acknowledgement_from_an_earlier_time_does_not_hold_a_new_one() -> None:
    old = Shared({look(Course(), T0, finding())[0].state.alerts[0].id: acknowledgement("anna", "", T0)})
    course, _ = look(Course(), T0 + 500, finding(), shared=old)
    assert course.board.pages == 1


def test_a_host_that_cannot_be_reached_hides_what_it_carries() -> None:
    from leptontui.model.alert import Level, Subject
    from leptontui.model.alert_policy import RulePolicy
    from leptontui.model.series import Entity

    policies = {**AT_ONCE, "host-unreachable": RulePolicy("host-unreachable", Level.PAGE)}
    away = Finding("host-unreachable", Subject(Entity.HOST, "gpu-001"), (("host", "gpu-001"),), "gpu-001 is away")
    evaluation = Evaluation(T0, (finding(), away))
    seen = Look(T0, evaluation, policies, HOSTS, Shared(), 10.0)
    course, told = advance(Course(), seen, HOSTS.__contains__)
    assert [one.happening for one in told][-1] is Happening.INHIBITED
    assert (course.board.pages, course.board.inhibited) == (1, 1)
    evaluation = Evaluation(T0 + 2, (finding(),), {("host-unreachable", away.subject): Standing.CLEAR})
    course, told = advance(course, replace(seen, now_unix_s=T0 + 2, evaluation=evaluation), HOSTS.__contains__)
    assert [one.happening for one in told] == [Happening.RESOLVED, Happening.UNINHIBITED]


def test_what_ended_lately_is_shown_for_a_while_and_once() -> None:
    course, _ = look(Course(), T0, finding())
    course, _ = look(course, T0 + 2)
    course, _ = look(course, T0 + 4, finding())
    course, _ = look(course, T0 + 6)
    assert [alert.resolved_unix_s for alert in course.board.resolved] == [T0 + 6]
    course, _ = look(course, T0 + 3700)
    assert course.board.resolved == ()


def test_whoever_takes_over_tells_what_nobody_wrote_down() -> None:
    course, _ = look(Course(), T0, finding(), finding(XID, gpu("gpu-002")))
    hot, xid = course.state.alerts
    assert takeover(course.state, (hot, xid), T0 + 1) == ()
    gone = replace(hot, id="gone")
    told = takeover(course.state, (hot, gone), T0 + 1)
    assert [(one.happening, one.alert.id) for one in told] == [
        (Happening.FIRED, xid.id),
        (Happening.RESOLVED, "gone"),
    ]


FINDINGS = [finding(rule, gpu(host)) for rule in (HOT, XID, SOON) for host in ("gpu-001", "gpu-002")]


@given(
    steps=st.lists(
        st.tuples(
            st.lists(st.sampled_from(FINDINGS), unique=True),
            st.booleans(),
            st.sampled_from(["", "acknowledge", "restart"]),
        ),
        max_size=15,
    )
)
@settings(max_examples=40, deadline=None)
def test_a_restart_at_any_moment_changes_nothing_that_fires(steps) -> None:
    """What is written down at each step is enough: acknowledgements, ids and since when survive."""
    shelf, course, now = Shelf(None, "x"), Course(), T0
    shelf.lease("me", "me", T0, 1e6)
    for met, is_seen, what in steps:
        now += 2.0
        others = Standing.CLEAR if is_seen else Standing.UNSEEN
        course, told = look(course, now, *met, shared=shelf.shared(now), others=others)
        firing = tuple(alert for alert in course.state.alerts)
        ended = frozenset(one.alert.id for one in told if one.happening is Happening.RESOLVED)
        assert shelf.record("me", Changes(told, firing, ended=ended))
        if what == "acknowledge":
            shelf.acknowledge({alert.id: acknowledgement("anna", "", now) for alert in firing[:1]})
            course, told = with_shared(course, shelf.shared(now), now)
            shelf.record("me", Changes(told, course.state.alerts))
        if what == "restart":
            before = course
            course = restored(shelf.alive(), shelf.shared(now), shelf.history(HistoryQuery()), now)
            assert {alert.id: alert for alert in course.state.alerts} == {
                alert.id: alert for alert in before.state.alerts
            }
            assert course.state.ends == {known: times for known, times in before.state.ends.items() if times}
    shelf.close()
