"""What kernel files say, read as proc(5) describes them; garbage is None and never an exception."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.probe import cpu, disks, filesystems, host, memory, nics, parsing, pressure, processes

STAT = b"""cpu  100 20 30 800 50 6 4 10 5 0
cpu0 50 10 15 400 25 3 2 5 0 0
cpu1 50 10 15 400 25 3 2 5 5 0
intr 429826 0 0
ctxt 786416
"""
LATER = b"""cpu  150 20 50 900 60 8 6 16 5 0
cpu0 100 10 15 400 25 3 2 5 0 0
cpu1 50 10 35 500 35 5 4 11 5 0
"""


def shares_of(before, after):
    return cpu.total_shares(cpu.parse_total(before), cpu.parse_total(after))


def test_cpu_is_the_share_of_the_time_between_two_readings():
    # 50 user, 20 system, 100 idle, 10 waiting, 4 for interrupts, 6 stolen: 190 ticks.
    values = shares_of(STAT, LATER)
    assert values["util_pct"] == pytest.approx(100 * 80 / 190, abs=0.01)
    assert values["user_pct"] == pytest.approx(100 * 50 / 190, abs=0.01)
    assert values["system_pct"] == pytest.approx(100 * 24 / 190, abs=0.01)
    assert values["iowait_pct"] == pytest.approx(100 * 10 / 190, abs=0.01)
    assert values["steal_pct"] == pytest.approx(100 * 6 / 190, abs=0.01)
    cores = cpu.core_shares(cpu.parse_cores(STAT), cpu.parse_cores(LATER))
    assert cores == [100.0, pytest.approx(100 * 30 / 140, abs=0.06)]


def test_cpu_is_unknown_when_no_time_has_passed():
    assert shares_of(STAT, STAT) == {}
    assert shares_of(b"", STAT) == {}
    assert shares_of(STAT, b"cpu 1 x 3 4 5") == {}


def test_a_core_that_came_makes_no_wrong_cores():
    before = {name: ticks for name, ticks in cpu.parse_cores(STAT).items() if name != b"cpu1"}
    assert cpu.core_shares(before, cpu.parse_cores(LATER)) == []


def test_cpu_is_what_it_was_where_hardly_any_time_has_passed(tree):
    root = tree({"stat": STAT})
    reader = cpu.CpuReader(root)
    assert reader.read(0.0) == {}
    tree({"stat": LATER})
    first = reader.read(1.0)
    assert first["cores_pct"][0] == 100.0
    tree({"stat": LATER.replace(b"150", b"154")})
    assert reader.read(1.01) == first
    tree({"stat": LATER.replace(b"900", b"1900")})
    assert reader.read(2.0)["util_pct"] < first["util_pct"]


def test_many_cores_are_worked_out_less_often(tree):
    def stat(busy, cores=cpu.MANY_CORES + 1):
        core = f"{busy} 0 0 100 0 0 0 0"
        return f"cpu {busy * cores} 0 0 {100 * cores} 0 0 0 0\n" + "".join(f"cpu{n} {core}\n" for n in range(cores))

    root = tree({"stat": stat(0)})
    reader = cpu.CpuReader(root)
    seen = []
    for now in range(7):
        tree({"stat": stat(100 * (now + 1))})
        seen.append(reader.read(float(now))["cores_pct"][0])
    assert seen == [100.0] * 7
    assert reader._cores_before[b"cpu0"][0] == 600


def test_iowait_that_ran_backwards_counts_as_none():
    values = cpu.total_shares([0, 0, 0, 0, 50, 0, 0, 0], [10, 0, 0, 10, 40, 0, 0, 0])
    assert values["iowait_pct"] == 0.0
    assert values["util_pct"] == 50.0


def test_memory():
    content = b"MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\nSwapTotal: 50 kB\nSwapFree: 20 kB\n"
    assert memory.parse_meminfo(content) == {
        "total_bytes": 1024000,
        "available_bytes": 409600,
        "used_bytes": 614400,
        "swap_total_bytes": 51200,
        "swap_used_bytes": 30720,
        "slab_bytes": None,
        "hugepages_total_bytes": None,
        "hugepages_free_bytes": None,
    }


def test_slab_and_huge_pages():
    content = b"Slab: 8 kB\nHugePages_Total: 4\nHugePages_Free: 1\nHugepagesize: 2048 kB\n"
    values = memory.parse_meminfo(content)
    assert values["slab_bytes"] == 8192
    assert values["hugepages_total_bytes"] == 4 * 2048 * 1024
    assert values["hugepages_free_bytes"] == 2048 * 1024
    assert memory.parse_meminfo(b"HugePages_Total: 4\n")["hugepages_total_bytes"] is None


def test_oom_kills_are_counted_since_boot_and_read_now_and_then(tree):
    assert memory.parse_oom_kills(b"nr_free_pages 1\noom_kill 3\nswap_ra 1\n") == 3
    assert memory.parse_oom_kills(b"nr_free_pages 1\n") is None
    root = tree({"meminfo": "MemTotal: 1 kB\n", "vmstat": "a 1\noom_kill 3\n"})
    reader = memory.MemoryReader(root)
    assert reader.read(0.0)["oom_kills"] == 3
    tree({"vmstat": "a 1\noom_kill 4\n"})
    assert reader.read(memory.KILLS_PERIOD_S - 1.0)["oom_kills"] == 3
    assert reader.read(memory.KILLS_PERIOD_S)["oom_kills"] == 4


def test_a_host_that_does_not_count_oom_kills_has_none(tree):
    assert memory.MemoryReader(tree({"meminfo": "MemTotal: 1 kB\n"})).read(0.0)["oom_kills"] is None


def test_memory_of_an_old_kernel_is_estimated():
    content = b"MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 50 kB\nCached: 250 kB\n"
    values = memory.parse_meminfo(content)
    assert values["available_bytes"] == 400 * 1024
    assert values["swap_total_bytes"] is None


def test_pressure():
    content = b"some avg10=1.53 avg60=1.20 avg300=0.55 total=12\nfull avg10=0.25 avg60=0.00 avg300=0.00 total=3\n"
    assert pressure.parse_pressure(content) == {"some": 1.53, "some60": 1.2, "full": 0.25, "full60": 0.0}
    assert pressure.parse_pressure(b"some avg10=nan avg60=101\nfull avg10=-1") == {}


def test_load_uptime_and_names():
    assert host.parse_loadavg(b"0.50 1.25 2.00 1/105 16440\n") == {"load1": 0.5, "load5": 1.25, "load15": 2.0}
    assert host.parse_loadavg(b"0.50") == {"load1": 0.5, "load5": None, "load15": None}
    assert host.parse_uptime(b"1488.96 2745.19\n") == 1488.96
    assert host.parse_os_release(b'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12"\n') == "Debian GNU/Linux 12"
    assert host.parse_cpu_model(b"processor: 0\nmodel name\t: AMD EPYC 9654\nmodel name: other\n") == "AMD EPYC 9654"
    assert host.parse_memory_total(b"MemTotal:       2 kB\n") == 2048


DISKSTATS = b"""   7       0 loop0 1 0 8 0 0 0 0 0 0 0 0 0 0 0 0 0 0
 259       0 nvme0n1 100 0 2000 5 40 0 800 7 0 1500 12 0 0 0 0 0 0
 259       1 nvme0n1p1 90 0 1900 5 40 0 800 7 0 1500 12 0 0 0 0 0 0
 253       0 dm-0 1 0 8 0 0 0 0 0 0 0 0
   8       0 sda 5 0 16 0 0 0 0
