"""The simulated fleet without a network: time, history, events, boots, restarts."""

from itertools import pairwise

from leptontui import wire
from leptontui.demo.incidents import Incident, IncidentKind
from leptontui.demo.layout import Role, make_layout
from leptontui.demo.units import VLLM
from leptontui.demo.world import World

T0 = 1_700_000_000.0
LAYOUT = make_layout(8, 4)
INFER, TRAIN = LAYOUT.with_role(Role.INFER)[0], LAYOUT.with_role(Role.TRAIN)[0]


def world(*incidents, **options):
    return World(LAYOUT, start_unix_s=T0, incidents=incidents, **options)


def incident(kind, starts_s=3.0, lasts_s=10.0, every_s=1000.0, role=Role.TRAIN, **changes):
    return Incident(kind, starts_s, lasts_s, every_s, role, 0.0, **changes)


def test_history_is_ten_minutes_every_ten_seconds_before_the_start():
    sweeps = list(world().history(TRAIN))
    assert len(sweeps) == 60
    assert all(sweep.is_history for sweep in sweeps)
    assert [sweep.seq for sweep in sweeps] == list(range(60))
    assert sweeps[-1].t_unix_s == T0
    assert {b.t_unix_s - a.t_unix_s for a, b in pairwise(sweeps)} == {10.0}


def test_no_history_where_none_is_wanted():
    assert list(world(history_s=0.0).history(TRAIN)) == []


def test_history_goes_on_while_time_passes():
    it = world()
    it.advance(T0 + 35.0)
    sweeps = list(it.history(TRAIN))
    assert len(sweeps) == 60
    assert sweeps[-1].t_unix_s == T0 + 30.0


def test_a_sweep_says_everything_a_host_can_say():
    sweep = world().sweep(TRAIN, seq=4, t_unix_s=T0 + 0.25)
    assert (sweep.seq, sweep.is_history) == (4, False)
    assert len(sweep.gpus) == 4
    assert {process.job for process in sweep.processes} == {"8812"}
    assert sweep.memory.total_bytes == sweep.memory.used_bytes + sweep.memory.available_bytes
    assert len(sweep.cpu.cores_pct) == 64
    assert sweep.uptime_s > 0
    assert wire.decode(wire.encode(sweep)[:-1]) == sweep


def test_hello_describes_the_gpus_of_the_sweeps():
    it = world()
    hello = it.hello(TRAIN, t_unix_s=T0, interval_s=2.0)
    assert [gpu.uuid for gpu in hello.gpus] == [gpu.uuid for gpu in it.sweep(TRAIN, seq=0, t_unix_s=T0).gpus]
    assert hello.interval_s == 2.0
    assert wire.decode(wire.encode(hello)[:-1]) == hello


def test_a_gpu_off_the_bus_is_an_event_and_a_missing_reading():
    it = world(incident(IncidentKind.OFF_THE_BUS, gpu=2))
    assert it.advance(T0 + 2.5) == []
    happened = it.advance(T0 + 3.5)
    assert [(item.host, item.event.name, item.event.code) for item in happened] == [(TRAIN, "xid", 79)]
    lost = happened[0].event.gpu_uuid
    assert lost == TRAIN.gpu_uuids[2]
    sweep = it.sweep(TRAIN, seq=0, t_unix_s=T0 + 3.5)
    assert lost not in {gpu.uuid for gpu in sweep.gpus}
    assert lost not in {process.uuid for process in sweep.processes}
    assert len(sweep.gpus) == 3
    assert it.advance(T0 + 6.0) == []


