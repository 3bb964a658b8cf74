"""A job without a script: its processor and dataset are found, and so are the loader's options."""

import pytest

from batchprocess.protocol.errors import InvalidArgument
from batchprocess.sdk.__main__ import _options, resolve


class Static:
    @staticmethod
    def collate_fn(rows):
        return rows


class OfClass(Static):
    @classmethod
    def collate_fn(cls, rows):
        return cls, rows


class Bound:
    def collate_fn(self, rows):
        return rows


class Heir(Static):
    pass


@pytest.mark.parametrize("processor", [Static, OfClass, Heir])
def test_a_collate_fn_that_needs_no_processor_makes_the_batches(processor) -> None:
    assert _options(processor) == {"collate_fn": processor.collate_fn}


@pytest.mark.parametrize("processor", [object, dict])
def test_without_one_there_are_no_options(processor) -> None:
    assert _options(processor) is None


def test_a_collate_fn_of_an_object_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="Bound.collate_fn must be a static method"):
        _options(Bound)


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        (None, "processor must be module:name, not None"),
        ("json", "not 'json'"),
        ("nowhere:Class", "No module named 'nowhere'"),
        ("json:Nothing", "module 'json' has no 'Nothing'"),
    ],
)
def test_a_reference_that_leads_nowhere_is_named(reference, sentence) -> None:
    with pytest.raises(InvalidArgument, match=sentence):
        resolve("processor", reference)
