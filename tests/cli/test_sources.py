"""By which source the shards of a run were worked on."""

import pytest

from batchprocess.cli.sources import as_json, print_sources
from batchprocess.ledger.head import Stored
from batchprocess.protocol.records import Claim, encode
from batchprocess.protocol.run import RunInfo
from batchprocess.runs.local_runs import Standing

OLD, NEW = "a" * 64, "b" * 64


def standing(first: str | None, *sources: str | None) -> Standing:
    run = RunInfo(rows=9, batch_size=1, batches=9, shards=9, processor="P", source=first)
    heads = []
    for shard, source in enumerate(sources):
        claim = Claim(
            shard=shard,
            seq=1,
            prev=None,
            nonce="n",
            attempt="a",
            job="j",
            cursor=0,
            at="",
            source=source,
        )
        heads.append(Stored.parse(encode(claim), shard=shard, seq=1))
    return Standing(run, (*heads, None))


@pytest.mark.parametrize(
    "unchanged", [standing(OLD, OLD, None, OLD), standing(None, NEW), Standing(None, ())]
)
def test_nothing_is_printed_where_nothing_has_changed(
    unchanged: Standing, capsys: pytest.CaptureFixture[str]
) -> None:
    print_sources(unchanged)
    assert capsys.readouterr().out == ""
    assert (as_json(unchanged) or {"others": {}})["others"] == {}


def test_a_change_is_told_with_both_digests_and_the_shards(
    capsys: pytest.CaptureFixture[str],
) -> None:
    changed = standing(OLD, NEW, OLD, *[NEW] * 12)
    print_sources(changed)
    said = capsys.readouterr().out
    assert said.startswith(f"source: changed since the run was begun with {OLD[:12]}: '{NEW[:12]}'")
    assert said.endswith("shards 0, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 3 more\n")
    shards = [0, *range(2, 14)]
    assert as_json(changed) == {"first": OLD, "others": {NEW: shards}}


def test_what_others_have_written_there_is_shown_in_bounds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_sources(standing(OLD, *[f"\x1b[2J{number:060}" for number in range(9)]))
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "4 sources more" in said
    assert len(said) < 500