"""


def test_disks_are_counted_once_in_512_byte_sectors(tree):
    root = tree({"diskstats": DISKSTATS})
    rows = disks.DiskReader(root, root + "/no-sys").read(0.0)
    assert rows == [
        {
            "device": "nvme0n1",
            "read_bytes": 2000 * 512,
            "write_bytes": 800 * 512,
            "read_ops": 100,
            "write_ops": 40,
            "busy_s": 1.5,
        }
    ]


def test_disks_are_those_with_a_device_behind_them(tree):
    root = tree({"diskstats": DISKSTATS, "block/nvme0n1/device/model": "x", "block/loop0/size": "8"})
    assert disks.is_whole("nvme0n1", root)
    assert not disks.is_whole("nvme0n1p1", root)
    assert not disks.is_whole("loop0", root)
    assert not disks.is_whole("md127", root)


NET_DEV = b"""Inter-|   Receive                        |  Transmit
 face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed
    lo: 9 1 0 0 0 0 0 0 9 1 0 0 0 0 0 0
  eth0: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0
docker0:5 1 0 0 0 0 0 0 6 1 0 0 0 0 0 0
"""


def test_nics_with_a_device_carrier_and_speed(tree):
    root = tree(
        {
            "net/dev": NET_DEV,
            "class/net/eth0/device/vendor": "x",
            "class/net/eth0/carrier": "1\n",
            "class/net/eth0/speed": "25000\n",
            "class/net/eth0/carrier_changes": "3\n",
            "class/net/docker0/carrier": "1\n",
        }
    )
    assert nics.NicReader(root, root).read(0.0) == [
        {
            "nic": "eth0",
            "is_up": True,
            "speed_mbit": 25000,
            "rx_bytes": 1000,
            "tx_bytes": 2000,
            "rx_errors": 1,
            "tx_errors": 3,
            "rx_dropped": 2,
            "tx_dropped": 4,
            "carrier_changes": 3,
        }
    ]


def test_nics_of_a_container_are_all_but_loopback(tree):
    root = tree({"net/dev": NET_DEV, "class/net/eth0/carrier": "0\n", "class/net/eth0/speed": "-1\n"})
    rows = {row["nic"]: row for row in nics.NicReader(root, root).read(0.0)}
    assert rows.keys() == {"eth0", "docker0"}
    assert rows["eth0"]["is_up"] is False
    assert rows["eth0"]["speed_mbit"] is None
    assert rows["docker0"]["is_up"] is None


def test_speed_is_asked_again_when_the_carrier_comes_back(tree):
    files = {"net/dev": NET_DEV, "class/net/eth0/carrier": "1\n", "class/net/eth0/speed": "1000\n"}
    root = tree(files)
    reader = nics.NicReader(root, root)
    assert reader.read(0.0)[0]["speed_mbit"] == 1000
    tree({"class/net/eth0/carrier": "0\n", "class/net/eth0/speed": "25000\n"})
    assert reader.read(1.0)[0]["speed_mbit"] is None
    tree({"class/net/eth0/carrier": "1\n"})
    assert reader.read(2.0)[0]["speed_mbit"] == 25000


MOUNTS = rb"""proc /proc proc rw 0 0
tmpfs /dev/shm tmpfs rw 0 0
/dev/nvme0n1p2 / ext4 rw,relatime 0 0
/dev/nvme0n1p2 /var/lib/docker ext4 rw 0 0
/dev/nvme0n1p1 /boot/efi vfat ro,nosuid 0 0
/dev/loop3 /snap/core/1 squashfs ro 0 0
overlay /var/lib/docker/overlay2/abc/merged overlay rw 0 0
filer:/home /home/a\040b nfs4 rw,vers=4.2 0 0
filer:/home /mnt/much/longer nfs4 rw 0 0
tank/models /models zfs rw 0 0
"""


def test_mounts_are_real_filesystems_each_once():
    assert filesystems.parse_mounts(MOUNTS) == [
        (b"/", b"/dev/nvme0n1p2", b"ext4", False),
        (b"/boot/efi", b"/dev/nvme0n1p1", b"vfat", True),
        (b"/home/a b", b"filer:/home", b"nfs4", False),
        (b"/models", b"tank/models", b"zfs", False),
    ]


def test_the_root_is_told_whatever_it_is_made_of():
    assert filesystems.parse_mounts(b"rootfs / rootfs rw 0 0\noverlay / overlay rw 0 0\n") == [
        (b"/", b"overlay", b"overlay", False)
    ]


def test_numbers_that_json_does_not_know_are_none():
    assert parsing.real("nan") is None
    assert parsing.real("inf") is None
    assert parsing.whole("9" * 30) is None
    assert parsing.whole(math.inf) is None
    assert parsing.whole(math.nan) is None
    assert parsing.whole("9" * 5000) is None
    assert parsing.clean("a\x1b[1m\nb\x7f") == "a [1m b"


PARSERS = [
    cpu.parse_total,
    memory.parse_meminfo,
    pressure.parse_pressure,
    host.parse_loadavg,
    host.parse_uptime,
    host.parse_os_release,
    host.parse_cpu_model,
    host.parse_memory_total,
    disks.parse_diskstats,
    nics.parse_net_dev,
    processes.parse_start,
    processes.parse_command,
]
WORDS = st.sampled_from(
    b"cpu cpu0 MemTotal: MemAvailable: some avg10=nan avg10=1e999 eth0: nvme0n1 -1 99999999999999999999 1e400 nan"
    b" model : ( ) job_1 0 \xff\xfe".split()
)
GARBAGE = st.one_of(
    st.binary(max_size=400),
    st.lists(WORDS, max_size=60).flatmap(
        lambda words: st.sampled_from([b" ", b"\n", b" \n "]).map(lambda gap: gap.join(words))
    ),
)


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)
@given(content=GARBAGE)
def test_garbage_is_read_without_an_exception_and_is_strict_json(parse, content):
    json.dumps(parse(content), allow_nan=False)


@given(content=GARBAGE)
def test_garbage_in_bytes_tables(content):
    assert all(isinstance(entry[0], bytes) for entry in filesystems.parse_mounts(content))
    assert all(isinstance(name, bytes) for name in nics.parse_names(content) + list(cpu.parse_cores(content)))
    assert all(isinstance(uid, int) for uid in processes.parse_passwd(content))


TICKS = st.lists(st.integers(0, 1 << 62), min_size=8, max_size=8)


@given(before=TICKS, after=TICKS)
def test_shares_are_within_bounds(before, after):
    shares = cpu.shares(before, after)
    assert shares is None or all(0.0 <= share <= 100.01 and math.isfinite(share) for share in shares)
