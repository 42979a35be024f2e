"""NVLinks of one GPU: how many are up, what went wrong on them, and how much went over them."""

from . import nvml as codes
from .fields import ALL_LINKS, Fields

# Numbers of nvml.h, NVML_FI_DEV_NVLINK_*.
_LINK_COUNT = 91
_THROUGHPUT_DATA_TX = 138
_THROUGHPUT_DATA_RX = 139
_KIB = 1024
_MOST_LINKS = 36
"""NVML_NVLINK_MAX_LINKS."""

_PER_LINK = {
    # Hopper and later: NVLINK_ERROR_DL_CRC, _REPLAY, _RECOVERY; a link's number is the scope.
    "nvlink_crc_errors": (163,),
    "nvlink_replay_errors": (161,),
    # NVLink 5 has no data-link counters; it counts recovery events (NVLINK_COUNT_LINK_RECOVERY_EVENTS).
    "nvlink_recovery_errors": (162, 215),
}
_TOTALS = {
    # Before Hopper: NVLINK_CRC_FLIT_ and CRC_DATA_, REPLAY_, RECOVERY_ERROR_COUNT_TOTAL.
    "nvlink_crc_errors": (38, 45),
    "nvlink_replay_errors": (52,),
    "nvlink_recovery_errors": (59,),
}
_OLD = {
    # nvmlNvLinkErrorCounter_t of nvmlDeviceGetNvLinkErrorCounter.
    "nvlink_crc_errors": (2, 3),
    "nvlink_replay_errors": (0,),
    "nvlink_recovery_errors": (1,),
}


class NvLinks:
    """The NVLinks of one GPU.

    Args:
        nvml: the pynvml module.
        handle: the driver's.
    """

    def __init__(self, nvml, handle):
        self._nvml = nvml
        self._handle = handle
        self._links = None
        self._fields = None
        self._is_old = dict.fromkeys(_OLD, True)
        self._counted = {}

    def read(self):
        """The NVLinks' part of the wire's `GpuDetails`, as a dict; empty for a GPU without.

        A GPU whose board has no bridge says that all of its links are inactive.

        Raises:
            Lost: the GPU is gone.
            DriverGone: so is the driver.
        """
        if self._links is None:
            self._links = list(range(self._most_links()))
        states = self._states()
        if not states:
            return {}
        active = sum(1 for is_active in states.values() if is_active)
        values = {"nvlinks_active": active, "nvlinks_inactive": len(states) - active}
        if self._fields is None:
            self._fields = Fields(self._nvml, self._handle, _wanted(self._links))
        found = self._fields.read()
        for name in _PER_LINK:
            values[name] = self._errors(name, found)
        sent, received = found.get((_THROUGHPUT_DATA_TX, ALL_LINKS)), found.get((_THROUGHPUT_DATA_RX, ALL_LINKS))
        values["nvlink_tx_bytes"] = None if sent is None else sent * _KIB
        values["nvlink_rx_bytes"] = None if received is None else received * _KIB
        return values

    def _most_links(self):
        count = Fields(self._nvml, self._handle, (_LINK_COUNT,)).read().get(_LINK_COUNT)
        return _MOST_LINKS if count is None else min(int(count), _MOST_LINKS)

    def _states(self):
        """{link: whether it is up}; links that do not exist are not asked for again."""
        states = {}
        for link in list(self._links):
            try:
                states[link] = bool(self._nvml.nvmlDeviceGetNvLinkState(self._handle, link))
            except self._nvml.NVMLError as error:
                if codes.sorted_out(error) in codes.NEVER:
                    self._links.remove(link)
        return states

    def _errors(self, name, found):
        """The counter `name` over all links, None where this GPU does not count."""
        # A link that goes down may stop answering: its errors stay counted.
        for link in self._links:
            counted = [found[field, link] for field in _PER_LINK[name] if (field, link) in found]
            if counted:
                self._counted[name, link] = counted[0]
        counted = [value for (counter, _), value in self._counted.items() if counter == name]
        if counted:
            return sum(counted)
        totals = [found[field] for field in _TOTALS[name] if field in found]
        if totals:
            return sum(totals)
        return self._old_errors(name) if self._is_old[name] else None

    def _old_errors(self, name):
        total = None
        for counter in _OLD[name]:
            for link in self._links:
                try:
                    errors = self._nvml.nvmlDeviceGetNvLinkErrorCounter(self._handle, link, counter)
                except self._nvml.NVMLError as error:
                    codes.sorted_out(error)
                else:
                    total = (total or 0) + errors
        self._is_old[name] = total is not None
        return total


def _wanted(links):
    wanted = [(field, link) for fields in _PER_LINK.values() for field in fields for link in links]
    wanted += [field for fields in _TOTALS.values() for field in fields]
    return [*wanted, (_THROUGHPUT_DATA_TX, ALL_LINKS), (_THROUGHPUT_DATA_RX, ALL_LINKS)]
