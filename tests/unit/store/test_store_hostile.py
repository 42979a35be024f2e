"""Whatever a host says, the store takes it: absurd numbers become null, text becomes printable, lists are cut."""

import gc
import tracemalloc

import msgspec
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from leptontui.model.catalogue import Kind, metrics_of
from leptontui.model.series import Entity
from leptontui.store.oddities import MOST_OF_A_HOST
from leptontui.store.schema import LISTS_OF
from leptontui.store.store import Store
from leptontui.wire import (
    Cpu,
    Disk,
    Filesystem,
    GpuDetails,
    GpuIdentity,
    GpuProcess,
    GpuReading,
    Hello,
    Memory,
    Nic,
    ProbeCost,
    Received,
    Sample,
    Service,
    Sweep,
    Unit,
    decode,
    encode,
)


@pytest.mark.parametrize(
    ("said", "shown"),
    [(50.0, 50.0), (-0.1, None), (100.4, 100.0), (100.6, None), (1e9, None), (1e300, None), (0.0, 0.0), (None, None)],
)
def test_a_percentage_is_between_nought_and_a_hundred(fleet, said, shown):
    store = Store(1.0)
    store.append([fleet.gpu_sweep(util=said)])
    assert store.latest(Entity.GPU)["util_pct"].to_list() == [shown]


@pytest.mark.parametrize(
    ("field", "said", "shown"),
    [
        ("temp_c", 129.0, 129.0),
        ("temp_c", 131.0, None),
        ("power_w", 1e300, None),
        ("power_w", -5.0, None),
        ("memory_used_bytes", -1, None),
        ("memory_used_bytes", 2**63, None),
        ("memory_used_bytes", 2**64, None),
        ("memory_used_bytes", 10**400, None),
        ("memory_used_bytes", 2**63 - 1, 2**63 - 1),
        ("ecc_corrected", 2**70, None),
        ("throttle_reasons", 2**63, None),
    ],
)
def test_a_value_beyond_its_bounds_is_null(fleet, field, said, shown):
    store = Store(1.0)
    store.append([fleet.sweep(gpus=(GpuReading("G0", **{field: said}),))])
    assert store.latest(Entity.GPU)[field].to_list() == [shown]


def test_more_than_there_is_cannot_be_used(fleet):
    store = Store(1.0)
    store.append([fleet.hello(), fleet.sweep(gpus=(GpuReading("G0", memory_used_bytes=1001),))])
    assert store.latest(Entity.GPU)["memory_used_bytes"].to_list() == [None]
    store.append([fleet.fs_sweep(used={"/": 1001, "/x": 1000})])
    assert store.latest(Entity.FILESYSTEM)["used_bytes"].to_list() == [None, 1000]


def test_text_is_made_printable_and_short(fleet):
    store = Store(1.0)
    nasty = "\x1b[31mtrain\x1b[0m\u202e\n" + "x" * 5000
    store.append([fleet.sweep(gpus=(GpuReading("G0"),), processes=(GpuProcess("G0", 1, nasty, nasty, nasty),))])
    process = store.latest(Entity.PROCESS).row(0, named=True)
    gpu = store.latest(Entity.GPU).row(0, named=True)
    for text in (process["user"], process["command"], process["job"], gpu["user"]):
        assert text.startswith("train x")
        assert text.isprintable()
        assert len(text) <= 200


def test_keys_are_made_printable_and_unique(fleet):
    store = Store(1.0)
    mounts = ("/a\x1b[1m", "/a", "", "/b")
    said = tuple(Filesystem(mount, used_bytes=number) for number, mount in enumerate(mounts))
    store.append([fleet.sweep(filesystems=said)])
    assert store.latest(Entity.FILESYSTEM).select("mount", "used_bytes").rows() == [("/a", 0), ("/b", 3)]


def test_lists_are_cut(fleet):
    store = Store(1.0)
    many = range(2000)
    store.append([
        fleet.sweep(
            gpus=tuple(GpuReading(f"G{n}") for n in many),
            processes=tuple(GpuProcess("G0", n) for n in many),
            filesystems=tuple(Filesystem(f"/{n}") for n in many),
            disks=tuple(Disk(f"d{n}") for n in many),
            nics=tuple(Nic(f"n{n}") for n in many),
            cpu=Cpu(cores_pct=(1.0,) * 2000),
        ),
        fleet.hello("b", gpus=tuple(f"G{n}" for n in many)),
    ])  # fmt: skip
    heights = [store.latest(entity).height for entity in (Entity.PROCESS, Entity.FILESYSTEM, Entity.DISK, Entity.NIC)]
    assert heights == [512, 256, 256, 256]
    assert store.latest(Entity.GPU)["host"].to_list() == ["a"] * 256 + ["b"] * 256
    assert len(store.latest(Entity.HOST)["cores_pct"][0]) == 1024


