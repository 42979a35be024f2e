"""GPUs on the PCI bus, whatever their driver says of them."""

import os

from .files import read_or_none
from .gaps import Unreadable

PERIOD_S = 60.0
_NVIDIA, _AMD = b"0x10de", b"0x1002"
_DISPLAY = b"0x03"
_ACCELERATOR = b"0x12"
"""What AMD's MI300 calls itself; NVIDIA's switches are bridges (0x0680) and are not GPUs."""


def is_gpu(vendor, kind):
    """Whether a device of this vendor and class (as /sys writes them, in bytes) is a GPU."""
    if vendor == _NVIDIA:
        return kind.startswith(_DISPLAY)
    return vendor == _AMD and kind.startswith((_DISPLAY, _ACCELERATOR))


def count_gpus(sys="/sys"):
    """GPUs among the PCI devices, virtual functions not counted.

    Raises:
        Unreadable: the bus cannot be read; says why.
    """
    root = "%s/bus/pci/devices" % sys
    try:
        names = os.listdir(root)
    except OSError as error:
        raise Unreadable("%s (%s)" % (error.strerror, root), retry_s=600.0) from error
    count = 0
    for name in names:
        vendor = (read_or_none("%s/%s/vendor" % (root, name), 16) or b"").strip()
        if vendor in (_NVIDIA, _AMD):
            kind = (read_or_none("%s/%s/class" % (root, name), 16) or b"").strip()
            count += is_gpu(vendor, kind) and not os.path.exists("%s/%s/physfn" % (root, name))
    return count
