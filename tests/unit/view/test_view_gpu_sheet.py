"""The sheet of one GPU has every metric of the catalogue exactly once, and null stays null."""

from fleets import gpu_row, gpu_uuid, host_row, make_snapshot
from rich_fleet import RICH, rich_fleet

from leptontui.model.catalogue import Kind, metrics_of
from leptontui.model.health import Severity
from leptontui.model.series import Entity
from leptontui.view.gpu_sheet import gpu_sheet
from leptontui.view.host_page import host_page


def sheet_of(snapshot, host, index):
    return gpu_sheet(host_page(snapshot, host), gpu_uuid(host, index))


def values_of(sheet):
    return {value.name: value for group in sheet.groups for value in group.values}


def test_every_metric_once():
    sheet = sheet_of(rich_fleet(), RICH, 3)
    names = [value.metric.name for group in sheet.groups for value in group.values]
    assert sorted(names) == sorted(item.name for item in metrics_of(Entity.GPU))
    assert [group.title for group in sheet.groups][:3] == ["now", "limits", "held down"]


def test_values_are_the_frames_and_counters_their_rates():
    values = values_of(sheet_of(rich_fleet(), RICH, 3))
    assert values["remap_banks_max"].value == 2559
    assert values["fabric_state"].value == "completed"
    assert values["throttle_hw_thermal_pct"].value == 3.5
    assert values["throttle_hw_thermal_pct"].metric.kind is Kind.COUNTER
    assert values["nvlink_rx_bytes_per_s"].value == 41e9


def test_null_is_none_and_stands_for_nothing_bad():
    values = values_of(sheet_of(make_snapshot([host_row("a")], [gpu_row("a", 0)]), "a", 0))
    assert values["is_remap_pending"].value is None
    assert values["nvlinks_inactive"].value is None
    assert {value.severity for value in values.values() if value.value is None} == {Severity.WELL}


def test_what_should_not_be_stands_out():
    values = values_of(sheet_of(rich_fleet(), RICH, 3))
    assert values["is_remap_pending"].severity is Severity.WARNING
    assert values["ecc_uncorrected"].severity is Severity.CRITICAL
    assert values["is_remap_failed"].severity is Severity.WELL
    assert values["is_inforom_valid"].severity is Severity.WELL
    gpu = gpu_row("a", 0, is_inforom_valid=False)
    assert values_of(sheet_of(make_snapshot([host_row("a")], [gpu]), "a", 0))["is_inforom_valid"].severity > 0


def test_processes_and_events_are_its_own():
    sheet = sheet_of(rich_fleet(), RICH, 3)
    assert [(process.pid, process.step) for process in sheet.processes] == [(41_233, "0")]
    assert [(event.what, event.count) for event in sheet.events] == [("Xid 63", 7)]


def test_a_gpu_that_is_not_there_has_no_sheet():
    assert gpu_sheet(host_page(rich_fleet(), RICH), "GPU-none") is None
    assert gpu_sheet(host_page(rich_fleet(), "gpu-007"), None) is None
