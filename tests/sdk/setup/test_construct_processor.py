"""What looks wrong with a processor's class is said before it runs."""

import logging

import pytest

from batchprocess import TorchBatchProcessor
from batchprocess.sdk.setup.construct_processor import misspelt_hooks, warn_of_misspelt_hooks


class Plain(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context

    def process_batch(self, batch, batch_idx):
        pass


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("on_checkpoint", "on_checkpoint_start"),
        ("on_checkpoint_begin", "on_checkpoint_start"),
        ("on_chekpoint_start", "on_checkpoint_start"),
        ("on_finished", "on_finish"),
        ("checkpoint_start", "on_checkpoint_start"),
    ],
)
def test_a_method_called_almost_like_a_hook_is_told(name, meant):
    odd = type("Odd", (Plain,), {name: lambda self: None})
    assert list(misspelt_hooks(odd)) == [
        f"Odd.{name} is no hook, so nobody calls it: did you mean {meant}?"
    ]


def test_a_helper_beside_the_hook_is_nobodys_mistake():
    class Sound(Plain):
        on_finished = None

        def on_checkpoint_start(self):
            self.checkpoint_start()

        def checkpoint_start(self):
            pass

        def _on_finish(self):
            pass

        def write_lines(self):
            pass

    class WithHelpers(Plain):
        def checkpoint_path(self):
            pass

        def finish(self):
            pass

    assert list(misspelt_hooks(Sound)) == []
    assert list(misspelt_hooks(WithHelpers)) == []


def test_warnings_are_logged(caplog):
    class Odd(Plain):
        def on_checkpoint(self):
            pass

    with caplog.at_level(logging.WARNING):
        warn_of_misspelt_hooks(Odd)
    assert "did you mean on_checkpoint_start?" in caplog.text
