"""Peers: what is found among GPUs that do the same work, why, and that noise is silent."""

import numpy as np
import polars as pl
import pytest

from leptontui.health.peers import METRICS, SCHEMA, PeerView, compared

GIB = 2**30


def gpu(n, **other):
    return {
        "host": f"h{n // 8}",
        "uuid": f"G{n}",
        "index": n % 8,
        "group": "train",
        "name": "H100",
        "job": "8812",
        "user": "alice",
        "util_pct": 97.0,
        "trend_util_pct": [97.0] * 15,
        "clock_sm_mhz": 1750.0 + n % 5,
        "power_w": 600.0 + 3 * (n % 7),
        "power_limit_w": 700.0,
        "temp_c": 62.0 + n % 4,
        "memory_used_bytes": 60 * GIB + (n % 3) * GIB // 4,
        "memory_total_bytes": 80 * GIB,
        "pcie_gen": 5,
        "pcie_width": 16,
        "pcie_width_max": 16,
        "throttle_reasons": 0,
        "ecc_uncorrected": 0,
        "is_remap_pending": False,
        "nvlinks_inactive": 0,
        **other,
    }


def fleet(count=32, changed=None, **other):
    return [gpu(n, **other, **((changed or {}).get(n, {}))) for n in range(count)]


def view(rows, now=100.0, before=None) -> PeerView:
    return compared(pl.DataFrame(rows, infer_schema_length=None), now, before)


def words(rows):
    found = view(rows).gpus.filter(pl.col("straggler").is_not_null() | pl.col("outlier").is_not_null())
    return {uuid: (slow, odd) for uuid, slow, odd in found.select("uuid", "straggler", "outlier").iter_rows()}


SLOW = {"clock_sm_mhz": 1300.0}


@pytest.mark.parametrize(
    ("change", "slow", "odd"),
    [
        (SLOW, "straggler −12.9σ clock", None),
        ({**SLOW, "throttle_reasons": 0x40}, "straggler −12.9σ clock: thermal throttle", None),
        ({**SLOW, "throttle_reasons": 0x20}, "straggler −12.9σ clock: thermal throttle by the driver", None),
        ({**SLOW, "throttle_reasons": 0x80}, "straggler −12.9σ clock: power brake", None),
        ({**SLOW, "throttle_reasons": 0x4}, "straggler −12.9σ clock", None),
        ({**SLOW, "ecc_uncorrected": 2}, "straggler −12.9σ clock: uncorrected ECC errors", None),
        ({**SLOW, "is_remap_pending": True}, "straggler −12.9σ clock: a row remap is pending", None),
        ({**SLOW, "nvlinks_inactive": 2}, "straggler −12.9σ clock: 2 NVLinks down", None),
        ({**SLOW, "pcie_width": 8}, "straggler −12.9σ clock: PCIe ×8 where peers have ×16", None),
        ({**SLOW, "pcie_gen": 3}, "straggler −12.9σ clock: PCIe generation 3 where peers have 5", None),
        (
            {**SLOW, "power_limit_w": 500.0},
            "straggler −12.9σ clock: power limit 500 W where peers have 700 W",
            None,
        ),
        ({**SLOW, "user": "alice, bob"}, "straggler −12.9σ clock: a process of bob runs there, too", None),
        ({**SLOW, "temp_c": 80.0}, "straggler −12.9σ clock: 16 °C hotter than its 31 peers", None),
        ({"clock_sm_mhz": 1980.0}, None, None),
        ({"clock_sm_mhz": 1640.0}, None, None),
        ({"temp_c": 78.0}, None, "14 °C hotter than its 31 peers"),
        ({"temp_c": 72.0}, None, None),
        ({"temp_c": 30.0}, None, None),
        ({"memory_used_bytes": 79 * GIB}, None, "memory 19 GiB above its 31 peers"),
        (
            {"memory_used_bytes": 79 * GIB, "user": "alice, mallory"},
            None,
            "memory 19 GiB above its 31 peers: a process of mallory runs there, too",
        ),
        ({"memory_used_bytes": 2 * GIB}, None, None),
        ({"power_w": 300.0}, "straggler −10.1σ power", None),
        ({"power_w": 900.0}, None, "draws 291 W more than its 31 peers"),
        ({"util_pct": 3.0, "trend_util_pct": [4.0] * 15}, None, "util 4 % where its 31 peers have 97 %"),
        ({"util_pct": 3.0}, None, None),  # just now, not over the last minute
        ({"pcie_width": 8, "pcie_width_max": 8}, None, "PCIe ×8 where peers have ×16"),
        ({"pcie_width": 8}, None, None),  # a finding by itself
        ({"pcie_gen": 1, "util_pct": 0.0, "trend_util_pct": [97.0] * 15}, None, None),
    ],
)
def test_one_unlike_its_peers(change, slow, odd):
    expected = {} if slow is odd is None else {"G13": (slow, odd)}
    assert words(fleet(changed={13: change})) == expected


