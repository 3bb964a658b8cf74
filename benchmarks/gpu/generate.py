"""An engine with continuous batching, alone and under our loop, on one machine in one run.

`python benchmarks/gpu/generate.py` asks transformers' engine for answers of very different length,
by a model with random weights: alone, by coroutines, drained at the end of each batch, and static
batches by `generate`. Needs transformers (measured with 5.24). Tokens a second count what was
asked for, from the engine's first answer to the last commit.
"""

import argparse
import asyncio
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from batchprocess import TorchBatchProcessor, torch_batch_process

BATCH = 64
WAYS = ("engine alone", "coroutines", "drained at each batch", "static batches")
_WARM_UP = ([1, 2, 3], 4)
_began: list[float] = []


class Prompts:
    """Rows of (tokens of the prompt, tokens of the answer): 8 to 512 each, log-normal."""

    def __init__(self, rows: int, longest: int) -> None:
        drawn = np.random.default_rng(1)
        lengths = np.exp(drawn.normal(math.log(longest / 5), 0.9, (rows, 2)))
        self.lengths = np.clip(lengths, 8, longest).astype(int)
        self.tokens = drawn.integers(100, 30_000, 2 * longest)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, row: int) -> tuple[list[int], int]:
        prompt, answer = self.lengths[row]
        start = row % (len(self.tokens) // 2)
        return self.tokens[start : start + prompt].tolist(), int(answer)


def as_list(rows: list[Any]) -> list[Any]:
    """No padding: the engine takes prompts as they are."""
    return rows


def model(hidden: int, layers: int) -> Any:
    """A decoder with random weights."""
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=32_000,
        hidden_size=hidden,
        intermediate_size=4 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 64,
        num_key_value_heads=max(1, hidden // 256),
    )
    torch.manual_seed(1)
    kind = torch.bfloat16 if torch.cuda.is_available() else torch.float32
    made = transformers.LlamaForCausalLM._from_config(
        config, dtype=kind, attn_implementation="sdpa"
    )
    return made.eval().to("cuda" if torch.cuda.is_available() else "cpu")


class Engine:
    """transformers' manager, asked by coroutines."""

    def __init__(self, language_model: Any) -> None:
        import transformers

        config = transformers.GenerationConfig(
            max_new_tokens=512, do_sample=False, eos_token_id=-1, pad_token_id=0
        )
        self.manager = language_model.init_continuous_batching(generation_config=config)
        self.manager.start()
        self._asked = 0

    async def ask(self, prompt: list[int], tokens: int) -> list[int]:
        """The answer's tokens."""
        self._asked += 1
        name = f"row-{self._asked}"
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.manager.register_result_handler(name, answered.set_result)
        self.manager.add_request(prompt, request_id=name, max_new_tokens=tokens)
        found = await answered
        if found.error:
            raise RuntimeError(found.error)
        return list(found.generated_tokens)

    def stop(self) -> None:
        """End its thread."""
        self.manager.stop(block=True)


class Coroutines(TorchBatchProcessor):
    """Up to the window of batches are under way."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.model = model(*_SIZE)

    async def on_start(self) -> None:
        """The clock begins once the engine has answered for the first time."""
        self.engine = Engine(self.model)
        await self.engine.ask(*_WARM_UP)
        _began.append(time.monotonic())

    async def process_batch(self, batch: Any, batch_idx: int) -> None:
        """One request a row."""
        found = await asyncio.gather(*(self.engine.ask(*row) for row in batch))
        self.context.save("answers.jsonl", {"tokens": [len(one) for one in found]})

    def on_finish(self) -> None:
        """End the engine."""
        self.engine.stop()


class Drained(TorchBatchProcessor):
    """One batch at a time: the engine drains at its end."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.loop = asyncio.new_event_loop()
        self.model = model(*_SIZE)
        self.engine: Engine | None = None

    def process_batch(self, batch: Any, batch_idx: int) -> None:
        """All requests of the batch, until the last one is answered."""
        if self.engine is None:
            self.engine = Engine(self.model)
            self.loop.run_until_complete(self.engine.ask(*_WARM_UP))
            _began.append(time.monotonic())
        found = self.loop.run_until_complete(self._ask(self.engine, batch))
        self.context.save("answers.jsonl", {"tokens": [len(one) for one in found]})

    async def _ask(self, engine: Engine, batch: Any) -> list[Any]:
        return await asyncio.gather(*(engine.ask(*row) for row in batch))

    def on_finish(self) -> None:
        """End the engine."""
        if self.engine is not None:
            self.engine.stop()


def alone(prompts: Prompts) -> float:
    """Seconds of the engine for all prompts at once."""
    made = model(*_SIZE)

    async def ask_all() -> None:
        engine = Engine(made)
        await engine.ask(*_WARM_UP)
        _began.append(time.monotonic())
        await asyncio.gather(*(engine.ask(*prompts[row]) for row in range(len(prompts))))
        engine.stop()

    asyncio.run(ask_all())
    return time.monotonic() - _began[0]


def static(prompts: Prompts) -> float:
    """Seconds of padded `generate`, each batch as long as its longest answer."""
    made = model(*_SIZE)
    began = time.monotonic()
    for first in range(0, len(prompts), BATCH):
        rows = [prompts[row] for row in range(first, min(first + BATCH, len(prompts)))]
        longest = max(len(prompt) for prompt, _ in rows)
        padded = torch.zeros(len(rows), longest, dtype=torch.long, device=made.device)
        mask = torch.zeros_like(padded)
        for at, (prompt, _) in enumerate(rows):
            padded[at, -len(prompt) :] = torch.tensor(prompt)
            mask[at, -len(prompt) :] = 1
        most = max(answer for _, answer in rows)
        made.generate(
            padded,
            attention_mask=mask,
            max_new_tokens=most,
            min_new_tokens=most,
            do_sample=False,
            pad_token_id=0,
        )
    return time.monotonic() - began


def under_our_loop(prompts: Prompts, processor: type[TorchBatchProcessor]) -> float:
    """Seconds from the engine's start until the run is complete."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BATCHPROCESS_OUTPUT"] = folder
        torch_batch_process(
            processor,
            prompts,
            batch_size=8 if processor is Coroutines else BATCH,
            checkpoint_interval=8,
            dataloader_kwargs={"collate_fn": as_list, "num_workers": 1},
        )
    return time.monotonic() - _began[0]


def child(way: str, prompts: Prompts) -> None:
    """One way, in a process of its own; prints its seconds."""
    seconds = {
        WAYS[0]: lambda: alone(prompts),
        WAYS[1]: lambda: under_our_loop(prompts, Coroutines),
        WAYS[2]: lambda: under_our_loop(prompts, Drained),
        WAYS[3]: lambda: static(prompts),
    }[way]()
    print(json.dumps(seconds), flush=True)


_SIZE = (2048, 16)


def main(given: Sequence[str] | None = None) -> None:
    """Print a line for each way."""
    global _SIZE  # noqa: PLW0603  of this process, from its command line
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=640)
    parser.add_argument("--longest", type=int, default=512, help="tokens of prompt and answer")
    parser.add_argument("--hidden", type=int, default=2048)
    parser.add_argument("--layers", type=int, default=16)
    parser.add_argument("--only", nargs="*", default=list(WAYS))
    parser.add_argument("--way", help=argparse.SUPPRESS)
    asked = parser.parse_args(given)
    _SIZE = asked.hidden, asked.layers
    prompts = Prompts(asked.rows, asked.longest)
    if asked.way:
        child(asked.way, prompts)
        return
    tokens, best = int(prompts.lengths[:, 1].sum()), 0.0
    print(f"{asked.rows} prompts, {tokens} tokens asked for; load {os.getloadavg()[0]:.1f}")
    for way in asked.only:
        arguments = [*(given or sys.argv[1:]), "--way", way]
        done = subprocess.run(
            [sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True, check=True
        )
        rate = tokens / float(json.loads(done.stdout.splitlines()[-1]))
        best = best or rate
        print(f"{way:24} {rate:8.0f} tokens/s  {rate / best:.3f}", flush=True)


if __name__ == "__main__":
    main()
