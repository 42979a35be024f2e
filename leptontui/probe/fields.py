"""NVML's field values: many counters of a GPU in one call, each with an answer of its own."""

from . import nvml as codes

ALL_LINKS = 0xFFFFFFFF
"""The scope of an NVLink counter that is the sum of all links (nvml.h)."""
_MEMBERS = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")
"""The union's member by nvmlValueType_t."""


class Fields:
    """Some field values of one GPU; those that it will never tell are not asked for again.

    Args:
        nvml: the pynvml module.
        handle: the driver's.
        wanted: numbers of fields, or (number, scope); a link's number is a scope.
    """

    def __init__(self, nvml, handle, wanted):
        self._nvml = nvml
        self._handle = handle
        self._wanted = list(wanted)

    def read(self):
        """{what was wanted: its value}, without those that have none.

        Raises:
            Lost: the GPU is gone.
            DriverGone: so is the driver.
        """
        if not self._wanted:
            return {}
        try:
            answers = self._nvml.nvmlDeviceGetFieldValues(self._handle, self._wanted)
        except self._nvml.NVMLError as error:
            if codes.sorted_out(error) in codes.NEVER:
                self._wanted = []
            return {}
        values, kept = {}, []
        for wanted, answer in zip(self._wanted, answers):  # noqa: B905 — strict= is not in Python 3.6
            code = answer.nvmlReturn
            if code == codes.SUCCESS:
                values[wanted] = _value(answer)
            elif code in codes.LOST or code in codes.GONE:
                codes.sorted_out(self._nvml.NVMLError(code))
            if code not in codes.NEVER:
                kept.append(wanted)
        self._wanted = kept
        return values


def _value(answer):
    kind = answer.valueType
    return getattr(answer.value, _MEMBERS[kind]) if kind < len(_MEMBERS) else None
