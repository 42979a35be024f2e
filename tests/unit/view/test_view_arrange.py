"""Arranging: order, identities, hosts that are never hidden, the summary, trends with their forecasts."""

from dataclasses import replace

import polars as pl
import pytest
from fleets import T0, forecast_of, gpu_key, gpu_row, gpu_uuid, host_row, make_snapshot, train_fleet
from rich_fleet import rich_fleet

from leptontui.model.health import Severity
from leptontui.model.link import LinkState
from leptontui.model.series import Eta
from leptontui.view.arrange import arrange
from leptontui.view.columns import COLUMNS, next_sort, sorted_by, toggled
from leptontui.view.row import GpuRow, HostRow, RowId
from leptontui.view.rows import minutes_ahead
from leptontui.view.state import Rows, ViewState


def names(arrangement):
    return [(row.id.host, getattr(row, "gpu", None)) for row in arrangement.rows(0, arrangement.shown)]


def test_the_worst_is_first_then_host_and_gpu():
    arrangement = arrange(train_fleet(), ViewState())
    rows = arrangement.rows(0, arrangement.shown)
    severities = [row.standing.severity for row in rows]
    assert severities == sorted(severities, reverse=True)
    assert names(arrangement)[:4] == [("gpu-001", 3), ("gpu-002", 6), ("gpu-003", 0), ("gpu-004", 0)]
    well = [(row.id.host, row.gpu) for row in rows if row.standing.severity is Severity.WELL]
    assert well == sorted(well)


def test_hosts_are_in_natural_order():
    hosts = [host_row(name) for name in ("gpu10", "gpu9", "gpu1")]
    arrangement = arrange(make_snapshot(hosts, [gpu_row(row["host"], 0) for row in hosts]), ViewState(sort="host"))
    assert [host for host, _ in names(arrangement)] == ["gpu10", "gpu9", "gpu1"]
    ascending = arrange(arrangement.snapshot, ViewState(sort="host", is_descending=False))
    assert [host for host, _ in names(ascending)] == ["gpu1", "gpu9", "gpu10"]


@pytest.mark.parametrize("is_descending", [True, False])
def test_what_is_not_known_comes_last_either_way(is_descending):
    gpus = [gpu_row("a", 0, util_pct=None), gpu_row("a", 1, util_pct=5.0), gpu_row("a", 2, util_pct=50.0)]
    arrangement = arrange(make_snapshot([host_row("a")], gpus), ViewState(sort="util", is_descending=is_descending))
    assert names(arrangement)[-1] == ("a", 0)
    assert names(arrangement)[0] == ("a", 2 if is_descending else 1)


def test_hosts_without_gpus_are_rows_of_their_own():
    hosts = [
        host_row("never", link="refused", link_cause="no key — add one", received_unix_s=None, gpu_count=None),
        host_row("login", gpu_count=0),
        host_row("a"),
    ]
    snapshot = make_snapshot(hosts, [gpu_row("a", 0)])
    gpus = snapshot.frames.gpus.with_columns(link_cause=pl.lit(""))  # as the engine has it: each GPU with its host's
    arrangement = arrange(replace(snapshot, frames=replace(snapshot.frames, gpus=gpus)), ViewState())
    rows = {row.id.host: row for row in arrangement.rows(0, 9)}
    assert isinstance(rows["never"], HostRow)
    assert rows["never"].id == RowId("never", None)
    assert rows["never"].standing.link is LinkState.REFUSED
    assert rows["never"].standing.link_cause == "no key — add one"
    assert isinstance(rows["login"], HostRow)
    assert rows["login"].memory_used_bytes is None, "the host's memory is not a GPU's"
    assert isinstance(rows["a"], GpuRow)


