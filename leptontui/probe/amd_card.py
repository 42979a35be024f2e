"""One AMD GPU through the files of its device in /sys: identity, readings at their cadences, details."""

import os

from . import amd_parsing as parse
from .files import Kept, read_or_none
from .parsing import clean_or_none, whole

SLOW_S = 5.0
"""Limits, fan, link and error counters change slowly, and reading the counters asks the GPU's firmware."""
DETAILS_S = 10.0
_FULL_PWM = 255.0
_ATI = b"0x1002"
_BRIDGE = b"0x0604"
_MOST_BRIDGES = 4
_PAGES_BYTES = 1 << 18
_SRAM_BLOCKS = ("gfx", "sdma", "mmhub", "vcn", "jpeg")


class Card:
    """One GPU.

    Args:
        device: its directory, e.g. /sys/class/drm/card1/device.
        address: its PCI address.

    Attributes:
        identity: the wire's `GpuIdentity` as a dict, but for its index.
        uuid: of it.
        address: as given.
    """

    def __init__(self, device, address):
        self.address = address
        self._device = device
        self._hwmon = _hwmon_of(device)
        self._temperatures = self._sensors()
        self._link_at = _link_of(device)
        self._kept = {}
        self._slow_due = self._details_due = 0.0
        self._slow = {}
        self._ras = self._ras_files()
        unique = (clean_or_none(self._once("unique_id"), 64) or "").lower()
        self.uuid = "AMD-" + (unique if unique.strip("0") else address)
        self.identity = self._identify()

    def rename(self, uuid):
        """Have it called `uuid`: its own number is not its own."""
        self.uuid = self.identity["uuid"] = uuid

    def close(self):
        """Close its files."""
        for kept in self._kept.values():
            kept.close()
        self._kept = {}

    def _once(self, name):
        return read_or_none(self._device + "/" + name)

    def _again(self, name, base=None, limit_bytes=4096):
        """The content of a file that is read again and again, None where it cannot be read now."""
        path = "%s/%s" % (base or self._device, name)
        kept = self._kept.get(path)
        if kept is None:
            kept = self._kept[path] = Kept(path, limit_bytes)
        try:
            return kept.read()
        except OSError:
            # Not there, or the GPU is being reset: asked again next time.
            return None

    def _mon(self, name):
        return None if self._hwmon is None else self._again(name, self._hwmon)

    def _sensors(self):
        """{label: prefix of its files} of the temperatures, e.g. {"edge": "temp1"}."""
        found = {}
        for number in (1, 2, 3):
            prefix = "temp%d" % number
            if self._hwmon is None or not os.path.exists("%s/%s_input" % (self._hwmon, prefix)):
                continue
            label = clean_or_none(read_or_none("%s/%s_label" % (self._hwmon, prefix)), 16)
            # Before Vega there was one, without a label.
            found[label or ("edge" if number == 1 else prefix)] = prefix
        return found

    def _core(self):
        """Prefix of the temperature that is the GPU's; MI300 has no edge sensor."""
        return self._temperatures.get("edge") or self._temperatures.get("junction")

    def _limit(self, prefix, what):
        return None if prefix is None else parse.celsius(self._mon("%s_%s" % (prefix, what)))

    def _ras_files(self):
        return [block for block in ("umc",) + _SRAM_BLOCKS if os.path.exists(self._ras_path(block))]

    def _ras_path(self, block):
        return "%s/ras/%s_err_count" % (self._device, block)

    def _identify(self):
        core, memory = self._core(), self._temperatures.get("mem")
        return {
            "uuid": self.uuid,
            "name": parse.product(self._once("product_name"), self._once("device")),
            "serial": clean_or_none(self._once("serial_number"), 64),
            "pci_bus_id": self.address,
            "vbios": clean_or_none(self._once("vbios_version"), 64),
            "memory_total_bytes": whole(self._once("mem_info_vram_total")),
            "power_limit_w": parse.watts(self._mon("power1_cap")),
            "temp_slowdown_c": self._limit(core, "crit"),
            "temp_shutdown_c": self._limit(core, "emergency"),
            "temp_memory_max_c": self._limit(memory, "crit"),
            "clock_sm_max_mhz": parse.clocks(self._once("pp_dpm_sclk"))[1],
            "clock_mem_max_mhz": parse.clocks(self._once("pp_dpm_mclk"))[1],
            "pcie_gen_max": self._link(parse.generation, "max_link_speed"),
            "pcie_width_max": self._link(parse.width, "max_link_width"),
            "vendor": "amd",
        }

    def _link(self, meaning, name):
        return meaning(self._again(name, self._link_at))

    def read(self, now):
        """(the wire's `GpuReading`, `GpuDetails` or None while they are not due), as dicts.

        A GPU that the kernel has suspended is not woken: all it says is who it is.
        """
        if (self._again("power/runtime_status") or b"").strip() == b"suspended":
            return {"uuid": self.uuid}, None
        reading = self._fast()
        if now >= self._slow_due:
            self._slow_due = now + SLOW_S - 0.1
            self._slow = self._slowly()
        reading.update(self._slow)
        details = None
        if now >= self._details_due:
            self._details_due = now + DETAILS_S - 0.1
            details = self._detailed()
        return reading, details

    def _fast(self):
        temperatures = {
            label: parse.celsius(self._mon(prefix + "_input")) for label, prefix in self._temperatures.items()
        }
        core = temperatures.get("edge")
        power = self._mon("power1_average")
        return {
            "uuid": self.uuid,
            "util_pct": parse.percent(self._again("gpu_busy_percent")),
            "memory_util_pct": parse.percent(self._again("mem_busy_percent")),
            "memory_used_bytes": whole(self._again("mem_info_vram_used")),
            "temp_c": temperatures.get("junction") if core is None else core,
            "temp_memory_c": temperatures.get("mem"),
            "temp_margin_c": self._margin(temperatures),
            "power_w": parse.watts(self._mon("power1_input") if power is None else power),
            "clock_sm_mhz": self._clock("pp_dpm_sclk", "freq1_input"),
            "clock_mem_mhz": self._clock("pp_dpm_mclk", "freq2_input"),
        }

    def _margin(self, temperatures):
        """Degrees to the nearest of the critical temperatures."""
        margins = []
        for label in ("edge", "junction"):
            limit = self._limit(self._temperatures.get(label), "crit")
            if limit is not None and temperatures.get(label) is not None:
                margins.append(round(limit - temperatures[label], 3))
        return min(margins) if margins else None

    def _clock(self, levels, sensor):
        current = parse.clocks(self._again(levels))[0]
        # The sensor is in Hz.
        return parse.scaled(self._mon(sensor), parse.MICRO) if current is None else current

    def _slowly(self):
        counts = [parse.errors(self._again("ras/%s_err_count" % block)) for block in self._ras]
        return {
            "power_limit_w": parse.watts(self._mon("power1_cap")),
            "fan_pct": self._fan(),
            "pcie_gen": self._link(parse.generation, "current_link_speed"),
            "pcie_width": self._link(parse.width, "current_link_width"),
            "pcie_replays": whole(self._again("pcie_replay_count")),
            "ecc_corrected": parse.total(count for count, _ in counts),
            "ecc_uncorrected": parse.total(count for _, count in counts),
        }

    def _fan(self):
        pwm = parse.scaled(self._mon("pwm1"), 100.0 / _FULL_PWM)
        return None if pwm is None or not 0.0 <= pwm <= 100.0 else round(pwm, 1)  # noqa: PLR2004 — percent

    def _detailed(self):
        counts = {block: parse.errors(self._again("ras/%s_err_count" % block)) for block in self._ras}
        sram = [count for block, count in counts.items() if block != "umc"]
        memory = counts.get("umc", (None, None))
        pages, is_pending = parse.retired(self._again("ras/gpu_vram_bad_pages", limit_bytes=_PAGES_BYTES))
        return {
            "uuid": self.uuid,
            "ecc_dram_corrected": memory[0],
            "ecc_dram_uncorrected": memory[1],
            "ecc_sram_corrected": parse.total(count for count, _ in sram),
            "ecc_sram_uncorrected": parse.total(count for _, count in sram),
            "retired_pages_dbe": pages,
            "is_retirement_pending": is_pending,
            "is_ecc_enabled": parse.has_umc_ras(self._again("ras/features")),
        }


def _hwmon_of(device):
    try:
        names = sorted(os.listdir(device + "/hwmon"))
    except OSError:
        return None
    return "%s/hwmon/%s" % (device, names[0]) if names else None


def _link_of(device):
    """The device whose link is the GPU's to the host: itself, or the outer end of the switch on its board."""
    at = os.path.realpath(device)
    for _ in range(_MOST_BRIDGES):
        parent = os.path.dirname(at)
        if (read_or_none(parent + "/vendor") or b"").strip() != _ATI:
            break
        if not (read_or_none(parent + "/class") or b"").strip().startswith(_BRIDGE):
            break
        at = parent
    return at
