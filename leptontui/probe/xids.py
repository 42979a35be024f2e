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
        self._asked = set()
        self._refusal = None

    @property
    def refusal(self):
        """NVML's error where none of the GPUs tells of Xids, None otherwise."""
        return None if self._uuids else self._refusal

    def follow(self, card):
        """Hear of this GPU's Xids, too; may block as the GPU does. Nothing where it is followed, or has refused."""
        address = _address(card.handle)
        if address in self._asked:
            return
        self._asked.add(address)
        try:
            self._nvml.nvmlDeviceRegisterEvents(card.handle, _XID_EVENT, self._set)
            self._uuids[address] = card.uuid
        except self._nvml.NVMLError as error:
            self._refusal = error

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