def test_absurd_clocks_are_survived(fleet):
    store = Store(1.0)
    for clock in (1e308, -1e308, 0.0):
        store.append([
            Received("a", Hello(1, clock, "a"), fleet.t0, 1.0),
            Received("a", Sweep(1, 1, clock, clock, is_history=True, disks=(Disk("d", 1),)), fleet.t0, 1.0),
            Received("a", Sweep(1, 2, -clock, -clock, disks=(Disk("d", 1),)), fleet.t0 + 1, 2.0),
        ])  # fmt: skip
    assert store.latest(Entity.DISK)["read_bytes_per_s"].to_list() == [None]


def odd(store, at=0.0):
    return store.oddities(100.0 + at)


def test_an_honest_host_is_not_marked(fleet):
    store = Store(1.0)
    store.append(
        [fleet.hello(), fleet.gpu_sweep(at=1), fleet.disk_sweep(at=2, read=None), fleet.cpu_sweep("b", util=None)]
    )
    store.append([fleet.sweep(at=3, gpus=(GpuReading("G0", fan_pct=108.0),), probe=ProbeCost(cpu_pct=140.0))])
    twice = (GpuProcess("G0", 1), GpuProcess("G0", 1))
    store.append([fleet.sweep(at=3, processes=twice, filesystems=(Filesystem("/"), Filesystem("/")))])
    assert odd(store, 3) == {}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"memory": Memory(used_bytes=-5)}, "memory_used_bytes: -5 is not believable"),
        ({"load1": 1e300}, "load1: 1e+300 is not believable"),
        ({"gpus": (GpuReading("G0", util_pct=250.0),)}, "util_pct: 250.0 is not believable"),
        ({"gpus": (GpuReading("G0", ecc_corrected=10**9999),)}, "ecc_corrected: a huge number is not believable"),
        ({"gpus": (GpuReading("G0"), GpuReading("G0"))}, "gpus: one is named twice, or has no name"),
        ({"gpus": (GpuReading(""),)}, "gpus: one is named twice, or has no name"),
        ({"gpus": tuple(GpuReading(f"G{n}") for n in range(4096))}, "gpus: 4096 were said, 256 are taken"),
        ({"gpu_details": tuple(GpuDetails(f"G{n}") for n in range(300))}, "gpu_details: 300 were said, 256 are taken"),
        (
            {"gpus": (GpuReading("G0"),), "gpu_details": (GpuDetails("G0", remapped_correctable=-1),)},
            "remapped_correctable: -1 is not believable",
        ),
        ({"samples": tuple(Sample("s", str(n)) for n in range(257))}, "samples: 257 were said, 256 are taken"),
        ({"processes": (GpuProcess("G0", 1, "\x1b[2Jroot"),)}, "user: control characters"),
    ],
)
def test_what_cannot_be_so_marks_the_host_and_no_other(fleet, fields, words):
    store = Store(1.0)
    store.append([fleet.sweep("good", 1, gpus=(GpuReading("G0"),)), fleet.sweep("bad", 1, **fields)])
    assert odd(store, 1) == {"bad": (words,)}
    assert odd(store, 30) == {"bad": (words,)}
    assert odd(store, 62) == {}, "a host that says it no more is no longer marked"


def test_a_hello_may_be_odd_too(fleet):
    store = Store(1.0)
    store.append([fleet.hello(gpus=tuple(f"G{n}" for n in range(300)))])
    assert odd(store) == {"a": ("gpus: 300 were said, 256 are taken",)}


def test_a_monotonic_clock_that_goes_back_is_odd_and_a_boot_is_not(fleet):
    store = Store(1.0)
    store.append([fleet.hello(), fleet.sweep(at=1, mono=900.0), fleet.sweep(at=2, mono=500.0)])
    assert odd(store, 2) == {"a": ("clock: its monotonic clock went backwards",)}
    fresh = Store(1.0)
    fresh.append([fleet.hello(), fleet.sweep(at=1, mono=900.0)])
    fresh.append([fleet.hello(at=2, boot_id="next"), fleet.sweep(at=2, mono=5.0)])
    assert odd(fresh, 2) == {}


def test_oddities_are_bounded_for_each_host(fleet):
    store = Store(1.0)
    fields = [field.name for field in msgspec.structs.fields(GpuReading) if field.name != "uuid"]
    for at in range(3):
        store.append(
            [fleet.sweep(at=at, gpus=tuple(GpuReading(f"G{n}", **dict.fromkeys(fields, -(2**70))) for n in range(256)))]
        )
    (said,) = odd(store, 3).values()
    assert 1 <= len(said) <= MOST_OF_A_HOST
    assert all(len(words) < 100 for words in said)


