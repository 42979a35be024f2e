"""From a snapshot to the wallboard's page."""

import polars as pl
from rich_fleet import rich_fleet

from leptontui.model.health import Severity
from leptontui.model.link import Fault, FaultKind, Link, LinkCounts, LinkState
from leptontui.snapshot import FleetSnapshot, Frames
from leptontui.view.wall_page import WORST, wall_page

NOW = 1_000_000.0
EMPTY = pl.DataFrame(schema={"host": pl.String})
HOSTS = {"host": pl.String, "link": pl.String, "severity": pl.Int8, "health": pl.String, "received_unix_s": pl.Float64}
GPUS = HOSTS | {"index": pl.Int64, "job": pl.String, "state": pl.String, "util_pct": pl.Float64}


def snapshot(hosts, gpus, links=None):
    full_hosts = [{"link": "live", "severity": 0, "health": "", "received_unix_s": NOW} | row for row in hosts]
    base = {"link": "live", "severity": 0, "health": "", "received_unix_s": NOW, "job": None, "state": "present"}
    full_gpus = [base | {"util_pct": 100.0} | row for row in gpus]
    links = links or {row["host"]: Link(row["host"], LinkState.LIVE, NOW - 9) for row in full_hosts}
    frames = Frames(
        pl.DataFrame(full_hosts, schema=HOSTS), pl.DataFrame(full_gpus, schema=GPUS), EMPTY, EMPTY, EMPTY, EMPTY
    )
    return FleetSnapshot("f", 1, NOW, 1.0, links, LinkCounts.of(links.values()), 0, 0.5, frames)


def test_signs_say_severity_else_utilisation_by_gpu_index():
    gpus = [
        {"host": "a", "index": 3, "util_pct": None},
        {"host": "a", "index": 0, "util_pct": 0.0},
        {"host": "a", "index": 1, "severity": 4},
        {"host": "a", "index": 2, "util_pct": 49.0},
    ]
    assert wall_page(snapshot([{"host": "a"}], gpus)).hosts[0].signs == "0C4-"


def test_a_host_without_gpus_has_one_sign_of_its_own():
    page = wall_page(snapshot([{"host": "b", "severity": 1}, {"host": "a"}], []))
    assert [(host.name, host.signs) for host in page.hosts] == [("a", "-"), ("b", "U")]


def test_a_host_is_counted_only_for_what_is_not_its_gpus():
    gpus = [{"host": "a", "index": 0, "severity": 4, "health": "Xid 79"}]
    hosts = [
        {"host": "a", "severity": 4, "health": "GPU 0: Xid 79"},
        {"host": "b", "severity": 4, "health": "/ is full"},
    ]
    page = wall_page(snapshot(hosts, gpus))
    assert page.critical == 2
    assert [(line.host, line.gpu, line.text) for line in page.worst] == [("a", 0, "Xid 79"), ("b", None, "/ is full")]


def test_the_worst_ten_worst_first():
    gpus = [{"host": f"h{i:02d}", "index": 0, "severity": 2 + i % 3} for i in range(30)]
    page = wall_page(snapshot([{"host": f"h{i:02d}"} for i in range(30)], gpus))
    assert len(page.worst) == WORST
    assert {line.severity for line in page.worst} == {Severity.CRITICAL}
    assert (page.critical, page.predicted, page.warning) == (10, 10, 10)


def test_that_a_gpu_is_gone_is_as_fresh_as_its_host():
    hosts = [{"host": "a", "received_unix_s": NOW - 3}]
    gpus = [{"host": "a", "index": 1, "state": "gone", "severity": 4, "received_unix_s": None}]
    (line,) = wall_page(snapshot(hosts, gpus)).worst
    assert (line.is_gone, line.received_unix_s) == (True, NOW - 3)


def test_live_gpus_are_present_ones_on_live_hosts():
    gpus = [
        {"host": "a", "index": 0},
        {"host": "a", "index": 1, "state": "gone", "severity": 4},
        {"host": "a", "index": 2, "link": "stale"},
        {"host": "a", "index": 3, "link": None},
    ]
    page = wall_page(snapshot([{"host": "a"}], gpus))
    assert (page.gpus_live, page.gpus_total) == (1, 4)


def test_blindness_counts_whatever_is_not_live_and_names_the_most_frequent_cause():
    fault = Fault(FaultKind.NO_ROUTE, "bastion2 unreachable")
    links = {
        "a": Link("a", LinkState.LIVE, NOW - 999),
        "b": Link("b", LinkState.LOST, NOW - 60, fault),
        "c": Link("c", LinkState.LOST, NOW - 90, fault),
        "d": Link("d", LinkState.STALE, NOW - 30),
    }
    blindness = wall_page(snapshot([{"host": name} for name in "abcd"], [], links)).blindness
    assert blindness is not None
    assert (blindness.hosts, blindness.since_unix_s, blindness.cause, blindness.causes) == (
        3,
        NOW - 90,
        "bastion2 unreachable",
        2,
    )


def test_not_blind_when_every_host_is_live():
    assert wall_page(snapshot([{"host": "a"}], [])).blindness is None


def test_hosts_keep_their_place_whatever_their_health():
    hosts = [{"host": name, "severity": severity} for name, severity in (("c", 4), ("a", 0), ("b", 1))]
    assert [host.name for host in wall_page(snapshot(hosts, [])).hosts] == ["a", "b", "c"]


def test_hostile_names_are_made_fit():
    page = wall_page(snapshot([{"host": "a\x1b[2J", "severity": 4, "health": "\x07x"}], []))
    assert "\x1b" not in page.hosts[0].name
    assert "\x1b" not in page.worst[0].host
    assert page.worst[0].text == "x"


def test_instances_have_cells_and_are_no_further_gpus():
    page = wall_page(rich_fleet())
    assert page.gpus_total == 48
    assert page.gpus_live == 48 - 8 - 1 - 8, "lost, gone, hung"
    signs = {host.name: host.signs for host in page.hosts}
    assert len(signs["gpu-002"]) == 7 + 2, "the GPU that is divided has its instances' cells"
    assert len(signs["gpu-001"]) == 8
