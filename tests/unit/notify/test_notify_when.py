"""When people are told of what: one message for one trouble, and none that nobody needs."""

from dataclasses import replace

from leptontui.alerts.notify.memory import Memory, read, written
from leptontui.alerts.notify.message import News, delivered, due
from leptontui.alerts.notify.spec import Policy
from leptontui.alerts.notify.told import look
from leptontui.model.alert import AlertState, Level, Matcher
from leptontui.model.alert_history import Happening, Transition
from tests.unit.notify.boards import T0, Recipient, acknowledged, alert, group


def test_two_hundred_alerts_of_one_cause_are_one_message() -> None:
    anna = Recipient()
    for second in range(0, 30, 2):
        hosts = [alert(str(n)) for n in range((second + 2) * 7)][:200]
        assert not anna.see(T0 + second, group("bastion2", *hosts, title="hosts unreachable"))
    (message,) = anna.see(T0 + 30, group("bastion2", *[alert(str(n)) for n in range(200)], title="hosts unreachable"))
    assert [part.news for part in message.parts] == [News.FIRING]
    assert len(message.parts[0].new) == 200
    assert not anna.wait(T0 + 3600)


def test_a_group_is_waited_for_once_not_again_with_each_alert() -> None:
    anna = Recipient(Policy(group_wait_s=30))
    anna.see(T0, group("g", alert("a")))
    anna.see(T0 + 29, group("g", alert("a"), alert("b")))
    (message,) = anna.wait(T0 + 30)
    assert {one.id for one in message.parts[0].new} == {"a", "b"}


def test_what_is_new_in_a_told_group_comes_after_the_interval() -> None:
    anna = Recipient(Policy(group_wait_s=0, group_interval_s=300))
    anna.see(T0, group("g", alert("a")))
    assert not anna.see(T0 + 60, group("g", alert("a"), alert("b")))
    (message,) = anna.wait(T0 + 300)
    part = message.parts[0]
    assert part.news is News.UPDATE
    assert ([one.id for one in part.new], [one.id for one in part.still]) == (["b"], ["a"])


def test_what_is_worse_than_all_before_does_not_wait_for_the_interval() -> None:
    anna = Recipient(Policy(levels=frozenset(Level), group_wait_s=30, group_interval_s=3600))
    ticket = alert("a", level=Level.TICKET)
    anna.see(T0, group("g", ticket))
    assert anna.wait(T0 + 30)
    anna.see(T0 + 60, group("g", alert("b"), ticket))
    (message,) = anna.wait(T0 + 90)
    assert message.parts[0].level is Level.PAGE


def test_an_alert_that_gets_worse_is_told_again_and_its_end_once() -> None:
    anna = Recipient(Policy(levels=frozenset(Level), group_wait_s=0, group_interval_s=60))
    anna.see(T0, group("g", alert("a", level=Level.TICKET)))
    (message,) = anna.see(T0 + 10, group("g", alert("a")))
    assert [one.level for one in message.parts[0].new] == [Level.PAGE]
    anna.see(T0 + 20)
    (message,) = anna.wait(T0 + 70)
    assert [part.news for part in message.parts] == [News.RESOLVED]


def test_an_alert_that_gets_worse_and_ends_before_that_is_told_is_still_told_to_have_ended() -> None:
    anna = Recipient(Policy(levels=frozenset(Level), group_wait_s=30, group_interval_s=60))
    anna.see(T0, group("g", alert("a", level=Level.TICKET)))
    anna.wait(T0 + 30)
    assert not anna.see(T0 + 40, group("g", alert("a")))
    anna.see(T0 + 41)
    (message,) = anna.wait(T0 + 3600)
    assert message.parts[0].news is News.RESOLVED


