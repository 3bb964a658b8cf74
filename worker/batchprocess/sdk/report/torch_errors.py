"""What torch's errors say in their text alone: the one place that knows its words.

Nothing of it is documented; a test names the versions, and has torch say it.
"""

import re
from collections.abc import Sequence

import torch

from batchprocess.sdk.report.os_errors import Origin, chain_of, is_of_network, origin_of, text_of

_ASKED_FOR = re.compile(r"Tried to allocate ([0-9.]+) (bytes|KiB|MiB|GiB)")
_UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def is_machine_failure(error: BaseException) -> bool:
    """Whether the machine, not the user's code or data, is the likely cause: try elsewhere."""
    if isinstance(error, OSError):
        return origin_of(error) is not Origin.DATA
    # What user code raises in place of an error that it names is no other failure.
    return _speaks_of_machine(error) or any(
        origin_of(one) is Origin.MACHINE if isinstance(one, OSError) else _speaks_of_machine(one)
        for one in chain_of(error, explicit=True)
    )


def _speaks_of_machine(error: BaseException) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or is_of_network(error):
        return True
    text = text_of(error)
    accelerator = type(error).__name__ == "AcceleratorError" or "CUDA error" in text
    killed = "DataLoader worker" in text and ("killed" in text or "exited" in text)
    return isinstance(error, RuntimeError) and (accelerator or killed)


def loader_process_message(lines: Sequence[str]) -> str | None:
    """The user's own words in an error that a loader process sent, None if it is none.

    `lines`: of the error's text. The process sends its traceback as text, which ends in them.
    """
    if len(lines) > 1 and lines[0].startswith("Caught ") and "Traceback" in lines[1]:
        return lines[-1].partition(": ")[2] or lines[-1]
    return None


def bytes_asked_for(error: BaseException) -> int:
    """What an OutOfMemoryError could not have; 0 if it does not say."""
    found = _ASKED_FOR.search(str(error))
    return 0 if found is None else int(float(found[1]) * _UNITS[found[2]])
