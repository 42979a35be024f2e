"""Xids as NVML tells them: for users who may not read the kernel's log, and without its wording."""

_XID_EVENT = 0x8
"""nvmlEventTypeXidCriticalError."""
_MOST = 64


class XidEvents:
    """Xids of some GPUs from now on.

    Args:
        nvml: the pynvml module.
        cards: the GPUs.

    Raises:
        NVMLError: this driver tells of none of them.
    """

    def __init__(self, nvml, cards):
        self._nvml = nvml
        self._set = nvml.nvmlEventSetCreate()
        self._uuids = {}
        refusal = None
        for card in cards:
            try:
                nvml.nvmlDeviceRegisterEvents(card.handle, _XID_EVENT, self._set)
                self._uuids[_address(card.handle)] = card.uuid
            except nvml.NVMLError as error:
                refusal = error
        if refusal is not None and not self._uuids:
            raise refusal

    def take(self):
        """[(uuid, code)] since the last call, oldest first; the uuid is None for a GPU that is not ours."""
        found = []
        for _ in range(_MOST):
            try:
                event = self._nvml.nvmlEventSetWait_v2(self._set, 0)
            except self._nvml.NVMLError:
                # A time-out: there are no more. Or a GPU is lost, or the driver gone: the readings find and say that.
                break
            if event.eventType == _XID_EVENT:
                found.append((self._uuids.get(_address(event.device)), int(event.eventData)))
        return found


def _address(handle):
    import ctypes

    return ctypes.cast(handle, ctypes.c_void_p).value
