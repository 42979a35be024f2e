"""Messages for the store's tests."""

import pytest

from leptontui.wire import Cpu, Disk, Filesystem, GpuIdentity, GpuReading, Hello, Nic, Received, Sweep

T0 = 1_760_000_000.0


class Fleet:
    """Makes messages of hosts whose clocks agree with ours unless told otherwise."""

    t0 = T0

    def hello(self, host="a", at=0.0, *, gpus=("G0",), boot_id="boot", offset_s=0.0, **fields):
        identities = tuple(
            GpuIdentity(index, uuid, "H100", memory_total_bytes=1000) if isinstance(uuid, str) else uuid
            for index, uuid in enumerate(gpus)
        )
        message = Hello(1, T0 + at + offset_s, host, boot_id, gpus=identities, **fields)
        return Received(host, message, T0 + at, 100.0 + at)

    def sweep(self, host="a", at=0.0, *, received=None, mono=None, offset_s=0.0, **fields):
        received = at if received is None else received
        message = Sweep(1, 0, T0 + at + offset_s, 5000.0 + at if mono is None else mono, **fields)
        return Received(host, message, T0 + received, 100.0 + received)

    def gpu_sweep(self, host="a", at=0.0, *, util=50.0, uuids=("G0",), **fields):
        return self.sweep(host, at, gpus=tuple(GpuReading(uuid, util_pct=util) for uuid in uuids), **fields)

    def disk_sweep(self, host="a", at=0.0, *, read=0, busy_s=None, **fields):
        return self.sweep(host, at, disks=(Disk("sda", read_bytes=read, busy_s=busy_s),), **fields)

    def nic_sweep(self, host="a", at=0.0, *, rx=None, **fields):
        nics = tuple(Nic(name, rx_bytes=value) for name, value in (rx or {}).items())
        return self.sweep(host, at, nics=nics, **fields)

    def cpu_sweep(self, host="a", at=0.0, *, util=50.0, **fields):
        return self.sweep(host, at, cpu=Cpu(util_pct=util), **fields)

    def fs_sweep(self, host="a", at=0.0, *, used=None, **fields):
        mounts = tuple(Filesystem(mount, total_bytes=1000, used_bytes=value) for mount, value in (used or {}).items())
        return self.sweep(host, at, filesystems=mounts, **fields)


@pytest.fixture
def fleet():
    return Fleet()
