"""What a line of the kernel's log says: Xids, SXids, GPUs off the bus, and whatever else wakes people at night.

The wording is the NVIDIA driver's of versions 304 to 580, and Linux' of 3.10 to 6.x: see the tests for each.
"""

import re
from collections import namedtuple

from .parsing import clean

Happening = namedtuple("Happening", "name code pci text is_numbered")
"""One event: its name, the Xid's or SXid's number, the PCI key, the line, and whether the number was in the line."""

TEXT_LENGTH = 400
FALLEN = 79
"""What a GPU that "has fallen off the bus" is reported as where the line has no number."""
ECHO_S = 2.0
"""The driver's second line about a GPU that fell off the bus comes within this time of the first."""
_PARTS = 3
_MOST_PCI = 64

# What none of these is in needs no further look: hundreds of thousands of lines do at the start of a probe.
_MATTERS = re.compile(
    rb"NVRM|SXid|blocked for more|lockup|LOCKUP|Killed process|read-?only|hutting down filesystem|been shut down"
    rb"|I/O error, dev|medium error|nvme|Disk failure|not responding|nfs: |libnccl|insufficient"
)
_PREFIX = re.compile(r"(?:\[[\s\d.]+\](?:\[[^\]]{0,20}\])? *)?(?:kernel: *)?")
_ADDRESS = r"([0-9a-fA-F]{4,8}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2})\b"
_PCI = re.compile(_ADDRESS)
# With MIG the GPU instance follows the address: (PCI:0000:9b:00 GPU-I:05). Drivers before 340 leave "PCI:" out.
_XID = re.compile(r"NVRM:? *Xid *\(([^)]{0,80})\) *: *(\d{1,5})\b", re.IGNORECASE)
_SXID = re.compile(r"SXid *\(([^)]{0,80})\) *: *(\d{1,6})\b[ ,]*(\S*)", re.IGNORECASE)
_OFF_THE_BUS = re.compile(r"NVRM:.*\bfallen off the bus")
_NAMED_BEFORE = re.compile(r"NVRM: The NVIDIA GPU " + _ADDRESS)
_SXID_DETAIL = ("data", "severity")
_OTHERS = (
    ("hung-task", re.compile(r"task .{1,64}:\d+ blocked for more than \d+ second")),
    ("soft-lockup", re.compile(r"BUG: soft lockup|detected hard LOCKUP")),
    ("oom-kill", re.compile(r"ut of memory: Killed process \d+|^Killed process \d+.*total-vm")),
    (
        "readonly-remount",
        re.compile(
            r"Remounting filesystem read-only|forced readonly|Shutting down filesystem"
            r"|ilesystem has been shut down"
        ),
    ),
    (
        "disk-error",
        re.compile(
            r"^(?:blk_update_request: |print_req_error: )?(?:I/O error|critical (?:target|medium) error), dev "
            r"|^nvme \S+: .*(?:[Tt]imeout, (?:abort|reset|completion|disable)|controller is down|Device not ready"
            r"|Removing after probe failure|resetting controller)|Disk failure on "
        ),
    ),
    ("nfs-silent", re.compile(r"nfs: server .{1,255} not responding")),
    ("nfs-answers", re.compile(r"nfs: server .{1,255} OK$")),
    ("nccl-segfault", re.compile(r"(?:segfault at|general protection).*\bin libnccl")),
    (
        "pcie-power",
        re.compile(r"insufficient (?:PCIe )?power|NVRM:.*does not have the necessary power cables connected", re.I),
    ),
)
_NO_DISK = re.compile(r"\bdev (?:fd|sr|loop|ram|nbd)\d")


def pci_key(bus_id):
    """(domain, bus, device) of a PCI address as the kernel or NVML write it; None if it is not one."""
    words = bus_id.split(".")[0].split(":")
    try:
        numbers = [int(word, 16) for word in words]
    except ValueError:
        return None
    if len(numbers) == _PARTS - 1:
        numbers.insert(0, 0)
    return tuple(numbers) if len(numbers) == _PARTS else None


def pci_text(key):
    """A PCI key as NVML writes it, None for None."""
    return None if key is None else "%08X:%02X:%02X.0" % key


def matters(line):
    """Whether `line`, in bytes, may say anything; most lines do not."""
    return _MATTERS.search(line) is not None


def parse_message(message):
    """What `message` says, a line without what the log puts before it, as a `Happening`; None if nothing that matters.

    Args:
        message: str or bytes, of any content.
    """
    text = clean(message, TEXT_LENGTH)
    text = text[_PREFIX.match(text).end() :]
    if text.startswith("NVRM"):
        return _parse_nvrm(text) or _parse_other(text)
    match = _SXID.search(text) if text.startswith(("nvidia-nvswitch", "SXid")) else None
    if match:
        # The lines after the first repeat its number, with the registers' content.
        if match.group(3).lower() in _SXID_DETAIL:
            return None
        return Happening("sxid", int(match.group(2)), _pci_in(match.group(1)), text, is_numbered=True)
    return _parse_other(text)


def _parse_nvrm(text):
    match = _XID.match(text)
    if match:
        return Happening("xid", int(match.group(2)), _pci_in(match.group(1)), text, is_numbered=True)
    if _OFF_THE_BUS.match(text):
        return Happening("xid", FALLEN, _pci_in(text), text, is_numbered=False)
    return None


def _parse_other(text):
    for name, pattern in _OTHERS:
        if pattern.search(text):
            if name == "disk-error" and _NO_DISK.search(text):
                return None
            return Happening(name, None, _pci_in(text) if text.startswith("NVRM") else None, text, is_numbered=False)
    return None


def _pci_in(text):
    match = _PCI.search(text)
    if match:
        return pci_key(match.group(1))
    # "PCI:3b:00", without a domain.
    match = re.search(r"\b([0-9a-fA-F]{2}:[0-9a-fA-F]{2})\b", text)
    return pci_key(match.group(1)) if match and "NVRM" not in text else None


class Interpreter:
    """Reads one log's lines in order: what one line leaves open, another may have told.

    Each occurrence counts; but the driver writes two lines about a GPU that falls off the bus, one with the Xid's
    number and one without, and these are one event.
    """

    def __init__(self):
        self._fallen = {}
        self._named = None

    def __call__(self, message, stamp_s=None):
        """The `Happening` in `message`, None if there is none, or if it was told already.

        Args:
            message: a line, str or bytes.
            stamp_s: when it was logged, by the log's clock; None where it has none.
        """
        raw = message if isinstance(message, bytes) else message.encode("utf-8", "replace")
        if not matters(raw):
            return None
        named = _NAMED_BEFORE.search(clean(message, TEXT_LENGTH))
        if named:
            self._named = pci_key(named.group(1))
        happening = parse_message(message)
        if happening is None or happening.name != "xid" or happening.code != FALLEN:
            return happening
        if happening.pci is None:
            # "NVRM: The NVIDIA GPU 0000:3b:00.0", and two lines later "NVRM: fallen off the bus and is not …".
            happening = happening._replace(pci=self._named)
        return None if self._is_echo(happening, stamp_s) else happening

    def _is_echo(self, happening, stamp_s):
        before = self._fallen.pop(happening.pci, None)
        if before is not None:
            was_numbered, at = before
            is_soon = stamp_s is None or at is None or abs(stamp_s - at) <= ECHO_S
            if is_soon and was_numbered != happening.is_numbered:
                return True
        if len(self._fallen) >= _MOST_PCI:
            self._fallen.clear()
        self._fallen[happening.pci] = (happening.is_numbered, stamp_s)
        return False
