"""Which events are news: each occurrence counts, and none of them twice, whoever tells it and however often."""

import pytest

from leptontui.engine.events import EventLog
from leptontui.engine.host_log import KNOWN_OF_A_HOST
from leptontui.health.events import gpu_events
from leptontui.model.health import HostEvent
from leptontui.wire import GpuReading, Hello, Sweep

NOW = 1_000_000.0
LOGGED = "NVRM: Xid (PCI:0000:3b:00): 31, pid=4711, name=python"
OF_NVML = "Xid 31, as the driver tells; the kernel's log says more"


def xid(t=0.0, code=31, text=LOGGED, uuid="G0", *, is_backlog=False, pci=None, host="a"):
    return HostEvent(host, NOW + t, "xid", uuid, code, text, is_backlog, pci)


def hello(boot="boot", driver="580.1"):
    return Hello(1, NOW, "a", boot_id=boot, driver_version=driver)


@pytest.fixture
def log():
    made = EventLog()
    made.greet("a", hello(), NOW)
    return made


def count(log):
    return len(log.newest)


def test_every_occurrence_counts_however_alike(log):
    assert [log.add(xid()) for _ in range(3)] == [True] * 3
    assert [log.add(xid(code=79, is_backlog=True)) for _ in range(2)] == [True] * 2
    assert gpu_events(log.current)["event"].to_list() == ["Xid 79 off the bus ×2: reboot the host (NVIDIA)"]


def test_a_new_link_tells_again_what_is_known(log):
    for t in (-500.0, -400.0, -400.0):
        log.add(xid(t, is_backlog=True))
    log.add(xid(1.0))
    for _ in range(3):
        log.greet("a", hello(), NOW + 60)
        told = [log.add(xid(t + 0.4, is_backlog=True)) for t in (-500.0, -400.0, -400.0, 1.0)]
        assert told == [False] * 4
    assert count(log) == 4


def test_what_happened_while_the_link_was_down_is_news(log):
    log.add(xid(-500.0, is_backlog=True))
    log.greet("a", hello(), NOW + 60)
    assert not log.add(xid(-500.0, is_backlog=True))
    assert log.add(xid(20.0, is_backlog=True))
    assert log.add(xid(-500.0, code=79, is_backlog=True)), "another code"
    assert log.add(xid(-500.0, uuid="G1", is_backlog=True)), "another GPU"


@pytest.mark.parametrize("texts", [(LOGGED, OF_NVML), (OF_NVML, LOGGED)])
def test_what_the_log_and_nvml_tell_of_one_xid_is_one(log, texts):
    first, second = texts
    assert log.add(xid(0.0, text=first))
    assert not log.add(xid(1.5, text=second))
    assert log.add(xid(3.0, text=first)), "the next one is another"
    assert not log.add(xid(3.5, text=second))
    assert log.add(xid(60.0, text=second)), "too late to be the same"


def test_one_telling_may_lack_the_uuid(log):
    assert log.add(xid(text=OF_NVML))
    assert not log.add(xid(1.0, uuid=None, pci="0000003B:00:00.0"))
    assert log.add(xid(1.0, uuid=None, pci="0000004C:00:00.0", code=79, text=LOGGED))
    assert log.add(xid(1.0, uuid=None, pci="0000005D:00:00.0", code=79, text=OF_NVML)), "another GPU"


def test_another_boot_begins_anew(log):
    log.add(xid(code=79))
    log.greet("a", hello(boot="next"), NOW + 100)
    assert log.current == ()
    assert count(log) == 1, "it happened nevertheless"
    assert log.add(xid(code=79, is_backlog=True)), "and the new boot's log is another"


def test_another_driver_leaves_its_xids_behind_and_nothing_else(log):
    log.add(xid(code=79))
    log.add(HostEvent("a", NOW, "oom-kill", None, None, "killed"))
    log.greet("a", hello(driver="590.1"), NOW + 100)
    assert [event.name for event in log.current] == ["oom-kill"]


