"""Loading cuDNN beside the start; copies are tested in tests/gpu."""

import threading

import torch

from batchprocess.sdk.input.host_to_device import load_cudnn_beside


def test_a_process_that_ends_waits_for_the_loading_of_cudnn() -> None:
    # Begun by a daemon thread, as the feed's is, whose threads would be daemons too.
    begun: list[threading.Thread] = []
    feed = threading.Thread(
        target=lambda: begun.append(load_cudnn_beside(torch.device("cpu"))), daemon=True
    )
    feed.start()
    feed.join()
    (loading,) = begun
    loading.join()
    assert not loading.daemon
