"""AMD GPUs through sysfs: an MI300X, an MI50 behind its board's switch and an RX 580, as their files look."""

import json
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui import wire
from leptontui.model.health import EVENTS
from leptontui.probe import amd, amd_parsing, amd_uses
from leptontui.probe.amd import AmdGpus
from leptontui.probe.amd_card import Card

WAIT_S = 30.0

MI300X = {
    "vendor": "0x1002\n",
    "device": "0x74a1\n",
    "class": "0x120000\n",
    "unique_id": "c8f1a3b2d4e59607\n",
    "product_name": "AMD Instinct MI300X OAM\n",
    "serial_number": "692432000461\n",
    "vbios_version": "113-M3000100-103\n",
    "power/runtime_status": "active\n",
    "gpu_busy_percent": "97\n",
    "mem_busy_percent": "41\n",
    "mem_info_vram_total": "206141652992\n",
    "mem_info_vram_used": "187904819200\n",
    "pp_dpm_sclk": "0: 500Mhz\n1: 1710Mhz *\n2: 2100Mhz\n",
    "pp_dpm_mclk": "0: 900Mhz\n1: 1100Mhz\n2: 1200Mhz\n3: 1300Mhz *\n",
    "pcie_replay_count": "3\n",
    "current_link_speed": "32.0 GT/s PCIe\n",
    "current_link_width": "16\n",
    "max_link_speed": "32.0 GT/s PCIe\n",
    "max_link_width": "16\n",
    "hwmon/hwmon7/name": "amdgpu\n",
    "hwmon/hwmon7/temp2_label": "junction\n",
    "hwmon/hwmon7/temp2_input": "71000\n",
    "hwmon/hwmon7/temp2_crit": "100000\n",
    "hwmon/hwmon7/temp2_emergency": "105000\n",
    "hwmon/hwmon7/temp3_label": "mem\n",
    "hwmon/hwmon7/temp3_input": "56000\n",
    "hwmon/hwmon7/temp3_crit": "105000\n",
    "hwmon/hwmon7/temp3_emergency": "110000\n",
    "hwmon/hwmon7/power1_label": "PPT\n",
    "hwmon/hwmon7/power1_input": "642000000\n",
    "hwmon/hwmon7/power1_cap": "750000000\n",
    "hwmon/hwmon7/power1_cap_max": "750000000\n",
    "hwmon/hwmon7/freq1_input": "1710000000\n",
    "hwmon/hwmon7/freq1_label": "sclk\n",
    "ras/features": "feature mask: 0x1ffffff\n",
    "ras/umc_err_count": "ue: 0\nce: 12\nde: 0\n",
    "ras/gfx_err_count": "ue: 1\nce: 2\n",
    "ras/sdma_err_count": "ue: 0\nce: 0\n",
    "ras/xgmi_wafl_err_count": "ue: 0\nce: 7\n",
    "ras/gpu_vram_bad_pages": "0xcad000 : 0x00001000 : R \n0xcae000 : 0x00001000 : P \n0xcaf000 : 0x00001000 : F \n",
}
MI50 = {
    "vendor": "0x1002\n",
    "device": "0x66a1\n",
    "class": "0x030000\n",
    "unique_id": "21d8b7a16f3c0e55\n",
    "vbios_version": "113-D1631400-X11\n",
    "gpu_busy_percent": "0\n",
    "mem_busy_percent": "0\n",
    "mem_info_vram_total": "17163091968\n",
    "mem_info_vram_used": "10960896\n",
    "pp_dpm_sclk": "0: 925Mhz *\n1: 930Mhz\n2: 1725Mhz\n",
    "pp_dpm_mclk": "0: 350Mhz *\n1: 800Mhz\n2: 1000Mhz\n",
    "pcie_replay_count": "0\n",
    "current_link_speed": "16.0 GT/s PCIe\n",
    "current_link_width": "16\n",
    "max_link_speed": "16.0 GT/s PCIe\n",
    "max_link_width": "16\n",
    "hwmon/hwmon2/name": "amdgpu\n",
    "hwmon/hwmon2/temp1_label": "edge\n",
    "hwmon/hwmon2/temp1_input": "34000\n",
    "hwmon/hwmon2/temp1_crit": "100000\n",
    "hwmon/hwmon2/temp1_emergency": "105000\n",
    "hwmon/hwmon2/temp2_label": "junction\n",
    "hwmon/hwmon2/temp2_input": "98000\n",
    "hwmon/hwmon2/temp2_crit": "100000\n",
    "hwmon/hwmon2/temp3_label": "mem\n",
    "hwmon/hwmon2/temp3_input": "35000\n",
    "hwmon/hwmon2/temp3_crit": "94000\n",
    "hwmon/hwmon2/power1_average": "18000000\n",
    "hwmon/hwmon2/power1_cap": "300000000\n",
    "hwmon/hwmon2/pwm1": "51\n",
    "ras/features": "feature mask: 0x0\n",
    "ras/umc_err_count": "ue: 0\nce: 0\n",
}
RX580 = {
    "vendor": "0x1002\n",
    "device": "0x67df\n",
    "class": "0x030000\n",
    "vbios_version": "113-1E366CU-O4C\n",
    "gpu_busy_percent": "12\n",
    "mem_info_vram_total": "8589934592\n",
    "mem_info_vram_used": "1048576\n",
    "pp_dpm_sclk": "0: 300Mhz *\n1: 600Mhz\n2: 1366Mhz\n",
    "pp_dpm_mclk": "0: 300Mhz *\n1: 1000Mhz\n2: 2000Mhz\n",
    "current_link_speed": "8.0 GT/s PCIe\n",
    "current_link_width": "8\n",
    "max_link_speed": "8.0 GT/s PCIe\n",
    "max_link_width": "16\n",
    "hwmon/hwmon3/name": "amdgpu\n",
    "hwmon/hwmon3/temp1_input": "52000\n",
    "hwmon/hwmon3/temp1_crit": "94000\n",
    "hwmon/hwmon3/power1_average": "38123000\n",
    "hwmon/hwmon3/power1_cap": "145000000\n",
    "hwmon/hwmon3/pwm1": "0\n",
}
KFD_MI300X = """cpu_cores_count 0
simd_count 1216
location_id 1280
domain 0
unique_id 14479785012345678343
"""


