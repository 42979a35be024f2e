"""What amdgpu's files in /sys say: clocks, links, error counters, retired pages, and the DRM part of fdinfo.

Formats and units as in the kernel's documentation (gpu/amdgpu/thermal, driver-misc, ras; gpu/drm-usage-stats).
"""

import re

from .parsing import clean_or_none, real, whole

MILLI = 1e-3
MICRO = 1e-6
MOST_WATTS = 10000.0
"""More is an error code that some kernels print as a power."""
_LOWEST_C, _HIGHEST_C = -50.0, 250.0

_CLOCK = re.compile(rb"^\s*\w+:\s*([\d.]+)\s*[Mm][Hh][Zz]\s*(\*?)", re.MULTILINE)
_COUNT = re.compile(rb"^\s*(ue|ce):\s*(\d+)", re.MULTILINE)
_PAGE = re.compile(rb":\s*([RPF])\s*$", re.MULTILINE)
_MASK = re.compile(rb"feature mask:\s*0x([0-9a-fA-F]+)")
_SPEED = re.compile(rb"\s*([\d.]+)\s*GT/s")
_GENERATIONS = {2.5: 1, 5.0: 2, 8.0: 3, 16.0: 4, 32.0: 5, 64.0: 6}
_UNITS = {b"": 1, b"kib": 1 << 10, b"mib": 1 << 20, b"gib": 1 << 30}
_PCI = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\Z")

# What has no product_name of its own: the name of the chip's product, by PCI device id.
_NAMES = {
    "66a0": "Instinct MI50",
    "66a1": "Instinct MI50",
    "738c": "Instinct MI100",
    "7408": "Instinct MI250X",
    "740c": "Instinct MI250",
    "740f": "Instinct MI210",
    "744c": "Radeon RX 7900",
    "7448": "Radeon Pro W7900",
    "7550": "Radeon RX 9070",
    "73bf": "Radeon RX 6800/6900",
    "74a0": "Instinct MI300A",
    "74a1": "Instinct MI300X",
    "74a2": "Instinct MI308X",
    "74a5": "Instinct MI325X",
    "74a9": "Instinct MI300X HF",
    "74b5": "Instinct MI300X VF",
    "75a0": "Instinct MI350X",
    "75a3": "Instinct MI355X",
}


def is_pci_address(name):
    """Whether `name` (str) is one, "0000:c1:00.0"."""
    return _PCI.match(name) is not None


def product(name, device):
    """What the GPU is called: its board's `name` (bytes or None), else by its PCI `device` id (bytes or None)."""
    given = clean_or_none(name, 64)
    if given is not None:
        return given if given.upper().startswith("AMD") else "AMD " + given
    code = (clean_or_none(device, 16) or "").lower()
    code = code[2:] if code.startswith("0x") else code
    return "AMD " + _NAMES.get(code, "GPU 1002:%s" % code if code else "GPU")


def scaled(content, factor):
    """A number times `factor`, None if it is not one."""
    value = real(content)
    return None if value is None else round(value * factor, 3)


def celsius(content):
    """Degrees out of the millidegrees of hwmon; None where there is no such temperature, which some chips say as 0."""
    value = scaled(content, MILLI)
    return value if value and _LOWEST_C < value < _HIGHEST_C else None


def watts(content):
    """Watts out of the microwatts of hwmon; None for 0: a second die says that where the first tells for both."""
    value = scaled(content, MICRO)
    return value if value is not None and 0.0 < value < MOST_WATTS else None


def percent(content):
    """A share, 0 to 100; None if it is not one."""
    value = real(content)
    return value if value is not None and 0.0 <= value <= 100.0 else None  # noqa: PLR2004 — percent


def clocks(content):
    """(current, highest) in MHz of a pp_dpm_* file, whose current line has a star; None for what it does not say."""
    found = [(real(match.group(1)), bool(match.group(2))) for match in _CLOCK.finditer(content or b"")]
    levels = [level for level, _ in found if level is not None]
    current = [level for level, is_current in found if is_current and level is not None]
    return (current[-1] if current else None), (max(levels) if levels else None)


def generation(content):
    """The PCIe generation of a link speed, "16.0 GT/s PCIe"; None if it is unknown."""
    match = _SPEED.match(content or b"")
    return _GENERATIONS.get(real(match.group(1))) if match else None


def width(content):
    """Lanes of a link; None if unknown, which the kernel says as 0 or 255."""
    lanes = whole(content)
    return lanes if lanes is not None and 0 < lanes < 255 else None  # noqa: PLR2004 — the kernel's "unknown"


def errors(content):
    """(corrected, uncorrected) of a ras/*_err_count file; None for what it does not say."""
    found = {match.group(1): whole(match.group(2)) for match in _COUNT.finditer(content or b"")}
    return found.get(b"ce"), found.get(b"ue")


def total(counts):
    """The sum of what is known of `counts`, None if nothing is."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def has_umc_ras(content):
    """Whether ras/features says that memory errors are counted; None if it says nothing."""
    match = _MASK.search(content or b"")
    return bool(int(match.group(1), 16) & 1) if match else None


def retired(content):
    """(pages retired, whether some wait to be) of ras/gpu_vram_bad_pages, (None, None) without the file."""
    if content is None:
        return None, None
    flags = [match.group(1) for match in _PAGE.finditer(content)]
    return flags.count(b"R"), b"P" in flags


def fdinfo(content):
    """(PCI address, client, bytes of VRAM or None) that an fdinfo file says of an amdgpu client; None if it is none."""
    said = {}
    for line in content.split(b"\n"):
        key, colon, value = line.partition(b":")
        if colon and key.startswith(b"drm-"):
            said[key] = value.strip()
    address = said.get(b"drm-pdev", b"").decode("ascii", "replace")
    if said.get(b"drm-driver") != b"amdgpu" or not is_pci_address(address):
        return None
    amount = None
    for key in (b"drm-memory-vram", b"drm-resident-vram", b"drm-resident-vram0"):
        words = said.get(key, b"").lower().split()
        if words and (words[1] if len(words) > 1 else b"") in _UNITS:
            number = whole(words[0])
            amount = None if number is None else number * _UNITS[words[1] if len(words) > 1 else b""]
            break
    return address, said.get(b"drm-client-id", b""), amount
