"""Memory shared with forked processes, mapped by libc: addresses first, pages when used."""

import _thread
import contextlib
import ctypes
import mmap

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.mmap.restype = ctypes.c_void_p
_LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_LIBC.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_MAP_NORESERVE = 0x4000  # Linux; Python 3.11 has no name for it
_FAILED = ctypes.c_void_p(-1).value


def map_shared(size: int) -> int:
    flags = mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | _MAP_NORESERVE
    address: int = _LIBC.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0)
    if address == _FAILED:
        raise OSError(ctypes.get_errno(), "no addresses for the loader's batches")
    return address


def unmap(address: int, size: int) -> None:
    """A gigabyte of pages takes a tenth of a second, which the end of a run need not wait for."""
    # Not `threading`: finalizers run anywhere, also where its locks are held.
    with contextlib.suppress(RuntimeError):  # the process is ending
        _thread.start_new_thread(_LIBC.munmap, (address, size))