class Machine:
    """A /sys and a /proc whose devices come and go."""

    def __init__(self, root):
        self.sys, self.proc = str(root / "sys"), str(root / "proc")
        self._root = root
        (root / "sys/class/drm").mkdir(parents=True)
        (root / "proc").mkdir()

    def write(self, name, content):
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def add(self, card, place, files):
        """A GPU at `place`, a path of PCI addresses below the root."""
        device = f"sys/devices/pci0000:00/{place}"
        for name, content in files.items():
            self.write(f"{device}/{name}", content)
        link = self._root / f"sys/class/drm/{card}"
        link.mkdir()
        (link / "device").symlink_to(self._root / device)
        self.device = device

    def remove(self, card):
        (self._root / f"sys/class/drm/{card}/device").unlink()
        (self._root / f"sys/class/drm/{card}").rmdir()

    def open_by(self, pid, fd, fdinfo, target="/dev/dri/renderD128"):
        self.write(f"proc/{pid}/fdinfo/{fd}", fdinfo)
        (self._root / f"proc/{pid}/fd").mkdir(exist_ok=True)
        (self._root / f"proc/{pid}/fd/{fd}").symlink_to(target)

    def gpus(self, **options):
        return AmdGpus(self.sys, self.proc, **options)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def read(gpus, now):
    """What is read once all has answered, however busy this machine is."""
    _, details, uses = gpus.read(now)
    for patrol in (gpus._patrol, gpus._uses_patrol):
        patrol.join(WAIT_S)
    again = gpus.read(now)
    return again[0], details + again[1], again[2] or uses


def test_an_mi300x(machine):
    machine.add("card1", "0000:00:01.1/0000:05:00.0", MI300X)
    gpus = machine.gpus()
    readings, details, uses = read(gpus, 0.0)
    assert gpus.identities == [
        {
            "index": 0,
            "uuid": "AMD-c8f1a3b2d4e59607",
            "name": "AMD Instinct MI300X OAM",
            "serial": "692432000461",
            "pci_bus_id": "0000:05:00.0",
            "vbios": "113-M3000100-103",
            "memory_total_bytes": 206141652992,
            "power_limit_w": 750.0,
            "temp_slowdown_c": 100.0,
            "temp_shutdown_c": 105.0,
            "temp_memory_max_c": 105.0,
            "clock_sm_max_mhz": 2100.0,
            "clock_mem_max_mhz": 1300.0,
            "pcie_gen_max": 5,
            "pcie_width_max": 16,
            "vendor": "amd",
        }
    ]
    assert readings == [
        {
            "uuid": "AMD-c8f1a3b2d4e59607",
            "util_pct": 97.0,
            "memory_util_pct": 41.0,
            "memory_used_bytes": 187904819200,
            # It has no edge sensor.
            "temp_c": 71.0,
            "temp_memory_c": 56.0,
            "temp_margin_c": 29.0,
            "power_w": 642.0,
            "power_limit_w": 750.0,
            "clock_sm_mhz": 1710.0,
            "clock_mem_mhz": 1300.0,
            "fan_pct": None,
            "pcie_gen": 5,
            "pcie_width": 16,
            "pcie_replays": 3,
            "ecc_corrected": 14,
            "ecc_uncorrected": 1,
        }
    ]
    assert details == [
        {
            "uuid": "AMD-c8f1a3b2d4e59607",
            "ecc_dram_corrected": 12,
            "ecc_dram_uncorrected": 0,
            "ecc_sram_corrected": 2,
            "ecc_sram_uncorrected": 1,
            "retired_pages_dbe": 1,
            "is_retirement_pending": True,
            "is_ecc_enabled": True,
        }
    ]
    assert uses == []
    assert gpus.gaps == {}


