"""NVML without surprises: loading it, and telling "not supported" from "this GPU is lost" from "the driver is gone"."""

# Return codes of nvml.h; pynvml's exceptions carry them as `value`.
SUCCESS = 0
UNINITIALIZED = 1
INVALID_ARGUMENT = 2
NOT_SUPPORTED = 3
NO_PERMISSION = 4
NOT_FOUND = 6
DRIVER_NOT_LOADED = 9
LIBRARY_NOT_FOUND = 12
FUNCTION_NOT_FOUND = 13
CORRUPTED_INFOROM = 14
GPU_IS_LOST = 15
RESET_REQUIRED = 16
LIB_RM_VERSION_MISMATCH = 18
ARGUMENT_VERSION_MISMATCH = 25
DEPRECATED = 26
GPU_NOT_FOUND = 28

NEVER = frozenset(
    (INVALID_ARGUMENT, NOT_SUPPORTED, NO_PERMISSION, FUNCTION_NOT_FOUND, ARGUMENT_VERSION_MISMATCH, DEPRECATED)
)
"""Answers that will not change while the driver is loaded: the function is not called again for that GPU."""
LOST = frozenset((GPU_IS_LOST, RESET_REQUIRED, GPU_NOT_FOUND))
"""The GPU is gone: it fell off the bus, or needs a reset before it can be talked to."""
GONE = frozenset((UNINITIALIZED, DRIVER_NOT_LOADED, LIBRARY_NOT_FOUND, LIB_RM_VERSION_MISMATCH))
"""The driver is gone: NVML has to be initialised anew."""

LIBRARY = "libnvidia-ml.so.1"


class NoLibrary(Exception):
    """This host has no NVML."""


class Lost(Exception):
    """The GPU does not exist any more as far as the driver is concerned."""


class DriverGone(Exception):
    """NVML has to be initialised anew.

    Attributes:
        code: NVML's return code.
    """

    def __init__(self, error):
        super().__init__(str(error))
        self.code = code_of(error)


def code_of(error):
    """NVML's return code in `error`, None if it is not one of NVML's."""
    value = getattr(error, "value", None)
    return value if isinstance(value, int) else None


def sorted_out(error):
    """Raise `Lost` or `DriverGone` if that is what NVML's `error` means; otherwise return its code."""
    code = code_of(error)
    if code in LOST:
        raise Lost(str(error)) from error
    if code in GONE:
        raise DriverGone(error) from error
    return code


def numbers_of(version):
    """A driver's version, "580.95.05", as numbers: (580, 95, 5). Empty for None and for what is not a version."""
    words = (version or "").split(".")
    return tuple(int(word) for word in words) if all(word.isdigit() for word in words) else ()


def load():
    """The `pynvml` module; it is compiled only where there is a library for it to call.

    Raises:
        NoLibrary: with the reason, in words.
    """
    try:
        import ctypes
    except ImportError as error:
        raise NoLibrary("this Python cannot call libraries: %s" % error) from error
    try:
        ctypes.CDLL(LIBRARY)
    except OSError as error:
        why = "%s not found" % LIBRARY if "No such file" in str(error) else str(error)
        raise NoLibrary("no NVIDIA driver (%s)" % why) from error
    try:
        import pynvml
    except ImportError as error:
        raise NoLibrary("pynvml is missing: %s" % error) from error
    try:
        # Compiling 8,000 lines leaves 10 MB of freed memory with the C library, which other programs can use.
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError):
        # Not glibc.
        pass
    return pynvml


def forget(pynvml, unload):
    """End NVML's session; with `unload` drop the library too, so that the next session loads the new driver's."""
    try:
        pynvml.nvmlShutdown()
    except pynvml.NVMLError:
        # Not initialised, or the driver is gone: nothing is left to end.
        pass
    if not unload:
        return
    library, pynvml.nvmlLib = pynvml.nvmlLib, None
    pynvml._nvmlGetFunctionPointer_cache.clear()
    if library is not None:
        import _ctypes

        # Once for pynvml's reference and once for that of `load`.
        for _ in range(2):
            try:
                _ctypes.dlclose(library._handle)
            except OSError:
                # Held less often than thought.
                break
