"""`prepare_model_for_inference`: the same object, faster, and harder to break."""

import logging
from collections.abc import Callable
from types import MethodType
from typing import Any, TypeVar

import torch

from batchprocess.sdk.device.compile_cache import CompileCache
from batchprocess.sdk.device.model_options import GRAPH_MODES, ModelOptions
from batchprocess.sdk.device.model_placement import enter_eval_mode, place
from batchprocess.sdk.device.out_of_memory.fitting import Memory, explain
from batchprocess.sdk.device.out_of_memory.split_proof import Forward, state_by_design
from batchprocess.sdk.device.out_of_memory.splitter import OomSplitter
from batchprocess.sdk.device.tensor_trees import cast
from batchprocess.sdk.device.torch_private import compiler_errors

_LOG = logging.getLogger("batchprocess")
Model = TypeVar("Model", bound=torch.nn.Module)


class ModelPreparer:
    """Prepares models for one device.

    `is_short`: whether the batch in work has fewer rows than the others, as a dataset's last one
    may; `rows`: how many it has, None if no batch is in work; `free` gives GPU memory back;
    `memory` measures it; `compile_cache` keeps compiled code with the run.
    """

    def __init__(
        self,
        device: torch.device,
        *,
        is_short: Callable[[], bool] = lambda: False,
        rows: Callable[[], int | None] = lambda: None,
        free: Callable[[], None] = lambda: None,
        memory: Memory | None = None,
        compile_cache: CompileCache | None = None,
    ) -> None:
        self._device = device
        self._is_short, self._rows, self._free = is_short, rows, free
        self._memory = memory
        self._compile_cache = compile_cache

    def prepare(self, model: Model, options: ModelOptions) -> Model:
        """The same object, in eval mode and on the device; its `forward` replaced on the object."""
        if not isinstance(model, torch.nn.Module):
            exported = isinstance(model, torch.export.ExportedProgram)
            raise TypeError(
                "prepare_model_for_inference takes a torch.nn.Module, not "
                f"a {type(model).__qualname__}{': give its .module()' if exported else ''}"
            )
        enter_eval_mode(model)
        before = _float_dtype(model)
        place(model, self._device, options.dtype)
        if options.channels_last:
            model.to(memory_format=torch.channels_last)
        if isinstance(model, torch.jit.ScriptModule):
            _refuse_for_scripted(options)
            return model
        if options.split_when_out_of_memory and (found := state_by_design(model)) is not None:
            raise ValueError(f"split_when_out_of_memory can't be had for this model: {found}")
        if self._device.type == "cpu" and options == ModelOptions():
            return model
        inner = _CastForward(model.forward, options, before)
        splitter = self.splitter() if options.split_when_out_of_memory else None
        outer = _PreparedForward(inner, self._fast(inner, options), self, splitter)
        # A method, not a function: a copy of the model must use the copy's weights.
        model.forward = MethodType(outer.as_function(), model)
        return model

    def is_short(self) -> bool:
        """Whether the batch in work has fewer rows than the others."""
        return self._is_short()

    def splitter(self) -> OomSplitter:
        """For one model: each has its own safe size."""
        return OomSplitter(self._free, self._rows, self._memory)

    def explain(self, error: torch.OutOfMemoryError) -> None:
        """Have the error of a forward say which batch would fit."""
        explain(error, self._rows(), self._memory)

    def compiled(self) -> None:
        """A compiled model has run: its code can be kept now."""
        if self._compile_cache is not None:
            self._compile_cache.note_compiled()

    def _fast(self, inner: "_CastForward", options: ModelOptions) -> "Callable[..., Any] | None":
        if options.mode is None:
            return None
        if self._compile_cache is not None:
            self._compile_cache.load()
        run = torch.compile(inner.run, mode=options.mode)
        return _graphed(run) if options.mode in GRAPH_MODES else run


class _CastForward:
    """The model's own forward between its casts: all of what is compiled."""

    def __init__(self, forward: Any, options: ModelOptions, before: torch.dtype | None) -> None:
        self.forward = getattr(forward, "__func__", forward)
        self._bound = hasattr(forward, "__func__")
        self._options, self._before = options, before

    def run(self, model: Any, args: Any, kwargs: Any) -> Any:
        """Inputs in the model's type and layout; outputs in the type that they had before."""
        to, back = self._options.dtype, self._before
        if to is not None or self._options.channels_last:
            args, kwargs = cast((args, kwargs), to, channels_last=self._options.channels_last)
        out = self.forward(model, *args, **kwargs) if self._bound else self.forward(*args, **kwargs)
        return out if to is None or back in (None, to) else cast(out, back, only=to)


class _PreparedForward:
    """Around each call: compiled or not; where memory is short in parts, if that was asked for."""

    def __init__(
        self,
        inner: _CastForward,
        fast: Callable[..., Any] | None,
        models: ModelPreparer,
        splitter: OomSplitter | None,
    ) -> None:
        self._inner, self._fast, self._models = inner, fast, models
        self._splitter = splitter

    def as_function(self) -> Callable[..., Any]:
        """What becomes the method `forward`; looks like the original to those who inspect it."""

        def forward(model: Any, *args: Any, **kwargs: Any) -> Any:
            return self._call(model, args, kwargs)

        forward.__wrapped__ = self._inner.forward  # type: ignore[attr-defined]
        forward.__doc__ = self._inner.forward.__doc__
        return forward

    def _call(self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._splitter is not None:
            return self._splitter(self._forward(model, args, kwargs))
        try:
            return self._run(model, args, kwargs)
        except torch.OutOfMemoryError as error:
            self._models.explain(error)
            raise

    def _forward(self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Forward:
        return Forward(
            model,
            run=lambda *given, **named: self._run(model, given, named),
            plain=lambda *given, **named: self._inner.run(model, given, named),
            args=args,
            kwargs=kwargs,
        )

    def _run(self, model: Any, args: Any, kwargs: Any) -> Any:
        # A short batch is one of many, and would be compiled for its own shape: never worth it.
        if self._fast is None or self._models.is_short():
            return self._inner.run(model, args, kwargs)
        try:
            made = self._fast(model, args, kwargs)
        except compiler_errors() as error:
            _LOG.warning("the model could not be compiled and runs as it is: %s", error)
            self._fast = None
            return self._inner.run(model, args, kwargs)
        self._models.compiled()
        return made


def _graphed(run: Callable[..., Any]) -> Callable[..., Any]:
    """Outputs of a CUDA graph live in memory that its next replay overwrites: hand out copies."""

    def call(*given: Any) -> Any:
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        return cast(run(*given), None, cloned=True)

    return call


def _refuse_for_scripted(options: ModelOptions) -> None:
    for asked, done in (
        (options.mode is not None, "compiled"),
        (options.split_when_out_of_memory, "split when out of memory"),
    ):
        if asked:
            raise ValueError(f"a scripted model can't be {done}: pass the model it came from")


def _float_dtype(model: torch.nn.Module) -> torch.dtype | None:
    return next((p.dtype for p in model.parameters() if p.is_floating_point()), None)
