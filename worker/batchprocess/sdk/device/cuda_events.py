"""Streams and events of torch.cuda, whose constructors have no types."""

import torch


def make_stream(device: torch.device) -> torch.cuda.Stream:
    """A stream besides the one of user code."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


def make_event(**options: bool) -> torch.cuda.Event:
    """With the options of `torch.cuda.Event`."""
    return torch.cuda.Event(**options)  # type: ignore[no-untyped-call]


def make_timer() -> torch.cuda.Event:
    """An event whose distance in time from another can be asked for."""
    return make_event(enable_timing=True)


def is_done(event: torch.cuda.Event) -> bool:
    """Whether the GPU has passed it."""
    return bool(event.query())  # type: ignore[no-untyped-call]