def test_a_hostile_host_takes_no_more_memory_than_its_bound(fleet):
    store = Store(1.0)
    store.append([fleet.hello("good", gpus=tuple(f"G{n}" for n in range(8))), fleet.gpu_sweep("good", at=0)])

    def shout(tick):
        """Everything new in every sweep: GPUs, mounts, series with long labels, processes, services."""
        new = f"{tick:03}-" + "x" * 150
        return fleet.sweep(
            "bad",
            tick,
            gpus=tuple(GpuReading(f"{new}{n}", util_pct=1.0) for n in range(4096)),
            filesystems=tuple(Filesystem(f"/{new}{n}", used_bytes=1) for n in range(4096)),
            samples=tuple(Sample("s", f'm{{l="{new}{n}"}}', 1.0) for n in range(4096)),
            services=tuple(Service(f"{new}{n}", latency_s=1.0) for n in range(4096)),
            processes=tuple(GpuProcess(new, n, new, new, new) for n in range(4096)),
            nics=tuple(Nic(f"{new}{n}", rx_bytes=n) for n in range(4096)),
            units=tuple(Unit(f"{new}{n}", "active") for n in range(4096)),
        )

    for tick in range(1, 6):
        store.append([shout(tick)])
    gc.collect()
    tracemalloc.start()
    try:
        before, bytes_before = tracemalloc.get_traced_memory()[0], store.nbytes()
        for tick in range(6, 26):
            store.append([shout(tick)])
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert store.nbytes() <= bytes_before
    # Numpy's share is counted by nbytes, too; this is everything in Python: names, codes, oddities.
    assert grown < 2 << 20
    rows = {entity: store.latest(entity).filter(pl.col("host") == "bad").height for entity in Entity}
    assert all(rows[entity] <= most for entity, (_, most) in LISTS_OF.items())
    assert store.latest(Entity.GPU).filter(pl.col("host") == "good").height == 8


numbers = st.one_of(st.none(), st.integers(), st.integers(-(2**80), 2**80), st.integers(0, 100))
floats = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))
texts = st.text(max_size=20)
fields = {int | None: numbers, float | None: floats}


def struct_of(kind, **given_fields):
    drawn = {
        field.name: fields[field.type]
        for field in msgspec.structs.fields(kind)
        if field.type in fields and field.name not in given_fields
    }
    return st.builds(kind, **drawn, **given_fields)


def some(strategy):
    return st.lists(strategy, max_size=3).map(tuple)


sweeps = struct_of(
    Sweep,
    v=st.just(1),
    seq=st.integers(),
    t_unix_s=st.floats(allow_nan=False, allow_infinity=False),
    t_mono_s=st.floats(allow_nan=False, allow_infinity=False),
    is_history=st.booleans(),
    cpu=struct_of(Cpu, cores_pct=some(st.floats(allow_nan=False, allow_infinity=False))),
    memory=struct_of(Memory),
    filesystems=some(struct_of(Filesystem, mount=texts, fstype=st.one_of(st.none(), texts))),
    disks=some(struct_of(Disk, device=texts)),
    nics=some(struct_of(Nic, nic=texts)),
    gpus=some(struct_of(GpuReading, uuid=texts)),
    processes=some(struct_of(GpuProcess, uuid=texts, pid=st.integers(), user=st.one_of(st.none(), texts))),
)
hellos = struct_of(
    Hello,
    v=st.just(1),
    t_unix_s=st.floats(allow_nan=False, allow_infinity=False),
    hostname=texts,
    boot_id=st.one_of(st.none(), texts),
    interval_s=st.just(1.0),
    gpus=some(struct_of(GpuIdentity, index=st.integers(), uuid=texts, name=st.one_of(st.none(), texts))),
)


@settings(  # not shrunk: a tick through every frame is too slow for thousands of attempts
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.one_of(sweeps, hellos)), max_size=6))
def test_nothing_a_host_can_say_raises_or_passes_its_bounds(messages):
    store, t0 = Store(1.0), 1_760_000_000.0
    schemas = {entity: store.latest(entity).schema for entity in Entity}
    for start in range(0, len(messages), 2):
        batch = messages[start : start + 2]
        store.append([Received(host, decode(encode(said).strip()), t0 + start, 1.0 + start) for host, said in batch])
    store.trends(t0)
    for entity in Entity:
        frame = store.latest(entity)
        assert frame.schema == schemas[entity]
        for item in metrics_of(entity):
            if item.kind in {Kind.GAUGE, Kind.TOTAL} and item.lower is not None:
                values = frame[item.name].drop_nulls()
                assert (values >= item.lower).all()
                assert item.upper is None or (values <= item.upper).all()
                assert values.is_finite().all() if values.dtype.is_float() else True
            elif item.kind is Kind.TEXT:
                assert all(text.isprintable() for text in frame[item.name].drop_nulls())