def test_a_row_is_found_by_identity_whatever_the_order():
    snapshot = train_fleet()
    for rows in Rows:
        arrangement = arrange(snapshot, ViewState(rows))
        for position in (0, 5, arrangement.shown - 1):
            row_id = arrangement.id_at(position)
            assert arrangement.position(row_id) == position
            assert arrangement.rows(position, position + 1)[0].id == row_id
        assert arrangement.id_at(arrangement.shown) is None
        assert arrangement.position(RowId("no-such-host")) is None
    by_gpu = arrange(snapshot, ViewState(sort="gpu"))
    assert by_gpu.position(RowId("gpu-006", None)) is not None


def test_slices_are_cut_to_what_there_is():
    arrangement = arrange(train_fleet(), ViewState())
    assert len(arrangement.rows(-5, 3)) == 3
    assert arrangement.rows(arrangement.shown, arrangement.shown + 10) == ()


@pytest.mark.parametrize("rows", list(Rows))
def test_every_column_sorts(rows):
    snapshot = train_fleet()
    state = ViewState(rows)
    for column in COLUMNS[rows]:
        if column.sort:
            assert arrange(snapshot, sorted_by(state, column.name)).shown == arrange(snapshot, state).total


def test_going_through_the_sort_columns_comes_back():
    state = ViewState()
    seen = []
    while not seen or state.sort != "health":
        state = next_sort(state, 1)
        seen.append(state.sort)
    assert len(seen) == len({column.name for column in COLUMNS[Rows.GPU] if column.sort})
    assert next_sort(next_sort(ViewState(), 1), -1) == ViewState()


def test_the_other_rows_keep_the_filter_and_the_order_they_know():
    state = ViewState(filter="a", sort="power", is_descending=False)
    assert toggled(state) == ViewState(Rows.HOST, "a")
    assert toggled(ViewState(filter="a", sort="host", is_descending=False)).sort == "host"


def test_the_summary_counts_what_is_live():
    hosts = [host_row("a"), host_row("b", link="lost", severity=1), host_row("c", severity=2, health="disk full")]
    gpus = [
        gpu_row("a", 0, util_pct=50.0, power_w=100.0, severity=4),
        gpu_row("a", 1, util_pct=None, power_w=None, severity=3),
        gpu_row("b", 0, util_pct=99.0, power_w=999.0, link="lost", severity=1),
        gpu_row("c", 0, util_pct=70.0, power_w=300.0),
    ]
    summary = arrange(make_snapshot(hosts, gpus), ViewState(filter="nothing")).summary
    assert (summary.gpus, summary.gpus_live) == (4, 3)
    assert summary.util_pct == pytest.approx(60.0)
    assert summary.power_w == pytest.approx(400.0)
    assert (summary.critical, summary.predicted, summary.warnings) == (1, 1, 1)


def test_nothing_live_is_not_known_rather_than_none():
    snapshot = make_snapshot([host_row("a", link="lost")], [gpu_row("a", 0, link="lost")])
    summary = arrange(snapshot, ViewState()).summary
    assert summary.util_pct is None
    assert summary.power_w is None


def test_an_empty_fleet_arranges():
    for rows in Rows:
        assert arrange(make_snapshot([], []), ViewState(rows, "x util<3")).total == 0


def test_a_column_the_frames_lack_is_not_known():
    snapshot = train_fleet()
    frames = replace(snapshot.frames, gpus=snapshot.frames.gpus.drop("trend_power_w", "clock_sm_mhz"))
    row = arrange(replace(snapshot, frames=frames), ViewState(sort="clock")).rows(0, 1)[0]
    assert row.clock_sm_mhz is None
    assert row.power_trend.past == ()


def test_texts_of_hosts_are_made_fit_for_the_screen():
    gpus = [gpu_row("a", 0, health="\x1b[31mred\x07", user="[red]x", job="8812\n9")]
    row = arrange(make_snapshot([host_row("a")], gpus), ViewState()).rows(0, 1)[0]
    assert (row.standing.health, row.user, row.job) == ("red", "[red]x", "8812 9")


