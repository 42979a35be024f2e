"""The events screen's rows: counted, ranked, filtered; and that their severities are those of the health rules."""

from dataclasses import replace

import pytest
from fleets import T0, gpu_row, gpu_uuid, host_row, make_snapshot
from rich_fleet import RICH, rich_fleet

from leptontui.health.xid import xid_verdict
from leptontui.model.health import EVENTS, HostEvent, Severity
from leptontui.model.target import HostTarget
from leptontui.view.event_page import event_page
from leptontui.view.event_rows import CRITICAL_XIDS, event_rows, severity_of


def xid(host="a", at=T0, code=79, **over):
    return HostEvent(host, at, "xid", over.pop("gpu_uuid", None), code, over.pop("text", "off the bus"), **over)


def test_critical_codes_are_those_of_the_health_rules():
    critical = {code for code in range(1000) if xid_verdict(code).severity is Severity.CRITICAL}
    assert critical == CRITICAL_XIDS


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_has_a_severity_and_a_meaning(name):
    event = HostEvent("a", T0, name, None, None, "t")
    assert severity_of(event) in set(Severity)
    assert event_rows([event], {})[0].meaning == EVENTS[name]


def test_newest_first_and_the_same_again_is_counted():
    events = [xid(at=T0 - 9), xid(at=T0 - 5), xid(at=T0 - 7, code=31), xid(host="b", at=T0 - 1)]
    rows = event_rows(events, {})
    assert [(row.host, row.what, row.count) for row in rows] == [
        ("b", "Xid 79", 1),
        ("a", "Xid 79", 2),
        ("a", "Xid 31", 1),
    ]
    assert (rows[1].t_unix_s, rows[1].first_unix_s) == (T0 - 5, T0 - 9)


def test_other_gpus_and_what_was_before_are_counted_apart():
    events = [xid(gpu_uuid="G0"), xid(gpu_uuid="G1"), xid(gpu_uuid="G1", is_backlog=True)]
    assert [row.count for row in event_rows(events, {})] == [1, 1, 1]


def test_gpus_are_told_by_number_else_by_address():
    snapshot = make_snapshot(
        [host_row("a")],
        [gpu_row("a", 3)],
        events=(xid(gpu_uuid=gpu_uuid("a", 3)), xid(code=31, pci_bus_id="0000:3b:00.0")),
    )
    assert {row.where for row in event_page(snapshot).rows} == {"GPU 3", "0000:3b:00.0"}


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("", {"a", "b"}),
        ("host:a", {"a"}),
        ('host="a"', {"a"}),
        ("host:a*", {"a"}),
        ("!host:a", {"b"}),
        ("group:infer", {"b"}),
        ("sev>=critical", {"a"}),
        ("sev<critical", {"b"}),
        ("bus", {"a"}),
        ("nas1", {"b"}),
        ("nothing-of-the-kind", set()),
    ],
)
def test_filters(text, hosts):
    events = (xid(), HostEvent("b", T0, "nfs-silent", None, None, "nas1 does not answer"))
    targets = {"a": HostTarget("a", group="train"), "b": HostTarget("b", group="infer")}
    snapshot = make_snapshot([host_row("a"), host_row("b")], [], events=events, targets=targets)
    page = event_page(snapshot, text)
    assert ({row.host for row in page.rows}, page.error, page.total) == (hosts, "", 2)


def test_what_events_do_not_have_is_said_and_hides_nothing():
    page = event_page(make_snapshot([host_row("a")], [], events=(xid(),)), "util<10")
    assert len(page.rows) == 1
    assert "events have no util" in page.error
    assert "no field foo" in event_page(make_snapshot([host_row("a")], []), "foo:1").error


def test_hostile_lines_are_text():
    row = event_rows([xid(text="\x1b]0;owned\x07 [red]x[/]\nnext", pci_bus_id="\x1b[2J")], {})[0]
    assert row.text.isprintable()
    assert row.where.isprintable()
    assert "[red]x[/]" in row.text


def test_a_fleet_with_one_of_everything():
    page = event_page(rich_fleet(), f"host:{RICH}")
    assert [(row.what, row.count, row.is_backlog) for row in page.rows] == [
        ("Xid 63", 7, False),
        ("oom-kill", 1, False),
        ("nfs-silent", 1, True),
    ]
    assert page.total == 7
    assert event_page(replace(rich_fleet(), events=())).rows == ()
