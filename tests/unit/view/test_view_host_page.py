"""From a snapshot to the page of one host, and what its chart can show."""

import polars as pl
import pytest

from leptontui.health.thresholds import threshold_for
from leptontui.model.health import HostEvent, Severity
from leptontui.model.link import Fault, FaultKind, Link, LinkCounts, LinkState
from leptontui.model.series import Entity, Eta, Forecast, SeriesKey
from leptontui.snapshot import FleetSnapshot, Frames
from leptontui.view.host_charts import Limit, choices_of, limit_of
from leptontui.view.host_page import host_page
from leptontui.view.host_rows import PROCESS_LIMIT, throttle_words

NOW = 1_000_000.0
EMPTY = pl.DataFrame(schema={"host": pl.String})


def host(name, **over):
    return {
        "host": name,
        "group": "train",
        "link": "live",
        "received_unix_s": NOW - 1,
        "severity": 0,
        "health": "",
        "cpu_util_pct": 12.5,
        "cores_pct": [1.0, 2.0],
        "memory_total_bytes": 1000,
        "cpu_count": 64,
    } | over


def gpu(name, index, **over):
    return {
        "host": name,
        "uuid": f"{name}-{index}",
        "index": index,
        "temp_c": 50.0,
        "temp_slowdown_c": 87.0,
        "memory_used_bytes": 10,
        "memory_total_bytes": 80,
        "severity": 0,
    } | over


def snapshot(hosts, gpus=(), **over):
    parts = {
        name: pl.DataFrame(over.pop(name)) if name in over else EMPTY
        for name in ("filesystems", "disks", "nics", "processes")
    }
    links = {row["host"]: Link(row["host"], LinkState(row["link"]), NOW - 100) for row in hosts}
    fields = {
        "fleet": "f",
        "seq": 1,
        "t_unix_s": NOW,
        "interval_s": 1.0,
        "links": links,
        "link_counts": LinkCounts.of(links.values()),
        "dropped_sweeps": 0,
        "newest_age_s": 1.0,
        "frames": Frames(pl.DataFrame(hosts), pl.DataFrame(gpus) if gpus else EMPTY, **parts),
    }
    return FleetSnapshot(**(fields | over))


def test_only_this_host_and_gpus_by_index():
    page = host_page(snapshot([host("a"), host("b")], [gpu("a", 1), gpu("b", 0), gpu("a", 0)]), "a")
    assert [row.uuid for row in page.gpus] == ["a-0", "a-1"]
    assert page.vitals is not None
    assert page.vitals.cores_pct == (1.0, 2.0)


def test_missing_columns_and_nulls_are_none_not_0():
    page = host_page(snapshot([host("a", cpu_util_pct=None)], [gpu("a", 0, temp_c=None)]), "a")
    assert page.vitals is not None
    assert page.vitals.cpu_util_pct is None
    assert page.vitals.swap_used_bytes is None
    assert page.gpus[0].temp_c is None
    assert page.gpus[0].power_w is None


def test_a_host_the_fleet_does_not_have():
    page = host_page(snapshot([host("a")]), "nowhere")
    assert page.vitals is None
    assert page.link is None
    assert page.severity is Severity.UNKNOWN
    assert choices_of(page, None) == ()


def test_texts_are_made_fit_but_identities_stay():
    evil = "\x1b]0;owned\x07evil\x1b[31m"
    page = host_page(
        snapshot(
            [host("a", health=evil)],
            [gpu("a", 0)],
            filesystems=[{"host": "a", "mount": "/x\x1b[2J", "total_bytes": 10, "used_bytes": 5}],
            unavailable={"a": (evil,)},
        ),
        "a",
    )
    assert page.vitals is not None
    assert "\x1b" not in (page.vitals.health or "")
    assert "\x1b" not in page.unavailable[0]
    assert page.filesystems[0].mount == "/x\x1b[2J", "a series is looked up by it"
    assert all("\x1b" not in choice.title for choice in choices_of(page, None))


def test_fullest_filesystem_first_and_unknown_last():
    rows = [
        {"host": "a", "mount": mount, "total_bytes": 100, "used_bytes": used}
        for mount, used in (("/", 10), ("/x", None), ("/full", 99))
    ]
    page = host_page(snapshot([host("a")], filesystems=rows), "a")
    assert [row.mount for row in page.filesystems] == ["/full", "/", "/x"]


