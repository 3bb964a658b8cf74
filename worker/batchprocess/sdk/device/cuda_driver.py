"""What we ask the CUDA driver itself, by its C interface: torch would wake the GPU for it."""

import contextlib
import ctypes


def driver_version() -> int | None:
    """The newest CUDA that the driver knows: 13020 for 13.2; None without a driver."""
    version = ctypes.c_int()
    try:
        _driver().cuDriverGetVersion(ctypes.byref(version))
    except OSError:
        return None
    return version.value


def make_context(ordinal: int) -> None:
    """The one that torch finds then. torch would hold the interpreter, while the model is built."""
    with contextlib.suppress(OSError):  # no driver: torch says so
        driver = _driver()
        device, context = ctypes.c_int(), ctypes.c_void_p()
        if not driver.cuInit(0) and not driver.cuDeviceGet(ctypes.byref(device), ordinal):
            # Never released: it ends with the process, as torch's own hold on it does.
            driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device)


def _driver() -> ctypes.CDLL:
    return ctypes.CDLL("libcuda.so.1")
