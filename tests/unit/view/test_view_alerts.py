"""The triage page, the alerts' filter, typed matchers and durations."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from alert_boards import CUT_OFF, HOT, RESOLVED, STRAGGLER, XID, acknowledged, alert, alert_fleet, board, group
from fleets import T0
from hypothesis import given
from hypothesis import strategies as st

from leptontui.model.alert import AlertState, Level, Matcher
from leptontui.model.health import Severity
from leptontui.model.link import Outage
from leptontui.view.alert_filter import fits, terms_of
from leptontui.view.alert_places import apart
from leptontui.view.lasting import CHOICES, lasting
from leptontui.view.matcher_text import matchers_for, parse_matchers, written
from leptontui.view.triage_page import triage_page
from leptontui.view.triage_rows import Care, ChangeRow, Section
from leptontui.view.wall_page import wall_page
from leptontui.view.wall_troubles import WORST

EVENING = datetime(2026, 3, 14, 22, 30, tzinfo=UTC).timestamp()


@pytest.fixture(autouse=True)
def _utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("xid", True),
        ("XID bus", True),
        ("xid straggler", False),
        ("!straggler", True),
        ("host:gpu-001", True),
        ("host:gpu-00", False),
        ("host:gpu-*", True),
        ("host:a,gpu-001", True),
        ("job=8812", True),
        ("job:8813", False),
        ("level:page", True),
        ("!level:page", False),
        ("rack:*", True),
        ("rack:r*", False),
        ("off*bus", True),
        ("[", False),
        ("!", True),
        ("host:", False),
    ],
)
def test_the_filter(text, holds):
    assert fits(XID, terms_of(text)) is holds


@given(st.text(max_size=400))
def test_any_filter_is_understood_somehow(text):
    assert fits(XID, terms_of(text)) in {True, False}


@pytest.mark.parametrize(
    ("text", "matchers"),
    [
        ("host=gpu-001", (Matcher("host", "gpu-001"),)),
        ("host = gpu-001", (Matcher("host", "gpu-001"),)),
        ("a=b,c!=d", (Matcher("a", "b"), Matcher("c", "d", is_negated=True))),
        ('mount="/my disk" x!~"a,b"', (Matcher("mount", "/my disk"), Matcher("x", "a,b", True, True))),
        ('job=""', (Matcher("job", ""),)),
        (r'a="say \"x\" \\"', (Matcher("a", 'say "x" \\'),)),
    ],
)
def test_matchers_are_understood(text, matchers):
    typed = parse_matchers(text)
    assert typed.matchers == matchers
    assert not typed.error
    assert parse_matchers(written(matchers)).matchers == matchers


labels = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
values = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=20)


def test_a_value_that_looks_like_an_operator_is_quoted():
    assert written([Matcher("job", "~8812")]) == 'job="~8812"'
    assert list(parse_matchers('job="~8812"').matchers) == [Matcher("job", "~8812")]


@given(st.lists(st.builds(Matcher, labels, values, st.booleans(), st.booleans()), min_size=1, max_size=5))
def test_what_is_written_is_understood_as_it_was_meant(matchers):
    typed = parse_matchers(written(matchers))
    assert list(typed.matchers) == matchers
    assert not typed.error


@given(st.text(max_size=1200))
def test_matchers_never_fail_to_say_what_is_wrong(text):
    typed = parse_matchers(text)
    assert typed.matchers or typed.error


def test_matchers_are_what_alerts_share():
    assert written(matchers_for([XID])) == "rule=gpu-xid host=gpu-001 gpu=3"
    assert written(matchers_for(CUT_OFF)) == "rule=host-unreachable"
    same_host = [alert("a", "h", labels={"job": "1"}), alert("b", "h", labels={"job": "1"})]
    assert written(matchers_for(same_host)) == "host=h"
    same_rack = [alert("a", "h", labels={"rack": "r 1"}), alert("b", "i", labels={"rack": "r 1"})]
    assert written(matchers_for(same_rack)) == 'rack="r 1"'
    assert matchers_for([]) == ()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30m", 1800),
        ("2h", 7200),
        (" 1h 30m ", 5400),
        ("1.5h", 5400),
        ("3d", 259_200),
        ("tomorrow 08:00", 9.5 * 3600),
        ("tomorrow", 9.5 * 3600),
        ("until tomorrow 8", 9.5 * 3600),
        ("23:00", 1800),
        ("until 22:00", 23.5 * 3600),
    ],
)
def test_durations(text, seconds):
    found = lasting(text, EVENING)
    assert (found.seconds, found.error) == (seconds, "")


@pytest.mark.parametrize("text", ["", "8", "soon", "25:00", "10:61", "0m", "31d", "-2h", "2h or so", "1e9h", "9" * 50])
def test_what_is_no_duration_is_said(text):
    found = lasting(text, EVENING)
    assert found.error
    assert not found.seconds


@given(st.text(max_size=60))
def test_durations_are_bounded(text):
    found = lasting(text, EVENING)
    assert bool(found.error) != (60 <= found.seconds <= 30 * 86_400)


def test_what_is_offered_is_understood():
    assert all(not lasting(text, EVENING).error for text in CHOICES)


def test_what_nobody_looks_after_comes_first_in_the_boards_order():
    note = alert("n", "h", level=Level.NOTE)
    page = triage_page(alert_fleet(board(group(acknowledged(XID)), group(STRAGGLER), group(note), group(HOT))))
    rows = [row for row in page.rows if not isinstance(row, ChangeRow)]
    assert [row.alert.rule for row in rows] == ["gpu-straggler", "n", "gpu-xid", "gpu-hot-soon"]
    assert [row.section for row in rows] == [Section.NOW] * 3 + [Section.AHEAD]
    assert rows[2].care is Care.ACKNOWLEDGED


def test_a_group_that_is_partly_foretold_is_wrong_now():
    page = triage_page(alert_fleet(board(group(STRAGGLER, HOT, id="g")), events=()))
    assert page.rows[0].section is Section.NOW
    assert (page.groups_now, page.groups_ahead) == (1, 0)


def back(fleet, **filtered):
    page = triage_page(fleet, **filtered)
    return [(row.where, row.text) for row in page.rows if row.key[0] == "back"]


def test_a_host_that_was_lost_for_a_moment_is_told_to_be_back():
    one = Outage("gpu-001", T0 - 141, T0 - 100, "the connection was reset")
    old = Outage("gpu-002", T0 - 9000, T0 - 8000, "no answer")
    fleet = alert_fleet(board(), outages={one.host: one, old.host: old})
    assert back(fleet) == [("gpu-001", "answers again, out of reach for 41 s: the connection was reset")]
    assert back(fleet, text="host:gpu-001") == back(fleet)
    assert back(fleet, text="host:gpu-003") == []


def test_hosts_that_come_back_together_are_one_line():
    lost = [
        Outage(f"gpu-{n:03d}", T0 - 200, T0 - 170 + n, "bastion2: no route" if n else "time-out") for n in range(40)
    ]
    later = Outage("gpu-099", T0 - 50, T0 - 9, "")
    found = back(alert_fleet(board(), outages={one.host: one for one in (*lost, later)}))
    assert found == [
        ("gpu-099", "answers again, out of reach for 41 s"),
        ("40 hosts", "answer again, out of reach for 30 s to 69 s: bastion2: no route"),
    ]


def test_a_recovery_that_an_alert_told_is_told_once():
    outage = Outage("gpu-001", T0 - 600, T0 - 100, "no answer")
    ended = alert("host-unreachable", "gpu-001", state=AlertState.RESOLVED)
    ended = replace(ended, since_unix_s=T0 - 598, resolved_unix_s=T0 - 97)
    assert back(alert_fleet(board(resolved=(ended,)), outages={"gpu-001": outage})) == []
    before = replace(ended, since_unix_s=T0 - 5000)  # it told of something else
    assert len(back(alert_fleet(board(resolved=(before,)), outages={"gpu-001": outage}))) == 1


def test_what_is_pending_pushes_no_prediction_down():
    pending = [replace(alert(f"p{n}", f"gpu-{n:03d}"), state=AlertState.PENDING, fired_unix_s=None) for n in range(30)]
    page = triage_page(alert_fleet(board(group(XID), *map(group, pending), group(HOT))))
    rows = [row for row in page.rows if not isinstance(row, ChangeRow)]
    assert [row.section for row in rows] == [Section.NOW, Section.AHEAD, *[Section.PENDING] * 30]
    assert (page.groups_now, page.groups_ahead, page.groups_pending) == (1, 1, 30)
    mixed = triage_page(alert_fleet(board(group(STRAGGLER, pending[0], id="g"))))
    assert mixed.rows[0].section is Section.NOW, "one of them fires"
    foretold = replace(HOT, state=AlertState.PENDING)
    assert triage_page(alert_fleet(board(group(foretold)))).rows[0].section is Section.AHEAD


def test_a_filter_leaves_the_members_it_fits():
    page = triage_page(alert_fleet(board(group(*CUT_OFF, id="g"))), "host:gpu-009", {"g"})
    head, *rest = [row for row in page.rows if not isinstance(row, ChangeRow)]
    assert [one.subject.host for one in head.alerts] == ["gpu-009"], "keys act on what is shown"
    assert not rest, "one that is left stands for itself"


def test_changes_are_of_the_last_hour_and_newest_first():
    old = replace(RESOLVED, resolved_unix_s=T0 - 7200)
    page = triage_page(alert_fleet(board(group(acknowledged(XID)), resolved=(RESOLVED, old)), events=()))
    rows = [row for row in page.rows if isinstance(row, ChangeRow)]
    assert [row.what for row in rows] == ["acknowledged", "resolved", "fired"]
    assert [row.t_unix_s for row in rows] == sorted((row.t_unix_s for row in rows), reverse=True)


def test_what_one_rule_told_of_one_host_ends_in_one_line():
    ended = [
        replace(alert("full", "gpu-001", gpu=n), state=AlertState.RESOLVED, resolved_unix_s=T0 - 60 + n)
        for n in range(8)
    ]
    elsewhere = replace(alert("full", "gpu-002"), state=AlertState.RESOLVED, resolved_unix_s=T0 - 60)
    earlier = replace(ended[0], resolved_unix_s=T0 - 600)
    rows = triage_page(alert_fleet(board(resolved=(*ended, elsewhere, earlier)), events=())).rows
    told = [(row.what, row.where, row.count) for row in rows if isinstance(row, ChangeRow)]
    assert sorted(told) == [
        ("resolved", "gpu-001", 8),
        ("resolved", "gpu-001 GPU 0", 1),
        ("resolved", "gpu-002", 1),
    ]


def test_a_host_that_has_just_booted_is_a_change():
    snapshot = alert_fleet(board(), events=())
    hosts = snapshot.frames.hosts
    young = hosts.with_columns(uptime_s=hosts["uptime_s"].fill_null(9e9).set(hosts["host"] == "gpu-001", 600.0))
    page = triage_page(replace(snapshot, frames=replace(snapshot.frames, hosts=young)))
    (row,) = page.rows
    assert (row.what, row.host) == ("booted", "gpu-001")
    assert row.t_unix_s == pytest.approx(T0 - 600.6)


def test_the_wall_tells_each_trouble_once():
    snapshot = alert_fleet(board(group(*CUT_OFF, id="g"), group(XID), group(acknowledged(STRAGGLER))))
    page = wall_page(snapshot)
    assert [line.text for line in page.troubles][1:] == [XID.summary, STRAGGLER.summary]
    assert page.troubles[0].where == "12 hosts"
    assert page.troubles[2].taken_by == "anna"
    assert "gpu-001" not in [line.host for line in page.worst], "the alert tells of it already"
    assert [line.host for line in page.worst] == ["gpu-002"]
    assert (page.troubles_total, page.worst_total) == (3, 1)


def test_the_wall_is_bounded_and_counts_the_rest():
    many = [group(alert("r", f"x{n}")) for n in range(50)]
    quiet = replace(alert("s", "y"), silenced_by="s1")
    page = wall_page(alert_fleet(board(*many, group(quiet), group(alert("n", "z", level=Level.NOTE)))))
    assert len(page.troubles) == WORST
    assert page.troubles_total == 50


@pytest.mark.parametrize(
    ("text", "where", "left"),
    [
        ("gpu-001 GPU 3: off the bus", "gpu-001 GPU 3", "off the bus"),
        ("gpu-001: rebooted", "gpu-001", "rebooted"),
        ("gpu-001: rebooted", "gpu-001 GPU 3", "rebooted"),
        ("gpu-001 GPU 3: off the bus", "gpu-001", "GPU 3: off the bus"),
        ("gpu-0012: rebooted", "gpu-001", "gpu-0012: rebooted"),
        ("12 hosts unreachable", "bastion: b2", "12 hosts unreachable"),
        ("gpu-001 GPU 3: hot (+2 on gpu-001)", "gpu-001", "GPU 3: hot"),
        ("", "gpu-001", ""),
    ],
)
def test_a_place_is_told_once(text, where, left):
    assert apart(text, where, "gpu-001") == left


def test_what_fired_is_told_by_its_worst():
    mild = alert("mild", "gpu-001", level=Level.NOTE)
    page = triage_page(alert_fleet(board(group(mild, XID, title="gpu-001: much", cause="host: gpu-001")), events=()))
    (row,) = [row for row in page.rows if isinstance(row, ChangeRow)]
    assert (row.severity, row.where, row.text, row.count) == (Severity.CRITICAL, "gpu-001 GPU 3", "much", 2)