def test_a_cut_rack_is_not_reached_and_comes_back_without_a_new_boot():
    cut = Incident(IncidentKind.RACK_CUT, 10.0, 20.0, 100.0, Role.IDLE, 0.0)
    it = world(cut)
    rack = [host for host in it.layout.hosts if host.rack == cut.host(it.layout, 0).rack]
    boots = [it.boot_unix_s(host) for host in it.layout.hosts]
    assert [(item.host, item.is_up) for item in it.advance(T0 + 15.0)] == [(host, False) for host in rack]
    assert [it.is_up(host) for host in it.layout.hosts] == [host not in rack for host in it.layout.hosts]
    assert [(item.host, item.is_up) for item in it.advance(T0 + 40.0)] == [(host, True) for host in rack]
    assert [it.boot_unix_s(host) for host in it.layout.hosts] == boots


def test_a_host_goes_away_and_comes_back_with_a_new_boot():
    it = world(incident(IncidentKind.HOST_AWAY, starts_s=30.0, lasts_s=40.0))
    before = it.hello(TRAIN, t_unix_s=T0, interval_s=1.0).boot_id
    pid = it.units.find(TRAIN.name, "nvidia-persistenced.service").invocation
    assert [(item.host, item.is_up) for item in it.advance(T0 + 30.0)] == [(TRAIN, False)]
    assert not it.is_up(TRAIN)
    assert [(item.host, item.is_up) for item in it.advance(T0 + 70.0)] == [(TRAIN, True)]
    assert it.hello(TRAIN, t_unix_s=T0, interval_s=1.0).boot_id != before
    assert it.units.find(TRAIN.name, "nvidia-persistenced.service").invocation != pid
    assert it.sweep(TRAIN, seq=0, t_unix_s=T0 + 70.0).uptime_s < 60.0
    assert all(sweep.t_unix_s > T0 + 45.0 for sweep in it.history(TRAIN))
    assert len(list(it.history(INFER))) == 60


def test_a_full_host_ends_with_the_kernel_killing():
    it = world(incident(IncidentKind.HOST_MEMORY, lasts_s=5.0, role=Role.INFER, strength=0.99))
    happened = it.advance(T0 + 9.0)
    assert [(item.host, item.event.name) for item in happened] == [(INFER, "oom-kill")]


def test_restarting_the_inference_server_stops_its_leak():
    it = world(incident(IncidentKind.GPU_MEMORY, lasts_s=600.0, role=Role.INFER, strength=0.99))
    it.advance(T0 + 500.0)
    before = it.sweep(INFER, seq=0, t_unix_s=T0 + 500.0).gpus[0].memory_used_bytes
    it.restart_unit(INFER, VLLM, T0 + 500.0)
    it.advance(T0 + 502.0)
    after = it.sweep(INFER, seq=1, t_unix_s=T0 + 502.0).gpus[0].memory_used_bytes
    assert after < before - 5e9


def test_the_gpu_processes_follow_the_units_main_process():
    it = world()
    before = {process.pid for process in it.sweep(INFER, seq=0, t_unix_s=T0).processes}
    it.restart_unit(INFER, VLLM, T0)
    assert before.isdisjoint(process.pid for process in it.sweep(INFER, seq=1, t_unix_s=T0).processes)


def test_an_overheating_gpu_crosses_its_slowdown_after_minutes_not_at_once():
    it = world(incident(IncidentKind.OVERHEATING, starts_s=-240.0, lasts_s=900.0, every_s=1200.0, gpu=1, strength=2.0))

    def temp(t_s):
        it.advance(T0 + t_s)
        return it.sweep(TRAIN, seq=0, t_unix_s=T0 + t_s).gpus[1].temp_c

    course = [temp(t_s) for t_s in (0, 60, 120, 180)]
    assert course == sorted(course)
    assert 66.0 < course[0] < course[-1] < 87.0
    assert max(temp(t_s) for t_s in range(240, 480, 10)) >= 87.0


def test_a_long_sleep_is_caught_up_with_and_a_clock_set_back_changes_nothing():
    it = world()
    it.advance(T0 + 3600.0)
    now = it.sweep(TRAIN, seq=0, t_unix_s=T0 + 3600.0)
    it.advance(T0 + 10.0)
    assert it.sweep(TRAIN, seq=0, t_unix_s=T0 + 3600.0) == now