def test_an_idle_mi300x_sleeps_below_its_lowest_level(machine):
    machine.add("card1", "0000:00:01.1/0000:05:00.0", {**MI300X, "pp_dpm_sclk": "S: 132Mhz *\n0: 500Mhz\n1: 2100Mhz\n"})
    assert read(machine.gpus(), 0.0)[0][0]["clock_sm_mhz"] == 132.0


def test_an_mi50_is_as_fast_as_the_outer_end_of_its_boards_switch(machine):
    bridge = {
        "vendor": "0x1002\n",
        "class": "0x060400\n",
        "max_link_speed": "16.0 GT/s PCIe\n",
        "max_link_width": "16\n",
    }
    outer = {**bridge, "current_link_speed": "8.0 GT/s PCIe\n", "current_link_width": "4\n"}
    inner = {**bridge, "current_link_speed": "16.0 GT/s PCIe\n", "current_link_width": "16\n"}
    root = {**bridge, "vendor": "0x1022\n", "current_link_speed": "2.5 GT/s PCIe\n", "current_link_width": "1\n"}
    for place, files in (("01.0", root), ("01.0/0000:01:00.0", outer), ("01.0/0000:01:00.0/0000:02:00.0", inner)):
        for name, content in files.items():
            machine.write(f"sys/devices/pci0000:00/0000:00:{place}/{name}", content)
    machine.add("card0", "0000:00:01.0/0000:01:00.0/0000:02:00.0/0000:03:00.0", MI50)
    gpus = machine.gpus()
    (reading,), (details,), _ = read(gpus, 0.0)
    (identity,) = gpus.identities
    assert (identity["name"], identity["uuid"]) == ("AMD Instinct MI50", "AMD-21d8b7a16f3c0e55")
    assert identity["serial"] is None
    assert (identity["pcie_gen_max"], reading["pcie_gen"], reading["pcie_width"]) == (4, 3, 4)
    assert reading["temp_c"] == 34.0
    # The junction is near its limit, the edge is not.
    assert reading["temp_margin_c"] == 2.0
    assert (reading["power_w"], reading["fan_pct"]) == (18.0, 20.0)
    assert details["is_ecc_enabled"] is False
    assert details["retired_pages_dbe"] is None
    assert details["ecc_sram_uncorrected"] is None


def test_what_an_older_card_cannot_tell_is_null(machine):
    machine.add("card0", "0000:00:03.0/0000:08:00.0", RX580)
    gpus = machine.gpus()
    (reading,), (details,), _ = read(gpus, 0.0)
    (identity,) = gpus.identities
    assert (identity["uuid"], identity["name"]) == ("AMD-0000:08:00.0", "AMD GPU 1002:67df")
    assert (reading["temp_c"], reading["temp_margin_c"], reading["fan_pct"]) == (52.0, 42.0, 0.0)
    assert reading["pcie_width"] == 8
    for field in ("memory_util_pct", "temp_memory_c", "pcie_replays", "ecc_corrected", "ecc_uncorrected"):
        assert reading[field] is None
    assert {value for field, value in details.items() if field != "uuid"} == {None}