def test_trends_are_on_a_physical_scale_and_carry_the_forecast():
    row = next(r for r in arrange(train_fleet(), ViewState()).rows(0, 9) if r.standing.severity is Severity.PREDICTED)
    assert (row.util_trend.lower, row.util_trend.upper) == (0.0, 100.0)
    assert (row.temp_trend.lower, row.temp_trend.upper) == (20.0, 87.0)
    assert row.memory_trend.upper == row.memory_total_bytes
    assert len(row.temp_trend.future) == 15
    assert row.temp_trend.crossing == 11
    assert row.memory_trend.future == ()


def test_of_an_old_forecast_only_what_is_ahead_is_shown():
    key = gpu_key("a", 0, "temp_c")
    forecast = forecast_of(key, float, eta=Eta(50.0, T0 + 500, T0 + 400, None))
    future, crossing = minutes_ahead(forecast, T0 + 600)
    assert len(future) == 5
    assert future[0] == pytest.approx(63.5)
    assert crossing is None
    assert minutes_ahead(forecast, T0 + 10_000) == ((), None)


def test_the_frames_are_not_changed():
    snapshot = train_fleet()
    before = snapshot.frames.gpus.clone()
    arrange(snapshot, ViewState(filter="util>3", sort="temp"))
    assert snapshot.frames.gpus.equals(before)
    assert isinstance(snapshot.frames.gpus, pl.DataFrame)
    assert gpu_uuid("gpu-001", 3) in set(before["uuid"])


def test_instances_stand_below_their_gpu_and_are_no_further_gpus():
    arrangement = arrange(rich_fleet(), ViewState(filter="host=gpu-002", sort="host", is_descending=False))
    rows = arrangement.rows(0, arrangement.shown)
    assert [row.number for row in rows] == ["0", "0.0", "0.1", "1", "2", "3", "4", "5", "6", "7"]
    assert [row.mig_profile for row in rows[:3]] == ["", "3g.40gb", "3g.40gb"]
    assert arrangement.summary.gpus == 48


def test_a_gpu_that_was_gone_before_is_as_old_as_what_came_last_from_its_host():
    gone = gpu_row("a", 0, state="gone", link="lost", received_unix_s=T0 - 7200.0)
    there = gpu_row("a", 1, state="present", link="lost", received_unix_s=T0 - 90.0)
    snapshot = make_snapshot([host_row("a", link="lost", received_unix_s=T0 - 90.0)], [gone, there])
    rows = arrange(snapshot, ViewState()).rows(0, 9)
    assert [row.standing.received_unix_s for row in rows] == [T0 - 90.0] * 2


def test_gone_and_unknown_gpus_are_no_live_ones():
    snapshot = rich_fleet()
    rows = {(row.id.host, row.number): row for row in arrange(snapshot, ViewState()).rows(0, 99) if row.id.gpu_uuid}
    assert rows["gpu-004", "5"].is_gone
    assert not rows["gpu-004", "5"].is_fresh
    assert not rows["gpu-003", "0"].is_fresh
    assert rows["gpu-001", "0"].is_fresh
    live = arrange(snapshot, ViewState()).summary.gpus_live
    assert live == 48 - 8 - 1 - 8, "lost, gone, hung"


def test_links_tell_since_when_and_when_next():
    row = next(row for row in arrange(rich_fleet(), ViewState()).rows(0, 99) if row.id.host == "gpu-006")
    assert (row.standing.since_unix_s, row.standing.next_dial_unix_s, row.standing.dials) == (T0 - 380, T0 + 14, 9)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("pod:serving/vllm-7c9d-x2", 7), ("node:drained", 8), ("partition:all", 54), ("mig:3g", 2), ("state:gone", 1)],
)
def test_what_is_collected_can_be_filtered_by(text, shown):
    arrangement = arrange(rich_fleet(), ViewState(filter=text))
    assert (arrangement.error, arrangement.shown) == ("", shown)
