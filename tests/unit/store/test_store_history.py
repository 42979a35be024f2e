"""History: regular grids, any order of arrival, wrong clocks, and memory that is bounded."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.model.catalogue import CHART_BUCKETS, TREND_BUCKETS, TREND_METRICS
from leptontui.model.series import Entity, SeriesKey
from leptontui.store.keys import MAX_SLOTS_PER_HOST
from leptontui.store.store import Store
from leptontui.store.tiers import Ring
from leptontui.wire import GpuReading, Sample, Service

UTIL = SeriesKey("a", Entity.GPU, "G0", "util_pct")
CPU = SeriesKey("a", Entity.HOST, "", "cpu_util_pct")


def series_of(store, key, now, **options):
    return store.series([key], now_unix_s=now, **options).get(key)


def test_buckets_are_means_on_a_regular_grid(fleet):
    store = Store(1.0)
    for at, util in [(0, 10.0), (5, 20.0), (10, 30.0), (31, 40.0)]:
        store.append([fleet.gpu_sweep(at=at, util=util)])
    found = series_of(store, UTIL, fleet.t0 + 31)
    assert found.values == (15.0, 30.0, None, 40.0)
    assert found.t_unix_s == tuple(fleet.t0 + end for end in (10, 20, 30, 40))
    assert found.step_s == 10.0
    assert found.key == UTIL


def test_the_open_bucket_is_left_out_until_sampled_and_a_gap_is_not(fleet):
    store = Store(1.0)
    store.append([fleet.gpu_sweep(at=0, util=10.0)])
    assert series_of(store, UTIL, fleet.t0 + 12).values == (10.0,)
    assert series_of(store, UTIL, fleet.t0 + 32).values == (10.0, None, None)


def test_all_three_entities_have_series_and_unknown_keys_have_none(fleet):
    store = Store(1.0)
    store.append([fleet.gpu_sweep(at=0), fleet.cpu_sweep("b", util=1.0), fleet.fs_sweep("c", used={"/": 7})])
    known = [
        UTIL,
        SeriesKey("b", Entity.HOST, "", "cpu_util_pct"),
        SeriesKey("c", Entity.FILESYSTEM, "/", "used_bytes"),
    ]
    unknown = [
        SeriesKey("nobody", Entity.HOST, "", "cpu_util_pct"),
        SeriesKey("a", Entity.GPU, "G9", "util_pct"),
        SeriesKey("a", Entity.GPU, "G0", "no_such_metric"),
        SeriesKey("a", Entity.GPU, "G0", "temp_c"),
    ]
    found = store.series(known + unknown, now_unix_s=fleet.t0)
    assert {key: made.values for key, made in found.items()} == dict(zip(known, [(50.0,), (1.0,), (7.0,)], strict=True))


def test_a_chart_has_at_most_so_many_buckets(fleet):
    store = Store(1.0)
    for at in range(0, 3000, 10):
        store.append([fleet.gpu_sweep(at=at, util=at % 100)])
    found = series_of(store, UTIL, fleet.t0 + 2990)
    assert len(found.values) == CHART_BUCKETS
    assert found.values[-1] == 90.0
    assert len(series_of(store, UTIL, fleet.t0 + 2990, step_s=60.0).values) == 51


def test_every_sweep_is_kept_for_a_short_while(fleet):
    store = Store(1.0)
    store.append([fleet.gpu_sweep(at=at, util=at) for at in range(5)])
    assert series_of(store, UTIL, fleet.t0 + 4, step_s=1.0).values == (0.0, 1.0, 2.0, 3.0, 4.0)
    with pytest.raises(KeyError):
        series_of(store, UTIL, fleet.t0, step_s=7.0)


@given(st.permutations(range(12)))
def test_history_fills_charts_in_any_order(order):
    t0, now = 1_760_000_000.0, 600.0
    ring = Ring(10.0, 360, 1)
    for number in order:
        at = np.array([t0 + 5.0 * number])
        ring.add(np.zeros(1, np.int32), at, np.array([[float(number)]], np.float32), t0 + now)
    means = ring.window(np.zeros(1, np.int32), int(t0 // 10), int(t0 // 10) + 5)[:, 0, 0]
    assert means.tolist() == pytest.approx([0.5, 2.5, 4.5, 6.5, 8.5, 10.5])


def test_history_before_and_after_the_first_live_sweep(fleet):
    store = Store(1.0)
    store.append([fleet.hello(at=100), fleet.gpu_sweep(at=100, util=9.0)])
    store.append([fleet.gpu_sweep(at=70, received=101, util=2.0, is_history=True)])
    store.append([fleet.gpu_sweep(at=60, received=101, util=1.0, is_history=True)])
    assert series_of(store, UTIL, fleet.t0 + 101).values == (1.0, 2.0, None, None, 9.0)


@pytest.mark.parametrize("offset_s", [-86_400.0, 7200.0])
def test_a_host_with_a_wrong_clock_is_charted_right(fleet, offset_s):
    store = Store(1.0)
    store.append([fleet.hello(at=100, offset_s=offset_s)])
    store.append([fleet.gpu_sweep(at=90, received=100, util=1.0, offset_s=offset_s, is_history=True)])
    store.append([fleet.gpu_sweep(at=100, util=2.0, offset_s=offset_s)])
    assert series_of(store, UTIL, fleet.t0 + 100).values == (1.0, 2.0)
    assert store.latest(Entity.HOST)["clock_offset_s"].to_list() == [offset_s]


def test_history_of_counters_becomes_rates(fleet):
    store = Store(1.0)
    past = [fleet.disk_sweep(at=at, received=100, read=100 * at, is_history=True) for at in (10, 30, 20)]
    store.append([fleet.hello(at=100), *past])
    found = series_of(store, SeriesKey("a", Entity.HOST, "", "disk_read_bytes_per_s"), fleet.t0 + 100)
    assert found.values[:2] == (100.0, 100.0)


def test_samples_of_the_future_and_of_long_ago_are_left_out(fleet):
    store = Store(1.0)
    store.append([fleet.hello(at=0)])
    for at in (50.0, -30_000.0, 1e300, -1e300):
        store.append([fleet.gpu_sweep(at=at, received=0, is_history=True)])
    assert store.series([UTIL], now_unix_s=fleet.t0 + 100) == {}


def test_our_clock_may_go_back(fleet):
    store = Store(1.0)
    store.append([fleet.gpu_sweep(at=86_400, util=1.0)])
    for at in range(0, 40, 10):
        store.append([fleet.gpu_sweep(at=at, util=2.0)])
    assert series_of(store, UTIL, fleet.t0 + 30).values == (2.0, 2.0, 2.0, 2.0)


def test_our_clock_may_go_forward_and_back(fleet):
    store = Store(1.0)
    for at in (0, 10, 20, 12_345, 12_350, 30, 40):
        store.append([fleet.gpu_sweep(at=at, util=3.0 if at > 1000 else 2.0)])
    assert series_of(store, UTIL, fleet.t0 + 40).values == (2.0,) * 5


@pytest.mark.parametrize("jump_s", [-86_400.0, 86_400.0])
def test_a_host_s_clock_that_is_set_breaks_neither_charts_nor_rates(fleet, jump_s):
    store = Store(1.0)
    for at in range(0, 40, 10):
        offset_s = jump_s if at >= 20 else 0.0
        store.append([fleet.disk_sweep(at=at, read=100 * at, offset_s=offset_s)])
    found = series_of(store, SeriesKey("a", Entity.HOST, "", "disk_read_bytes_per_s"), fleet.t0 + 30)
    assert found.values == (100.0, 100.0, 100.0)
    assert found.t_unix_s == tuple(fleet.t0 + end for end in (20, 30, 40))


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (SeriesKey("a", Entity.SERVICE, "vllm", "latency_s"), {"services": (Service("vllm", latency_s=0.5),)}),
        (SeriesKey("a", Entity.SAMPLE, 'vllm/m{le="1"}', "value"), {"samples": (Sample("vllm", 'm{le="1"}', 0.5),)}),
    ],
)
def test_services_and_samples_have_an_hour_of_history(fleet, key, said):
    store = Store(1.0)
    store.append([fleet.sweep(at=0, **said)])
    assert series_of(store, key, fleet.t0).values == (0.5,)
    assert series_of(store, key, fleet.t0, step_s=60.0) is None


def test_buckets_do_not_come_back_after_a_full_turn_of_the_ring(fleet):
    store = Store(1.0)
    store.append([fleet.gpu_sweep(at=0, util=1.0)])
    store.append([fleet.gpu_sweep("b", at=3600, util=1.0)])
    assert store.series([UTIL], now_unix_s=fleet.t0 + 3600) == {}


def test_a_constant_stays_exact(fleet):
    store = Store(1.0)
    for at in range(57):
        store.append([fleet.gpu_sweep(at=at, util=33.3)])
    assert set(series_of(store, UTIL, fleet.t0 + 56).values) == {float(np.float32(33.3))}


def test_trends_are_one_minute_means_of_every_gpu(fleet):
    store = Store(1.0)
    empty = store.trends(fleet.t0)
    assert empty.height == 0
    assert empty.columns == ["host", "uuid", *(f"trend_{name}" for name in TREND_METRICS)]
    store.append([fleet.hello("b", gpus=("G5",))])
    store.append(
        [fleet.sweep(at=0, gpus=(GpuReading("G0", util_pct=10.0, temp_c=40.0), GpuReading("G1", util_pct=1.0)))]
    )
    store.append([fleet.sweep(at=10, gpus=(GpuReading("G0", util_pct=30.0),))])
    store.append([fleet.sweep(at=120, gpus=(GpuReading("G0", util_pct=50.0),))])
    trends = store.trends(fleet.t0 + 120)
    assert trends.schema == empty.schema
    rows = {(row["host"], row["uuid"]): row for row in trends.rows(named=True)}
    assert rows["a", "G0"]["trend_util_pct"] == [None] * 12 + [20.0, None, 50.0]
    assert rows["a", "G0"]["trend_temp_c"] == [None] * 12 + [40.0, None, None]
    assert rows["a", "G1"]["trend_util_pct"] == [None] * 12 + [1.0, None, None]
    assert rows["b", "G5"]["trend_util_pct"] == [None] * TREND_BUCKETS


def test_memory_does_not_grow_with_what_is_said(fleet):
    store = Store(1.0)
    for at in range(0, 40_000, 400):
        store.append([fleet.gpu_sweep(at=at)])
    before = store.nbytes()
    for at in range(40_000, 80_000, 400):
        store.append([fleet.gpu_sweep(at=at)])
    assert store.nbytes() == before


def test_a_host_that_invents_gpus_gains_nothing(fleet):
    store = Store(1.0)
    store.append([fleet.hello(gpus=("G0",)), fleet.gpu_sweep(at=0, util=7.0)])
    for tick in range(1, 6):
        uuids = ("G0", *(f"made-up-{tick}-{number}" for number in range(300)))
        store.append([fleet.gpu_sweep(at=tick, util=7.0, uuids=uuids)])
    assert store.latest(Entity.GPU).height == MAX_SLOTS_PER_HOST
    assert set(series_of(store, UTIL, fleet.t0 + 5).values) == {7.0}
    newest = SeriesKey("a", Entity.GPU, "made-up-5-0", "util_pct")
    assert series_of(store, newest, fleet.t0 + 5, step_s=1.0).values == (7.0,)
    assert store.latest(Entity.GPU)["uuid"].is_unique().all()


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3), st.integers(0, 2), st.floats(0, 300), st.one_of(st.none(), st.floats(0, 100, width=32))
        ),
        max_size=40,
    )
)
def test_a_ring_holds_the_means_of_what_it_was_given(samples):
    ring, told = Ring(10.0, 60, 1), {}
    for start in range(0, len(samples), 7):
        part = samples[start : start + 7]
        slots = np.array([slot for slot, _, _, _ in part], np.int32)
        times = np.array([at for _, _, at, _ in part])
        values = np.array([[math.nan if value is None else value] for _, _, _, value in part], np.float32)
        ring.add(slots, times, values, 300.0)
    for slot, _, at, value in samples:
        if value is not None:
            told.setdefault((int(at // 10), slot), []).append(value)
    window = ring.window(np.arange(4, dtype=np.int32), 0, 30)[:, 0, :]
    for number in range(31):
        for slot in range(4):
            found = told.get((number, slot))
            if found is None:
                assert math.isnan(window[number, slot])
            else:
                assert window[number, slot] == pytest.approx(sum(found) / len(found), rel=1e-5, abs=1e-4)