def test_scores_and_how_many_are_compared():
    found = view(fleet(changed={13: {"temp_c": 78.0}})).gpus
    assert found.schema == SCHEMA
    row = found.row(by_predicate=pl.col("uuid") == "G13", named=True)
    assert row["peer_z_temp"] == pytest.approx((78 - 64) / 3.0)
    assert row["peer_count"] == 31
    assert abs(row["peer_z_clock"]) < 1


@pytest.mark.parametrize(
    "rows",
    [
        fleet(3, {1: SLOW}),  # too few
        fleet(16, {1: {**SLOW, "name": "A100"}}),
        fleet(16, {1: {**SLOW, "job": "2"}}),  # a job of its own
        fleet(16, {1: {**SLOW, "group": "infer"}}, job=None),
        fleet(16, {1: {"clock_sm_mhz": None, "temp_c": None, "power_w": None}}),
        fleet(16, {1: {"clock_sm_mhz": 1550.0}}, job=None),  # no job in common: twice as careful
        fleet(16, {1: {"memory_used_bytes": 79 * GIB}}, job=None),
        fleet(16, {1: {"temp_c": 90.0, "util_pct": 10.0, "job": None}}),
        [],
    ],
)
def test_nobody_to_be_compared_with(rows):
    assert (
        view(rows or pl.DataFrame(schema={"host": pl.String, "uuid": pl.String}))
        .gpus["straggler"]
        .drop_nulls()
        .is_empty()
    )
    assert words(rows) == {} if rows else True


def test_without_a_job_group_and_model_are_the_peers():
    assert words(fleet(16, {1: SLOW}, job=None)) == {"G1": ("straggler −12.9σ clock", None)}
    assert words(fleet(16, {1: {"temp_c": 84.0}}, job=None)) == {"G1": (None, "20 °C hotter than its 15 peers")}


def test_a_job_too_small_is_compared_by_heat_with_its_group():
    rows = [gpu(n, job=str(n)) for n in range(16)]
    rows[3]["temp_c"], rows[5]["clock_sm_mhz"] = 84.0, 1000.0
    assert words(rows) == {"G3": (None, "20 °C hotter than its 15 peers")}, "two jobs may run at two clocks"


def test_a_hot_host_is_one_finding_and_not_eight():
    rows = fleet(64, {n: {"temp_c": 76.0 + n % 4} for n in range(16, 24)})
    found = view(rows)
    assert found.hosts.filter(pl.col("odd_host").is_not_null()).select("host", "odd_host").rows() == [
        ("h2", "its GPUs are 14 °C hotter than those of 7 peers")
    ]
    assert found.gpus["outlier"].drop_nulls().is_empty()
    rows[17]["temp_c"] = 95.0
    assert words(rows) == {"G17": (None, "31 °C hotter than its 63 peers")}, "one is hotter still"


def test_a_slow_host():
    rows = fleet(64, {n: {"clock_sm_mhz": 1400.0, "temp_c": 72.0} for n in range(16, 24)})
    found = view(rows)
    assert found.hosts["odd_host"].drop_nulls().to_list() == ["its GPUs clock 20 % below those of 7 peers, 8 °C hotter"]
    assert found.gpus["straggler"].drop_nulls().is_empty()


def test_one_look_is_none_and_one_that_lasts_is():
    well, slow = fleet(), fleet(changed={13: SLOW})
    seen = view(well, 100.0)
    told = []
    for now, rows in [(105, slow), (110, well), (115, slow), (120, slow), (125, slow), (130, well)]:
        seen = view(rows, float(now), seen)
        told.append(seen.gpus["straggler"].drop_nulls().len())
    assert told == [0, 0, 0, 0, 1, 0]


