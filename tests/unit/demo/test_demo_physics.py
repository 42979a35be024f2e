"""The simulated physics: power follows load, temperature follows power, and heat lowers the clocks."""

from dataclasses import replace

import numpy as np
import pytest

from leptontui.demo.incidents import effects_at
from leptontui.demo.layout import GPU_MEMORY_BYTES, HOST_MEMORY_BYTES, Role, make_layout
from leptontui.demo.physics import (
    CLOCK_MAX_MHZ,
    GPU_COLUMNS,
    HOST_COLUMNS,
    HW_THERMAL,
    LIMIT_W,
    POWER_BRAKE,
    SLOWDOWN_C,
    Physics,
)

LAYOUT = make_layout(24, 8)
CALM = effects_at((), LAYOUT, 0.0, {})


def column(state, name):
    return state.gpus[:, :, GPU_COLUMNS.index(name)]


def host_column(state, name):
    return state.hosts[:, HOST_COLUMNS.index(name)]


def rows(role):
    return [host.index for host in LAYOUT.with_role(role)]


def run(physics, steps, effects=CALM, dt_s=1.0):
    return [physics.step(dt_s, effects) for _ in range(steps)]


def hot(host, gpu, factor):
    cooling = CALM.cooling.copy()
    cooling[host, gpu] = factor
    return replace(CALM, cooling=cooling)


def test_the_same_seed_gives_the_same_course():
    first, second = (run(Physics(LAYOUT), 30)[-1] for _ in range(2))
    np.testing.assert_array_equal(first.gpus, second.gpus)
    np.testing.assert_array_equal(first.hosts, second.hosts)


def test_another_seed_gives_another_course():
    other = make_layout(24, 8, seed=1)
    assert not np.array_equal(run(Physics(LAYOUT), 5)[-1].gpus, run(Physics(other), 5)[-1].gpus)


def test_power_follows_utilisation():
    states = run(Physics(LAYOUT), 120)
    infer = rows(Role.INFER)
    util = np.stack([column(state, "util_pct")[infer] for state in states]).ravel()
    power = np.stack([column(state, "power_w")[infer] for state in states]).ravel()
    assert np.corrcoef(util, power)[0, 1] > 0.95


def test_training_is_busy_and_dips_at_the_end_of_a_step():
    util = np.array([column(state, "util_pct")[rows(Role.TRAIN)].mean() for state in run(Physics(LAYOUT), 66)])
    assert 95.0 < np.median(util) <= 100.0
    assert 4 <= np.count_nonzero(util < 85.0) <= 8


def test_idle_hosts_do_nothing():
    state = run(Physics(LAYOUT), 10)[-1]
    assert column(state, "util_pct")[rows(Role.IDLE)].max() == 0.0
    assert column(state, "power_w")[rows(Role.IDLE)].max() < 100.0


def test_temperature_lags_behind_a_change_of_cooling():
    physics, host = Physics(LAYOUT), rows(Role.TRAIN)[0]
    before = column(run(physics, 60)[-1], "temp_c")[host, 0]
    states = run(physics, 100, hot(host, 0, 1.5))
    course = [column(state, "temp_c")[host, 0] for state in states]
    assert course[0] < before + 4.0
    assert before + 8.0 < course[-1] < SLOWDOWN_C
    assert course[20] < course[-1] - 2.0


def test_long_steps_settle_where_short_ones_do():
    short, long = Physics(LAYOUT), Physics(LAYOUT)
    by_second, by_ten = run(short, 600)[-1], run(long, 60, dt_s=10.0)[-1]
    train = rows(Role.TRAIN)
    np.testing.assert_allclose(column(by_second, "temp_c")[train], column(by_ten, "temp_c")[train], atol=4.0)


def test_a_gpu_above_its_slowdown_temperature_loses_clocks_and_power():
    physics, host = Physics(LAYOUT), rows(Role.TRAIN)[0]
    before = run(physics, 30)[-1]
    states = run(physics, 300, hot(host, 0, 2.2))
    assert max(column(state, "temp_c")[host, 0] for state in states) >= SLOWDOWN_C
    slowest = min(states, key=lambda state: column(state, "clock_sm_mhz")[host, 0])
    assert column(slowest, "clock_sm_mhz")[host, 0] < column(before, "clock_sm_mhz")[host, 0] - 200.0
    assert column(slowest, "power_w")[host, 0] < column(before, "power_w")[host, 0] - 50.0
    reasons = np.array([column(state, "throttle_reasons")[host, 0] for state in states]).astype(int)
    assert np.any(reasons & HW_THERMAL)
    assert not np.any(column(states[-1], "throttle_reasons").astype(int)[host, 1:] & HW_THERMAL)


def test_a_cooled_gpu_gets_its_clocks_back():
    physics, host = Physics(LAYOUT), rows(Role.TRAIN)[0]
    run(physics, 300, hot(host, 0, 2.2))
    after = run(physics, 200)[-1]
    assert column(after, "clock_sm_mhz")[host, 0] > 1700.0
    assert int(column(after, "throttle_reasons")[host, 0]) & HW_THERMAL == 0


def test_a_capped_clock_is_slow_at_full_utilisation():
    physics, host = Physics(LAYOUT), rows(Role.TRAIN)[0]
    cap = CALM.clock_cap.copy()
    cap[host, 2] = 0.6
    state = run(physics, 3, replace(CALM, clock_cap=cap))[-1]
    assert column(state, "clock_sm_mhz")[host, 2] == pytest.approx(0.6 * CLOCK_MAX_MHZ, abs=15.0)
    assert column(state, "util_pct")[host, 2] > 90.0
    assert int(column(state, "throttle_reasons")[host, 2]) & POWER_BRAKE


def test_everything_stays_within_its_bounds():
    full = replace(CALM, cooling=CALM.cooling * 3.0, gpu_memory=CALM.gpu_memory + 1.0, host_memory=CALM.host_memory + 1)
    for state in run(Physics(LAYOUT), 200, full):
        assert column(state, "util_pct").min() >= 0.0
        assert column(state, "util_pct").max() <= 100.0
        assert column(state, "power_w").max() <= LIMIT_W
        assert column(state, "clock_sm_mhz").max() <= 1.02 * CLOCK_MAX_MHZ
        assert column(state, "temp_c").max() < 110.0
        assert column(state, "memory_used_bytes").max() <= GPU_MEMORY_BYTES
        assert host_column(state, "memory_used_bytes").max() <= HOST_MEMORY_BYTES
        assert state.cores_pct.min() >= 0.0
        assert state.cores_pct.max() <= 100.0


def test_counters_only_grow_until_a_reboot():
    physics = Physics(LAYOUT)
    counters = [
        HOST_COLUMNS.index(name) for name in ("disk_read_bytes", "net_rx_bytes", "fabric_tx_bytes", "disk_busy_s")
    ]
    before, after = run(physics, 2)[-1], run(physics, 20)[-1]
    assert np.all(after.hosts[:, counters] >= before.hosts[:, counters])
    physics.forget(8)
    rebooted = run(physics, 1)[-1]
    assert rebooted.hosts[8, counters].sum() < after.hosts[8, counters].sum()


def test_a_disk_is_never_busier_than_the_time_that_passes():
    states = run(Physics(LAYOUT, 125.0), 30)
    busy = np.stack([host_column(state, "disk_busy_s") for state in states])
    assert np.diff(busy, axis=0).max() <= 1.0
