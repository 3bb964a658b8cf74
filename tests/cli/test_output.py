"""Counted nouns and durations."""

import pytest

from batchprocess.cli.output import duration, plural, print_json, print_json_list


def test_nouns_are_counted() -> None:
    assert (plural(1, "shard"), plural(2, "shard")) == ("1 shard", "2 shards")
    assert plural(0, "batch", "batches") == "0 batches"


def test_durations_are_short() -> None:
    assert [duration(s) for s in (0.4, 99, 100, 5399, 9000)] == [
        *("0 s", "99 s", "2 min", "90 min", "2.5 h")
    ]


@pytest.mark.parametrize("items", [[], [{"a": [1, "x\ny"]}], [{}, {"b": None}, 3]])
def test_a_list_that_is_printed_as_it_comes_looks_like_one_printed_whole(
    items: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    print_json_list({"uri": "u"}, "files", iter(items))
    streamed = capsys.readouterr().out
    print_json({"uri": "u", "files": items})
    assert streamed == capsys.readouterr().out