def test_rows_are_the_wires(machine):
    machine.add("card1", "0000:00:01.1/0000:05:00.0", MI300X)
    machine.add("card0", "0000:00:03.0/0000:08:00.0", RX580)
    gpus = machine.gpus()
    readings, details, _ = read(gpus, 0.0)
    sweep = {"kind": "sweep", "v": wire.VERSION, "seq": 0, "t_unix_s": 0.0, "t_mono_s": 0.0}
    sweep.update(gpus=readings, gpu_details=details)
    hello = {"kind": "hello", "v": wire.VERSION, "t_unix_s": 0.0, "hostname": "a", "gpus": gpus.identities}
    for message, struct, rows in (
        (sweep, wire.GpuReading, readings),
        (sweep, wire.GpuDetails, details),
        (hello, wire.GpuIdentity, gpus.identities),
    ):
        wire.decode(json.dumps(message, allow_nan=False).encode())
        assert all(set(row) <= set(struct.__struct_fields__) for row in rows)


def test_other_vendors_connectors_and_other_devices_are_not_gpus(machine):
    machine.add("card0", "0000:00:02.0/0000:01:00.0", {**RX580, "vendor": "0x10de\n"})
    machine.add("card1", "0000:00:02.0/0000:02:00.0", {**RX580, "class": "0x040300\n"})
    machine.add("card2-DP-1", "0000:00:02.0/0000:03:00.0", RX580)
    machine.add("card3", "platform/simple-framebuffer.0", RX580)
    machine.add("renderD128", "0000:00:02.0/0000:04:00.0", RX580)
    gpus = machine.gpus()
    assert read(gpus, 0.0) == ([], [], [])
    assert gpus.identities == []


def test_a_host_without_amd_gpus_costs_nothing_but_a_look_a_minute(machine, monkeypatch):
    gpus = machine.gpus()
    looks = []
    monkeypatch.setattr(amd, "_names", lambda directory: looks.append(directory) or [])
    for now in range(120):
        assert gpus.read(float(now)) == ([], [], [])
    assert len(looks) == 2
    assert AmdGpus("/nowhere", "/nowhere").read(0.0) == ([], [], [])


def test_numbers_are_in_order_of_pci_address(machine):
    machine.add("card0", "0000:00:03.0/0000:c8:00.0", {**MI300X, "unique_id": "02\n"})
    machine.add("card10", "0000:00:01.1/0000:05:00.0", {**MI300X, "unique_id": "01\n"})
    gpus = machine.gpus()
    read(gpus, 0.0)
    assert [(gpu["index"], gpu["uuid"]) for gpu in gpus.identities] == [(0, "AMD-01"), (1, "AMD-02")]


def test_two_dies_with_one_number_are_two_gpus(machine):
    machine.add("card0", "0000:00:01.1/0000:05:00.0", MI300X)
    machine.add("card1", "0000:00:03.0/0000:08:00.0", MI300X)
    gpus = machine.gpus()
    read(gpus, 0.0)
    assert [gpu["uuid"] for gpu in gpus.identities] == ["AMD-c8f1a3b2d4e59607", "AMD-0000:08:00.0"]


def test_a_gpu_that_goes_is_an_event_stays_known_and_may_come_back(machine):
    machine.add("card0", "0000:00:01.1/0000:05:00.0", MI300X)
    machine.add("card1", "0000:00:03.0/0000:08:00.0", RX580)
    gpus = machine.gpus()
    read(gpus, 0.0)
    version = gpus.version
    machine.remove("card0")
    readings, _, _ = read(gpus, amd.SCAN_S)
    assert [row["uuid"] for row in readings] == ["AMD-0000:08:00.0"]
    assert gpus.events() == [("gpu-lost", "0000:05:00.0 is not on the bus any more", "AMD-c8f1a3b2d4e59607", None)]
    assert gpus.events() == []
    assert len(gpus.identities) == 2
    assert gpus.version > version
    (Path(machine.sys) / "class/drm/card0").mkdir()
    (Path(machine.sys) / "class/drm/card0/device").symlink_to(
        Path(machine.sys) / "devices/pci0000:00/0000:00:01.1/0000:05:00.0"
    )
    assert len(read(gpus, 3 * amd.SCAN_S)[0]) == 2
    assert len(gpus.identities) == 2


def test_events_are_those_that_the_program_knows():
    assert {"gpu-lost", "driver-hung", "driver-answers"} <= set(EVENTS)


