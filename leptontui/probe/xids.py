"""Xids as NVML tells them: for users who may not read the kernel's log, and without its wording."""

_XID_EVENT = 0x8
"""nvmlEventTypeXidCriticalError."""
_MOST = 64


class XidEvents:
    """Xids of the GPUs that are followed, each from then on.

    Args:
        nvml: the pynvml module.

    Raises:
        NVMLError: this driver tells of none.
    """

    def __init__(self, nvml):
        self._nvml = nvml
        self._set = nvml.nvmlEventSetCreate()
        self._uuids = {}
        self._refusals = {}

    def follow(self, cards):
        """Hear of the Xids of these GPUs, too; those that are followed already, or refuse, are not asked again.

        Returns:
            NVML's error where none of them tells of Xids, None otherwise.
        """
        for card in cards:
            address = _address(card.handle)
            if address in self._uuids or address in self._refusals:
                continue
            try:
                self._nvml.nvmlDeviceRegisterEvents(card.handle, _XID_EVENT, self._set)
                self._uuids[address] = card.uuid
            except self._nvml.NVMLError as error:
                self._refusals[address] = error
        if self._refusals and not self._uuids:
            return next(iter(self._refusals.values()))
        return None

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