def test_processes_follow_the_gpus_and_are_limited():
    rows = [{"host": "a", "uuid": f"a-{i % 2}", "pid": i, "memory_used_bytes": i} for i in range(PROCESS_LIMIT + 6)]
    page = host_page(snapshot([host("a")], [gpu("a", 0), gpu("a", 1)], processes=rows), "a")
    assert page.processes_total == PROCESS_LIMIT + 6
    assert len(page.processes) == PROCESS_LIMIT
    assert [row.uuid for row in page.processes] == ["a-0"] * 32 + ["a-1"] * 32
    assert min(row.pid for row in page.processes) == 6, "those that hold least are left out"


def test_events_newest_first_of_this_host_only():
    events = tuple(HostEvent(name, NOW + i, "xid", None, i, "t") for i, name in enumerate("abab"))
    page = host_page(snapshot([host("a"), host("b")], events=events), "a")
    assert [event.what for event in page.events] == ["Xid 2", "Xid 0"]


@pytest.mark.parametrize(("age", "is_fresh"), [(0.5, True), (2.9, True), (3.5, False), (None, False)])
def test_fresh_is_younger_than_three_intervals(age, is_fresh):
    received = None if age is None else NOW - age
    assert host_page(snapshot([host("a", received_unix_s=received)]), "a").is_fresh(NOW) is is_fresh


def test_choices_are_the_gpus_metrics_then_the_hosts_then_filesystems():
    page = host_page(
        snapshot(
            [host("a")], [gpu("a", 0)], filesystems=[{"host": "a", "mount": "/", "total_bytes": 9, "used_bytes": 1}]
        ),
        "a",
    )
    choices = choices_of(page, "a-0")
    assert [choice.key.metric for choice in choices] == [
        "temp_c",
        "util_pct",
        "memory_used_bytes",
        "power_w",
        "clock_sm_mhz",
        "cpu_util_pct",
        "load1",
        "memory_used_bytes",
        "used_bytes",
    ]
    assert choices[0].limit == Limit(87.0, "slowdown")
    assert choices[2].limit == Limit(80.0 * 0.97, "97 % full")
    assert choices[-1].key == SeriesKey("a", Entity.FILESYSTEM, "/", "used_bytes")


def test_the_lines_are_those_forecasts_are_measured_against():
    rows = [{"host": "a", "mount": "/", "total_bytes": 9, "used_bytes": 1}]
    hosts = [host("a", memory_available_bytes=1)]
    for one in (gpu("a", 0), gpu("a", 0, temp_slowdown_c=None)):
        page = host_page(snapshot(hosts, [one], filesystems=rows), "a")
        sources = {Entity.GPU: one, Entity.HOST: hosts[0], Entity.FILESYSTEM: rows[0]}
        checked = 0
        for choice in choices_of(page, "a-0"):
            expected = threshold_for(choice.key.metric, sources[choice.key.entity], choice.key.entity)
            if expected is not None:
                checked += 1
                assert choice.limit is not None
                assert choice.limit.value == pytest.approx(expected)
        assert checked == 4


def test_the_line_is_the_one_the_forecast_speaks_of():
    page = host_page(snapshot([host("a")], [gpu("a", 0)]), "a")
    choice = choices_of(page, "a-0")[0]
    eta = Eta(87.0, NOW, NOW, None)
    future = Forecast(choice.key, NOW, 10.0, (1.0,), (1.0,), (1.0,), (1.0,), (1.0,), "m", eta)
    assert limit_of(choice, None) == Limit(87.0, "slowdown")
    assert limit_of(choice, future) == Limit(87.0, "slowdown")
    other = Forecast(choice.key, NOW, 10.0, (1.0,), (1.0,), (1.0,), (1.0,), (1.0,), "m", Eta(80.0, NOW, NOW, None))
    assert limit_of(choice, other) == Limit(80.0, "limit")


def test_a_host_without_gpus_has_choices():
    page = host_page(snapshot([host("a")]), "a")
    assert page.gpus == ()
    assert choices_of(page, None)[0].key.metric == "cpu_util_pct"


def test_throttle_reasons_in_words_worst_first():
    assert throttle_words(0x40 | 0x04) == ("HW thermal", "power cap")
    assert throttle_words(0x88)[0] == "power brake", "the reason, not the state it leads to"
    assert throttle_words(0x1) == (), "an idle GPU is not held down"
    assert throttle_words(None) == ()


def test_link_comes_with_its_fault():
    row = host("a", link="lost")
    fault = Fault(FaultKind.LINK_DROPPED, "gone", "wait")
    links = {"a": Link("a", LinkState.LOST, NOW - 9, fault)}
    assert host_page(snapshot([row], links=links), "a").link == links["a"]