def test_a_gpu_whose_files_hang_is_told_and_the_others_are_read(machine, monkeypatch):
    machine.add("card0", "0000:00:01.1/0000:05:00.0", MI300X)
    machine.add("card1", "0000:00:03.0/0000:08:00.0", RX580)
    is_over, has_begun = threading.Event(), threading.Event()
    gpus = machine.gpus(limit_s=1000.0)
    read(gpus, 0.0)
    fast = Card._fast

    def hanging(card):
        if card.address == "0000:05:00.0":
            has_begun.set()
            is_over.wait(WAIT_S)
        return fast(card)

    monkeypatch.setattr(Card, "_fast", hanging)
    try:
        gpus.read(1.0)
        assert has_begun.wait(WAIT_S)
        gpus._patrol.limit_s = 0.0
        gpus._patrol.check()
        gpus._patrol.limit_s = 1000.0
        readings, _, _ = read(gpus, 2.0)
        assert gpus.is_hung
        assert [row["uuid"] for row in readings] == ["AMD-0000:08:00.0"]
        (event,) = gpus.events()
        assert (event[0], event[2]) == ("driver-hung", "AMD-c8f1a3b2d4e59607")
        assert "has not answered" in gpus.gaps["gpu 0000:05:00.0"]
    finally:
        is_over.set()
    for now in range(3, 1000):
        readings, _, _ = read(gpus, float(now))
        if len(readings) == 2:
            break
    assert [name for name, _, _, _ in gpus.events()] == ["driver-answers"]
    assert not gpus.is_hung
    assert gpus.gaps == {}


def test_a_gpu_that_is_being_reset_has_nulls_not_yesterdays_values(machine):
    machine.add("card0", "0000:00:01.1/0000:05:00.0", MI300X)
    gpus = machine.gpus()
    read(gpus, 0.0)
    device = Path(machine.sys) / "devices/pci0000:00/0000:00:01.1/0000:05:00.0"
    for name in ("gpu_busy_percent", "mem_info_vram_used", "pp_dpm_sclk"):
        (device / name).unlink()
        (device / name).mkdir()
    gpus._cards["0000:05:00.0"].close()
    (reading,), _, _ = read(gpus, 1.0)
    assert (reading["util_pct"], reading["memory_used_bytes"]) == (None, None)
    # Its sensor still tells the clock.
    assert reading["clock_sm_mhz"] == 1710.0


def test_a_suspended_gpu_is_not_woken(machine):
    machine.add("card0", "0000:00:01.1/0000:05:00.0", {**MI300X, "power/runtime_status": "suspended\n"})
    gpus = machine.gpus()
    assert read(gpus, 0.0)[0] == [{"uuid": "AMD-c8f1a3b2d4e59607"}]


def test_what_changes_slowly_is_read_every_few_seconds(machine):
    machine.add("card0", "0000:00:01.1/0000:05:00.0", MI300X)
    card = Card(f"{machine.sys}/class/drm/card0/device", "0000:05:00.0")
    counts = []
    read_again = card._again
    card._again = lambda name, *rest, **more: counts.append(name) or read_again(name, *rest, **more)
    details = [card.read(float(now))[1] for now in range(20)]
    assert counts.count("gpu_busy_percent") == 20
    assert counts.count("pcie_replay_count") == 4
    assert len([row for row in details if row is not None]) == 2
    card.close()


def test_files_are_kept_open_and_closed_at_the_end(machine):
    machine.add("card0", "0000:00:01.1/0000:05:00.0", MI300X)
    before = len(list(Path("/proc/self/fd").iterdir()))
    card = Card(f"{machine.sys}/class/drm/card0/device", "0000:05:00.0")
    card.read(0.0)
    card.read(1.0)
    opened = len(list(Path("/proc/self/fd").iterdir()))
    card.read(30.0)
    assert len(list(Path("/proc/self/fd").iterdir())) == opened
    card.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


# Who uses them


FDINFO = (
    "pos:\t0\nflags:\t02100002\nmnt_id:\t27\nino:\t1042\ndrm-driver:\tamdgpu\ndrm-client-id:\t%d\n"
    "drm-pdev:\t%s\npasid:\t32771\ndrm-memory-vram:\t%d KiB\ndrm-memory-gtt: \t2048 KiB\ndrm-engine-gfx:\t123 ns\n"
)


