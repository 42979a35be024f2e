"""Whatever a host says, the store takes it: absurd numbers become null, text becomes printable, lists are cut."""

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from leptontui.model.catalogue import Kind, metrics_of
from leptontui.model.series import Entity
from leptontui.store.store import Store
from leptontui.wire import (
    Cpu,
    Disk,
    Filesystem,
    GpuIdentity,
    GpuProcess,
    GpuReading,
    Hello,
    Memory,
    Nic,
    Received,
    Sweep,
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