def test_the_end_is_told_once_and_says_when() -> None:
    anna = Recipient(Policy(group_wait_s=0, group_interval_s=300))
    anna.see(T0, group("g", alert("a")))
    ended = replace(alert("a"), state=AlertState.RESOLVED, resolved_unix_s=T0 + 400)
    (message,) = anna.see(T0 + 402, steps=(Transition(Happening.RESOLVED, T0 + 400, ended),))
    assert message.parts[0].news is News.RESOLVED
    assert [entry.ended_unix_s for entry in message.parts[0].ended] == [T0 + 400]
    assert not anna.see(T0 + 90000)
    assert not anna.state.known
    assert not anna.state.sent


def test_what_ends_before_it_was_told_is_not_told() -> None:
    anna = Recipient(Policy(group_wait_s=30))
    anna.see(T0, group("g", alert("a")))
    anna.see(T0 + 20)
    assert not anna.wait(T0 + 9000)


def test_what_comes_and_goes_between_two_messages_is_not_told() -> None:
    anna = Recipient(Policy(group_wait_s=0, group_interval_s=300))
    anna.see(T0, group("g", alert("a")))
    for second in range(10, 250, 10):
        anna.see(T0 + second, *([group("g", alert("a"))] if second % 20 else []))
    anna.see(T0 + 260, group("g", alert("a")))
    assert not anna.wait(T0 + 310)
    assert len(anna.got) == 1


def test_part_of_a_group_that_ends_is_an_update() -> None:
    anna = Recipient(Policy(group_wait_s=0, group_interval_s=300))
    anna.see(T0, group("g", alert("a"), alert("b")))
    anna.see(T0 + 30, group("g", alert("b")))
    (message,) = anna.wait(T0 + 300)
    part = message.parts[0]
    assert part.news is News.UPDATE
    assert [entry.id for entry in part.ended] == ["a"]
    assert [one.id for one in part.still] == ["b"]


def test_what_nobody_looks_after_is_told_again() -> None:
    anna = Recipient(Policy(group_wait_s=0, repeat_interval_s=3600))
    anna.see(T0, group("g", alert("a")))
    assert not anna.wait(T0 + 3599)
    (message,) = anna.wait(T0 + 3600)
    assert message.parts[0].news is News.REMINDER
    anna.see(T0 + 3700, group("g", acknowledged(alert("a"))))
    assert not anna.wait(T0 + 90000)


def test_nothing_is_told_again_where_that_is_not_wanted() -> None:
    anna = Recipient(Policy(group_wait_s=0, repeat_interval_s=0))
    anna.see(T0, group("g", alert("a")))
    assert not anna.wait(T0 + 10**7)


def test_what_somebody_looks_after_is_not_told() -> None:
    for hushed in (
        acknowledged(alert("a")),
        replace(alert("a"), silenced_by="s1"),
        replace(alert("a"), inhibited_by="b"),
        replace(alert("a"), state=AlertState.PENDING, fired_unix_s=None),
    ):
        anna = Recipient(Policy(group_wait_s=0))
        assert not anna.see(T0, group("g", hushed))
        assert not anna.wait(T0 + 90000)
        assert not anna.see(T0 + 90001)


def test_what_is_acknowledged_while_it_waits_is_not_told() -> None:
    anna = Recipient(Policy(group_wait_s=30))
    anna.see(T0, group("g", alert("a")))
    anna.see(T0 + 10, group("g", acknowledged(alert("a"))))
    assert not anna.wait(T0 + 60)


def test_the_end_of_what_was_told_is_told_whoever_looks_after_it() -> None:
    for hushed in (
        acknowledged(alert("a")),
        replace(alert("a"), silenced_by="s1"),
        replace(alert("a"), inhibited_by="b"),
    ):
        anna = Recipient(Policy(group_wait_s=0, group_interval_s=10))
        anna.see(T0, group("g", alert("a")))
        assert not anna.see(T0 + 20, group("g", hushed))
        (message,) = anna.see(T0 + 30)
        assert message.parts[0].news is News.RESOLVED
        assert not anna.see(T0 + 40, group("g", hushed))


