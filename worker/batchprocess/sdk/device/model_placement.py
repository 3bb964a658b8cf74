"""Bringing a model into eval mode and onto the device, whoever has made it."""

import torch

from batchprocess.sdk.device.torch_private import move_own_tensors


def enter_eval_mode(model: torch.nn.Module) -> None:
    """As its `eval()`; modules of torch.export, which have none, keep the mode of their export."""
    try:
        model.eval()
    except NotImplementedError:
        for child in model.children():
            enter_eval_mode(child)
        model.training = False


def place(model: torch.nn.Module, device: torch.device, dtype: torch.dtype | None) -> None:
    """On `device` and, if one is asked for, in `dtype`.

    What was loaded with a `device_map` stays where that has put it, and what is on the device
    already is left alone: quantised models refuse some or all arguments of `to`.
    """
    if not any(_is_mapped(one) for one in model.modules()):
        if dtype is not None:
            model.to(device=device, dtype=dtype)
        elif not _is_on(model, device):
            model.to(device=device)
        return
    if dtype is not None:
        model.to(dtype=dtype)
    _move_around_mapped(model, device)


def _is_mapped(module: torch.nn.Module) -> bool:
    """By accelerate, which moves inputs from module to module by itself."""
    return getattr(module, "hf_device_map", None) is not None


def _move_around_mapped(module: torch.nn.Module, device: torch.device) -> None:
    if _is_mapped(module):
        return
    for child in module.children():
        _move_around_mapped(child, device)
    move_own_tensors(module, device)


def _is_on(model: torch.nn.Module, device: torch.device) -> bool:
    """One without parameters and buffers may have tensors that only its own `to` knows."""
    tensors = [*model.parameters(), *model.buffers()]
    return bool(tensors) and all(one.device == device for one in tensors)