def sweep(at=0.0, *, is_hung=False, gpus=()):
    return Sweep(1, 0, NOW, 500.0 + at, is_driver_hung=is_hung, gpus=tuple(GpuReading(uuid) for uuid in gpus))


def names(log):
    return [event.name for event in log.newest]


def test_a_sweep_tells_too_that_the_driver_hangs(log):
    log.heard("a", sweep(gpus=("G0",)), NOW)
    for at in range(1, 9):
        log.heard("a", sweep(at, is_hung=True), NOW + at)
    assert (log.circumstances.hung, log.circumstances.silent) == (frozenset(), {"a"}), "it may only be slow"
    log.heard("a", sweep(9, is_hung=True, gpus=("G0",)), NOW + 9)
    assert log.circumstances.hung == {"a"}
    assert not log.add(HostEvent("a", NOW + 3, "driver-hung", None, None, "")), "said already"
    log.heard("a", sweep(10, gpus=("G0",)), NOW + 10)
    assert names(log) == ["driver-hung", "driver-answers"]
    assert (log.circumstances.hung, log.circumstances.silent) == (frozenset(), frozenset())


def test_a_driver_that_was_unloaded_does_not_hang(log):
    log.add(HostEvent("a", NOW, "driver-hung", None, None, ""))
    log.heard("a", sweep(is_hung=True), NOW)
    for _ in range(2):
        log.heard("a", sweep(), NOW)
    assert log.is_hung("a")
    log.heard("a", sweep(), NOW)
    assert not log.is_hung("a")


def test_a_reboot_ends_a_hang(log):
    log.add(HostEvent("a", NOW, "driver-hung", None, None, ""))
    log.greet("a", hello(boot="next"), NOW)
    assert not log.is_hung("a")


def test_an_xid_after_two_reboots_is_for_inspection(log):
    for number in range(3):
        assert log.circumstances.inspect == frozenset()
        log.add(xid(3600.0 * number, code=79))
        if number < 2:
            log.greet("a", hello(boot=f"boot {number}"), NOW + 3600.0 * number)
    assert log.circumstances.inspect == {("a", 79)}


def test_reboots_long_apart_are_no_series(log):
    for number in range(3):
        log.add(xid(2.0 * 86400.0 * number, code=79))
        if number < 2:
            log.greet("a", hello(boot=f"boot {number}"), NOW + 2.0 * 86400.0 * number)
    assert log.circumstances.inspect == frozenset()


def test_what_is_not_kept_is_counted_still(log):
    for number in range(200):
        log.add(xid(number, code=31))
    kept = [event for event in log.newest if event.code == 31]
    dropped = log.circumstances.dropped["a", "xid", 31, "G0"]
    assert len(kept) + dropped.count == 200
    words = gpu_events(log.current, log.circumstances, now_unix_s=NOW)["event"].to_list()
    assert words == ["Xid 31 page fault ×200: restart the application (NVIDIA)"]


def test_a_flood_that_the_probe_told_as_one_is_counted(log):
    log.add(xid())
    log.add(xid(text="37 events like this, too many to tell one by one; the last: NVRM: Xid"))
    assert "×38" in gpu_events(log.current)["event"][0]


def test_critical_events_outlive_a_flood_of_others(log):
    log.add(xid(code=79))
    for number in range(3 * KNOWN_OF_A_HOST):
        log.add(HostEvent("a", NOW, "hung-task", None, None, str(number)))
    assert log.newest[0].code == 79


def test_a_host_that_is_forgotten_is_met_as_a_stranger(log):
    log.add(xid(is_backlog=True))
    log.add(xid(host="b"))
    log.forget({"a"})
    assert [event.host for event in log.newest] == ["b"]
    assert [event.host for event in log.current] == ["b"]
    assert log.add(xid(is_backlog=True))


def test_memory_is_bounded_whatever_a_host_invents(log):
    for number in range(5000):
        log.add(xid(number, code=number, text=f"NVRM {number}" * 20, uuid=f"G{number}"))
    assert count(log) <= 50
    assert len(log.circumstances.dropped) <= 64
