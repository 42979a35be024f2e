r"""The line protocol between probe and program: message structs, limits and version.

One JSON object per line, UTF-8, `\n` at the end. `hello` comes first and again when what it says has changed; `sweep`
comes once per interval; `event` is pushed at once. Unknown fields are ignored, so that an older program understands a
newer probe of the same version. What a host cannot tell is null or absent, never 0.
"""

from leptontui.wire.codec import decode, encode
from leptontui.wire.gpu import GpuDetails, GpuIdentity, GpuProcess, GpuReading
from leptontui.wire.host import (
    Cpu,
    Disk,
    Filesystem,
    IbPort,
    Memory,
    Nic,
    Power,
    Pressure,
    ProbeCost,
    Sample,
    Service,
    Tasks,
    Unavailable,
    Unit,
)
from leptontui.wire.limits import MAX_ITEMS, MAX_LINE_BYTES, VERSION
from leptontui.wire.messages import Event, Hello, Message, Received, Sweep

__all__ = [
    "MAX_ITEMS",
    "MAX_LINE_BYTES",
    "VERSION",
    "Cpu",
    "Disk",
    "Event",
    "Filesystem",
    "GpuDetails",
    "GpuIdentity",
    "GpuProcess",
    "GpuReading",
    "Hello",
    "IbPort",
    "Memory",
    "Message",
    "Nic",
    "Power",
    "Pressure",
    "ProbeCost",
    "Received",
    "Sample",
    "Service",
    "Sweep",
    "Tasks",
    "Unavailable",
    "Unit",
    "decode",
    "encode",
]