def test_what_flaps_is_told_once() -> None:
    anna = Recipient(Policy(group_wait_s=0))
    anna.see(T0, group("g", replace(alert("a"), flaps=3, is_flapping=True)))
    for n in range(1, 100):
        anna.see(T0 + n, group("g", replace(alert("a"), flaps=3 + n, is_flapping=True)))
    assert len(anna.got) == 1


def test_levels_labels_and_predictions_that_are_not_wanted_are_not_told() -> None:
    unwanted = [
        (Policy(group_wait_s=0), alert("a", level=Level.TICKET)),
        (Policy(group_wait_s=0, matchers=(Matcher("rack", "r2"),)), alert("a")),
        (Policy(group_wait_s=0, matchers=(Matcher("rack", "r.", is_regex=True, is_negated=True),)), alert("a")),
        (Policy(group_wait_s=0, matchers=(Matcher("absent", ""), Matcher("rack", "r", is_regex=True))), alert("a")),
        (Policy(group_wait_s=0, includes_predictive=False), alert("a", is_predictive=True)),
    ]
    for policy, one in unwanted:
        assert not Recipient(policy).see(T0, group("g", one))
    wanted = Policy(group_wait_s=0, matchers=(Matcher("rack", "r[1-9]", is_regex=True), Matcher("job", "")))
    assert Recipient(wanted).see(T0, group("g", alert("a", is_predictive=True)))


def test_groups_can_be_made_by_labels() -> None:
    anna = Recipient(Policy(group_wait_s=0, group_by=("rack",)))
    anna.see(T0, group("g1", alert("a")), group("g2", alert("b")))
    assert len(anna.got) == 1
    assert {one.id for one in anna.got[0][1].parts[0].new} == {"a", "b"}


def test_alerts_that_move_to_another_group_are_not_told_twice() -> None:
    anna = Recipient(Policy(group_wait_s=0, group_interval_s=60))
    anna.see(T0, group("a", alert("a")), group("b", alert("b")))
    assert len(anna.got) == 2
    assert not anna.see(T0 + 10, group("switch4", alert("a"), alert("b"), cause="switch: switch4"))
    assert not anna.wait(T0 + 600)
    (message,) = anna.see(T0 + 601)
    assert message.parts[0].news is News.RESOLVED
    assert len(message.parts[0].ended) == 2


def test_a_common_cause_found_later_is_told_soon_with_what_was_known() -> None:
    anna = Recipient(Policy(group_wait_s=30, group_interval_s=3600))
    anna.see(T0, group("a", alert("a")))
    anna.wait(T0 + 30)
    anna.see(T0 + 60, group("switch4", *[alert(name) for name in "abcd"]))
    (message,) = anna.wait(T0 + 90)
    assert ([one.id for one in message.parts[0].new], [one.id for one in message.parts[0].still]) == (
        ["b", "c", "d"],
        ["a"],
    )


def test_more_than_may_be_sent_comes_in_a_digest() -> None:
    anna = Recipient(Policy(group_wait_s=0, per_hour=10))
    messages = anna.see(T0, *[group(str(n), alert(str(n))) for n in range(40)])
    assert len(messages) == 1
    assert len(messages[0].parts) == 40
    assert messages[0].is_digest


def test_what_may_not_be_sent_yet_is_not_lost() -> None:
    anna = Recipient(Policy(group_wait_s=0, per_hour=2))
    anna.see(T0, group("a", alert("a")))
    assert not anna.see(T0 + 1, group("a", alert("a")), group("b", alert("b")), group("c", alert("c")))
    assert anna.due.waiting == 2
    assert anna.due.next_unix_s is not None
    (message,) = anna.wait(anna.due.next_unix_s)
    assert {part.key for part in message.parts} == {"b", "c"}


def test_an_outage_of_hours_ends_in_one_digest() -> None:
    anna = Recipient(Policy(group_wait_s=0, group_interval_s=60))
    anna.see(T0, group("old", alert("old")))
    anna.is_up = False
    for n in range(1, 100):  # hours in which things come and go
        board = [group(str(k), alert(str(k))) for k in range(n, n + 3)]
        anna.see(T0 + 120 * n, *board)
    anna.is_up = True
    (message,) = anna.wait(T0 + 120 * 100)
    assert {part.key for part in message.parts} == {"old", "99", "100", "101"}
    assert message.failing_unix_s == T0 + 120
    assert len(message.missed) + message.missed_more == 98
    assert len(message.missed) == 50
    assert not anna.wait(T0 + 120 * 101)
    assert not anna.state.missed
    assert not anna.state.missed_more


