"""What is known of a host's parts: filesystems, disks, network, InfiniBand, units, services, samples, processes."""

from __future__ import annotations

from typing import Final

from leptontui.model.metric import Metric, Shelf
from leptontui.model.series import Entity

_fs = Shelf(Entity.FILESYSTEM, "statvfs", 10.0)
_disk = Shelf(Entity.DISK, "/proc/diskstats")
_nic = Shelf(Entity.NIC, "/sys/class/net")
_ib = Shelf(Entity.PORT, "/sys/class/infiniband", 5.0)
_unit = Shelf(Entity.UNIT, "systemctl show", 10.0)
_service = Shelf(Entity.SERVICE, "its health endpoint", 5.0)
_sample = Shelf(Entity.SAMPLE, "metrics pages and scripts of the inventory", 5.0)
_process = Shelf(Entity.PROCESS, "NVML and /proc/PID", 2.0)

PART_METRICS: Final[tuple[Metric, ...]] = (
    _fs.text("mount", "mount", "Where it is mounted."),
    _fs.text("device", "device", "What is mounted."),
    _fs.text("fstype", "type", "Filesystem type."),
    _fs.bytes("total_bytes", "size", "Size."),
    _fs.bytes("used_bytes", "used", "In use.", capacity="total_bytes", is_series=True),
    _fs.bytes("available_bytes", "free", "Free for ordinary users."),
    _fs.count("inodes_total", "inodes", "Inodes."),
    _fs.count("inodes_used", "inodes used", "Inodes in use.", capacity="inodes_total"),
    _fs.flag("is_readonly", "read-only", "Mounted read-only."),
    _fs.flag("is_silent", "silent", "It does not answer (a dead NFS server, say)."),
    _disk.text("device", "disk", "Kernel name."),
    _disk.counter("read_bytes", "B/s", "read", "Bytes read."),
    _disk.counter("write_bytes", "B/s", "write", "Bytes written."),
    _disk.counter("read_ops", "/s", "reads", "Reads completed."),
    _disk.counter("write_ops", "/s", "writes", "Writes completed."),
    _disk.counter("busy_s", "%", "busy", "Time with I/O outstanding; its rate is the share busy."),
    _nic.text("nic", "nic", "Interface name."),
    _nic.flag("is_up", "up", "Has a carrier."),
    _nic.gauge("speed_mbit", "Mb/s", "speed", "Negotiated speed.", is_integer=True),
    _nic.counter("rx_bytes", "B/s", "in", "Bytes received."),
    _nic.counter("tx_bytes", "B/s", "out", "Bytes sent."),
    _nic.counter("rx_errors", "/s", "in errors", "Bad packets received."),
    _nic.counter("tx_errors", "/s", "out errors", "Packets not sent."),
    _nic.counter("rx_dropped", "/s", "in drops", "Packets received but dropped."),
    _nic.counter("tx_dropped", "/s", "out drops", "Packets dropped before sending."),
    _nic.total("carrier_changes", "flaps", "Times the carrier came or went since the interface was made."),
    _ib.text("port", "port", "Device and port, e.g. mlx5_0/1."),
    _ib.text("state", "state", "Logical state: active, armed, init, down."),
    _ib.text("phys_state", "physical", "Physical state: linkup, polling, disabled."),
    _ib.text("layer", "layer", "InfiniBand or Ethernet (RoCE)."),
    _ib.gauge("rate_gbit", "Gb/s", "rate", "Negotiated rate."),
    _ib.counter("rx_bytes", "B/s", "in", "Bytes received."),
    _ib.counter("tx_bytes", "B/s", "out", "Bytes sent."),
    _ib.total("link_downed", "downed", "Times the link went down since the driver was loaded."),
    _ib.total("link_recoveries", "recoveries", "Times the link recovered from an error."),
    _ib.total("symbol_errors", "symbol errors", "Bad symbols received."),
    _ib.total("rx_errors", "in errors", "Bad packets received."),
    _unit.text("unit", "unit", "Name."),
    _unit.text("active", "active", "active, activating, failed, inactive."),
    _unit.text("sub", "sub", "What kind of active: running, exited, auto-restart."),
    _unit.count("main_pid", "pid", "Main process."),
    _unit.total("restarts", "restarts", "Restarts by systemd since the unit was loaded."),
    _unit.gauge("since_s", "s", "for", "Time in this state."),
    _service.text("service", "service", "Name in the inventory."),
    _service.flag("is_healthy", "healthy", "The health endpoint answered with a 2xx status."),
    _service.count("status", "status", "Its HTTP status."),
    _service.gauge("latency_s", "s", "latency", "Time until it answered.", is_series=True),
    _service.text("why", "why", "What is wrong with it, or with reading its metrics."),
    _sample.text("series", "series", "Name and labels, after the service's or script's name."),
    _sample.text("source", "source", "The service or script it is from."),
    _sample.gauge("value", "", "value", "The value; a counter's rate per second.", lower=None, is_series=True),
    _sample.text("unit", "unit", "Its unit, where it is known."),
    _sample.text("kind", "kind", "gauge or counter."),
    _process.text("uuid", "gpu", "The GPU it uses."),
    _process.count("pid", "pid", "Process id on its host."),
    _process.text("user", "user", "Owner."),
    _process.text("command", "command", "Command line."),
    _process.text("job", "job", "Scheduler's job, from the process's cgroup or environment."),
    _process.text("step", "step", "Step of that job."),
    _process.text("pod", "pod", "Kubernetes pod, namespace/name."),
    _process.text("container", "container", "Container, by name or short id."),
    _process.bytes("memory_used_bytes", "gpu mem", "Device memory it holds."),
)
"""In the order in which they are told."""
