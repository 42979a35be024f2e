"""How busy a MIG instance was, by the GPU's performance monitors (Hopper and later); NVML tells it in no other way."""

from . import nvml as codes

_GRAPHICS_UTIL = 1
"""NVML_GPM_METRIC_GRAPHICS_UTIL: the share of time in which any program ran, as `nvidia-smi` shows it of whole GPUs."""
_VERSION = 1


class Monitor:
    """The utilisation of one GPU instance between two looks.

    Args:
        nvml: the pynvml module.
        parent: the driver's handle of the GPU.
        instance: the GPU instance's number.

    Raises:
        Lost: the GPU is gone.
        DriverGone: so is the driver.
        NVMLError: this GPU has no such monitors, or this driver.
    """

    def __init__(self, nvml, parent, instance):
        self._nvml = nvml
        self._parent = parent
        self._instance = instance
        self._samples = []
        self._has_sample = False
        try:
            self._check(
                codes.SUCCESS if nvml.nvmlGpmQueryDeviceSupport(parent).isSupportedDevice else codes.NOT_SUPPORTED
            )
            for _ in range(2):
                self._samples.append(nvml.nvmlGpmSampleAlloc())
        except nvml.NVMLError as error:
            self.close()
            codes.sorted_out(error)
            raise

    def read(self):
        """Percent of the time since the last look; None for the first.

        Raises:
            Lost: the GPU is gone.
            DriverGone: so is the driver.
            NVMLError: it cannot be read.
        """
        nvml = self._nvml
        before, after = self._samples
        had_sample, self._has_sample = self._has_sample, False
        try:
            nvml.nvmlGpmMigSampleGet(self._parent, self._instance, after)
            self._samples = [after, before]
            self._has_sample = True
            if not had_sample:
                return None
            asked = nvml.c_nvmlGpmMetricsGet_t()
            asked.version, asked.numMetrics = _VERSION, 1
            asked.sample1, asked.sample2 = before, after
            asked.metrics[0].metricId = _GRAPHICS_UTIL
            nvml.nvmlGpmMetricsGet(asked)
            self._check(asked.metrics[0].nvmlReturn)
        except nvml.NVMLError as error:
            codes.sorted_out(error)
            raise
        value = asked.metrics[0].value
        # Not a number where no time has passed.
        return round(min(100.0, value), 1) if value >= 0.0 else None

    def _check(self, code):
        if code != codes.SUCCESS:
            raise self._nvml.NVMLError(code)

    def close(self):
        """Give the memory of the samples back; not after NVML's session has ended."""
        samples, self._samples = self._samples, []
        for sample in samples:
            try:
                self._nvml.nvmlGpmSampleFree(sample)
            except self._nvml.NVMLError:
                # It ends with the session.
                pass