def test_what_ends_while_its_message_is_on_its_way_is_told_to_have_ended() -> None:
    anna = Recipient(Policy(group_wait_s=0, group_interval_s=60))
    anna.state, anna.troubles = look(anna.policy, anna.state, [group("g", alert("a"))], (), T0)
    message = due(anna.policy, anna.state, anna.troubles, T0).message
    assert message is not None
    anna.state, anna.troubles = look(anna.policy, anna.state, [], (), T0 + 5)
    anna.state = delivered(anna.policy, anna.state, message, T0 + 6)
    anna.see(T0 + 7)
    (end,) = anna.wait(T0 + 66)
    assert end.parts[0].news is News.RESOLVED


def test_what_begins_again_while_its_end_is_on_its_way_is_told_anew() -> None:
    anna = Recipient(Policy(group_wait_s=0, group_interval_s=0))
    anna.see(T0, group("g", alert("a")))
    anna.state, anna.troubles = look(anna.policy, anna.state, [], (), T0 + 5)
    message = due(anna.policy, anna.state, anna.troubles, T0 + 5).message
    assert message is not None
    assert message.parts[0].news is News.RESOLVED
    anna.state, anna.troubles = look(anna.policy, anna.state, [group("g", alert("a"))], (), T0 + 6)
    anna.state = delivered(anna.policy, anna.state, message, T0 + 7)
    (again,) = anna.see(T0 + 8, group("g", alert("a")))
    assert [one.id for one in again.parts[0].new] == ["a"]


def test_leaving_sends_what_still_waits_to_be_complete() -> None:
    anna = Recipient(Policy(group_wait_s=300))
    anna.see(T0, group("g", alert("a")), group("h", alert("b")))
    (message,) = anna.wait(T0 + 1, is_leaving=True)
    assert len(message.parts) == 2


def test_a_restart_tells_nothing_twice_and_ends_what_ended_meanwhile() -> None:
    anna = Recipient(Policy(group_wait_s=0, group_interval_s=60))
    anna.see(T0, group("g", alert("a")), group("h", alert("b")))
    memory = read(written(Memory(tellings={"anna": anna.state})))
    later = Recipient(anna.policy)
    later.state = memory.tellings["anna"]
    assert later.state == anna.state
    (message,) = later.see(T0 + 600, group("g", alert("a")))
    assert (message.parts[0].news, message.parts[0].key) == (News.RESOLVED, "h")


def test_a_memory_that_cannot_be_read_is_forgotten() -> None:
    for text in ("", "{", "[]", '{"version": 7}', '{"tellings": {"a": {"allowance": 3}}}', "null", "{}" * 3):
        assert read(text) == Memory()


def test_a_clock_that_is_set_back_silences_nobody() -> None:
    anna = Recipient(Policy(group_wait_s=10, group_interval_s=60, repeat_interval_s=0))
    anna.see(T0, group("g", alert("a")))
    anna.wait(T0 + 10)
    back = T0 - 86400
    anna.see(back, group("g", alert("a"), alert("b")), group("h", alert("c")))
    assert anna.wait(back + 60)
    assert {one.id for _, message in anna.got for part in message.parts for one in part.new} == {"a", "b", "c"}


def test_a_pattern_takes_no_longer_the_more_a_label_nearly_fits() -> None:
    policy = Policy(levels=frozenset(Level), matchers=(Matcher("job", "(a+)+", is_regex=True),))
    assert not policy.wants(replace(alert("x"), labels=(("job", "a" * 5000 + "!"),)))
    assert policy.wants(replace(alert("x"), labels=(("job", "a" * 5000),)))