def test_a_new_job_begins_anew():
    seen = view(fleet(changed={13: SLOW}), 100.0)
    other = view(fleet(changed={13: SLOW}, job="9000"), 105.0, seen)
    assert other.gpus["straggler"].drop_nulls().is_empty()
    row = other.gpus.row(by_predicate=pl.col("uuid") == "G13", named=True)
    assert row["peer_z_clock"] == pytest.approx(-12.9, abs=0.1), "and is not mixed with what was before"


def test_a_hot_host_has_to_last_too():
    hot = fleet(64, {n: {"temp_c": 76.0 + n % 4} for n in range(16, 24)})
    seen = view(fleet(64), 100.0)
    told = []
    for now in (105.0, 110.0, 115.0):
        seen = view(hot, now, seen)
        told.append((seen.hosts["odd_host"].drop_nulls().len(), seen.gpus["outlier"].drop_nulls().len()))
    assert told[:2] == [(0, 0), (0, 0)]
    assert told[2] == (1, 0), "and its GPUs are not told one by one before"


def noisy(rng, jobs):
    """8,000 well GPUs: lasting differences between chips, slots and rooms, noise, and waiting for data now and then."""
    count = 8000
    n = np.arange(count)
    host, slot = n // 8, n % 8
    job = np.array(jobs)[host]
    of_job = np.random.default_rng(7)
    clock = of_job.choice([1980.0, 1755.0, 1620.0, 1400.0], job.max() + 1)[job]
    power = of_job.uniform(350, 680, job.max() + 1)[job]
    memory = of_job.uniform(10, 76, job.max() + 1)[job]
    chips = np.random.default_rng(8)
    lasting = chips.normal(0, 2.0, count) + np.linspace(-4, 4, 8)[slot] + chips.normal(0, 1.5, 1000)[host]
    silicon = chips.normal(0, 0.012, count)
    util = np.clip(97 + rng.normal(0, 2.5, count), 0, 100)
    util = np.where(rng.random(count) < 0.02, rng.uniform(0, 60, count), util)
    return pl.DataFrame(
        {
            "host": [f"h{x}" for x in host],
            "uuid": [f"G{x}" for x in n],
            "group": "train",
            "name": "H100",
            "job": [str(x) if x else None for x in job],
            "user": "alice",
            "util_pct": util,
            "trend_util_pct": [[96.0, 96.0]] * count,
            "clock_sm_mhz": np.round(clock * (1 + silicon + rng.normal(0, 0.012, count)) / 15) * 15,
            "power_w": power * (1 + rng.normal(0, 0.06, count)),
            "power_limit_w": 700.0,
            "temp_c": 58 + lasting + rng.normal(0, 1, count) + (power - 500) / 40,
            "memory_used_bytes": (memory + rng.normal(0, 0.3, count) + (slot == 0)) * GIB,
            "memory_total_bytes": 80.0 * GIB,
            "pcie_gen": 5,
            "pcie_width": 16,
            "pcie_width_max": 16,
            "throttle_reasons": 0,
        }
    )


@pytest.mark.parametrize("seed", [0, 1])
def test_noise_is_silent(seed):
    """No false alarm among 8,000 GPUs in 24 looks, that is two minutes, and none in the first."""
    rng = np.random.default_rng(seed)
    jobs, job = [], 1
    while len(jobs) < 1000:
        size = int(rng.choice([1, 2, 4, 8, 32]))
        jobs += [0 if rng.random() < 0.1 else job] * size
        job += 1
    seen, false = None, []
    for look in range(24):
        seen = compared(noisy(rng, jobs[:1000]), 1000.0 + 5 * look, seen)
        false += seen.gpus["straggler"].drop_nulls().to_list() + seen.gpus["outlier"].drop_nulls().to_list()
        false += seen.hosts["odd_host"].drop_nulls().to_list()
    assert false == []
    worst = {metric: seen.gpus[f"peer_z_{metric}"].abs().max() for metric in METRICS}
    assert all(value is not None and value < 40 for value in worst.values()), worst