def test_who_computes_and_who_draws(machine):
    machine.add("card0", "0000:00:01.1/0000:05:00.0", MI300X)
    machine.write("sys/class/kfd/kfd/topology/nodes/0/gpu_id", "0\n")
    machine.write("sys/class/kfd/kfd/topology/nodes/0/properties", "cpu_cores_count 96\nlocation_id 0\n")
    machine.write("sys/class/kfd/kfd/topology/nodes/1/gpu_id", "28851\n")
    machine.write("sys/class/kfd/kfd/topology/nodes/1/properties", KFD_MI300X)
    machine.write("sys/class/kfd/kfd/proc/4242/vram_28851", "150323855360\n")
    machine.write("sys/class/kfd/kfd/proc/4242/pasid", "32770\n")
    machine.write("sys/class/kfd/kfd/proc/4243/vram_28851", "0\n")
    machine.open_by(4242, 5, FDINFO % (7, "0000:05:00.0", 1024))
    machine.open_by(5000, 9, FDINFO % (8, "0000:05:00.0", 1024))
    # The same client, duplicated, and another.
    machine.open_by(5000, 10, FDINFO % (8, "0000:05:00.0", 1024))
    machine.open_by(5000, 11, FDINFO % (9, "0000:05:00.0", 2048))
    machine.open_by(5001, 3, "pos:\t0\n", "/dev/dri/card0")
    machine.open_by(5002, 3, FDINFO % (10, "0000:ff:00.0", 1))
    machine.open_by(5003, 3, FDINFO % (11, "0000:05:00.0", 1), "/dev/null")
    assert read(machine.gpus(), 0.0)[2] == [
        {"uuid": "AMD-c8f1a3b2d4e59607", "pid": 4242, "memory_used_bytes": 150323855360},
        {"uuid": "AMD-c8f1a3b2d4e59607", "pid": 5000, "memory_used_bytes": 3 << 20},
    ]


def test_processes_are_searched_now_and_then_within_bounds(machine, monkeypatch):
    monkeypatch.setattr(amd_uses, "MOST_LINKS", 2)
    for pid in (10, 20, 30):
        machine.open_by(pid, 3, FDINFO % (pid, "0000:05:00.0", 1))
        machine.open_by(pid, 4, "", "/dev/null")
    uses = amd_uses.Uses(machine.sys, machine.proc)
    assert set(uses.read(0.0)) == {("0000:05:00.0", 10)}
    assert set(uses.read(amd_uses.SEARCH_S)) == {("0000:05:00.0", 10), ("0000:05:00.0", 20)}
    assert len(uses.read(2 * amd_uses.SEARCH_S)) == 3


# Parsing


@given(st.binary(max_size=200))
def test_garbage_is_read_without_an_exception_and_is_strict_json(content):
    values = [
        amd_parsing.product(content, content),
        amd_parsing.celsius(content),
        amd_parsing.watts(content),
        amd_parsing.percent(content),
        amd_parsing.clocks(content),
        amd_parsing.generation(content),
        amd_parsing.width(content),
        amd_parsing.errors(content),
        amd_parsing.has_umc_ras(content),
        amd_parsing.retired(content),
    ]
    json.dumps(values, allow_nan=False)
    amd_parsing.fdinfo(content)
    amd_parsing.fdinfo(b"drm-driver:\tamdgpu\ndrm-pdev:\t" + content)


@pytest.mark.parametrize(
    ("parse", "content", "value"),
    [
        (amd_parsing.celsius, b"0\n", None),
        (amd_parsing.celsius, b"-273150\n", None),
        (amd_parsing.celsius, None, None),
        (amd_parsing.watts, b"0\n", None),
        (amd_parsing.watts, b"4294967295000000\n", None),
        (amd_parsing.percent, b"65535\n", None),
        (amd_parsing.percent, b"0\n", 0.0),
        (amd_parsing.clocks, b"", (None, None)),
        (amd_parsing.clocks, b"0: 300Mhz \n1: 500Mhz \n", (None, 500.0)),
        (amd_parsing.generation, b"Unknown\n", None),
        (amd_parsing.generation, b"2.5 GT/s PCIe\n", 1),
        (amd_parsing.generation, b"8.0 GT/s\n", 3),
        (amd_parsing.width, b"255\n", None),
        (amd_parsing.width, b"0\n", None),
        (amd_parsing.errors, b"ue: 3\nce: 4\n", (4, 3)),
        (amd_parsing.errors, b"Query is not supported\n", (None, None)),
        (amd_parsing.has_umc_ras, b"nonsense", None),
    ],
)
def test_what_the_files_mean(parse, content, value):
    assert parse(content) == value


def test_names():
    assert amd_parsing.product(b"Instinct MI210\n", b"0x740f") == "AMD Instinct MI210"
    assert amd_parsing.product(b"\n", b"0x74a1\n") == "AMD Instinct MI300X"
    assert amd_parsing.product(b"\x1b[31mX", None) == "AMD [31mX"
    assert amd_parsing.product(None, None) == "AMD GPU"
