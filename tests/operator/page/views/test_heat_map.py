"""The picture of all shards."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchprocess_operator.observe.shards import Shards
from batchprocess_operator.page.views.heat_map import KINDS, HeatMap, heat_map, kinds_of


def shards(total: int, **sets: set[int]) -> Shards:
    usual: dict[str, set[int]] = {name: set() for name in ("sealed", "told", "failed", "running")}
    given = {name: frozenset(numbers) for name, numbers in (usual | sets).items()}
    return Shards(
        total=total,
        cursors=tuple(k % 11 for k in range(total)),
        claims=(0,) * total,
        attempts={},
        sizes=(10,) * total,
        **given,  # type: ignore[arg-type]
    )


def cells(found: HeatMap) -> dict[int, str]:
    """Cell -> kind, as the paths draw them."""
    drawn: dict[int, str] = {}
    for kind, path in found.layers.items():
        for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", path):
            for k in range(int(length)):
                cell = int(y) * found.columns + int(x) + k
                assert cell not in drawn
                drawn[cell] = kind
    return drawn


@given(st.integers(1, 700), st.randoms(use_true_random=False))
def test_every_shard_is_drawn_once_as_what_it_is(total: int, random):
    parts: list[set[int]] = [set(), set(), set(), set()]
    for k in range(total):
        random.choice(parts).add(k)
    given = shards(total, sealed=parts[0], failed=parts[1], running=parts[2])
    found = heat_map(given, {})
    assert cells(found) == dict(enumerate(kinds_of(given)))


@pytest.mark.parametrize("total", [1, 2, 7, 64, 96, 1_000, 10_000])
def test_bands_cover_all_shards_and_are_few(total: int):
    found = heat_map(shards(total), {})
    assert [one.first for one in found.bands] == [one.y * found.columns for one in found.bands]
    assert sum(one.height for one in found.bands) == found.rows
    assert len(found.bands) <= 12
    assert found.columns * (found.rows - 1) < total <= found.columns * found.rows


def test_a_shard_at_work_is_shown_by_how_far_it_is():
    found = kinds_of(shards(11, running=set(range(11))))
    assert found[0] == found[2] == "run0"
    assert (found[3], found[5], found[8], found[10]) == ("run1", "run2", "run3", "run3")


def test_what_is_seen_is_also_said():
    found = heat_map(shards(20, sealed={0, 1}, failed={2}, running={3}), {})
    assert found.label == "20 shards: 2 succeeded, 1 running, 1 failed, 16 pending"
    assert found.bands[0].label.startswith("Shards 0 to ")


def test_what_was_begun_more_than_once_has_a_mark():
    found = heat_map(shards(20), {3: 2, 4: 1, 7: 9, 99: 5})
    assert found.retried.count("M") == 2


@pytest.mark.hostile
def test_the_most_scattered_ten_thousand_are_small():
    odd = set(range(1, 10_000, 2))
    found = heat_map(shards(10_000, sealed=odd), dict.fromkeys(range(10_000), 2))
    size = sum(map(len, found.layers.values())) + len(found.retried) + len(found.lines)
    assert size < 500_000
    for path in (*found.layers.values(), found.retried, found.lines):
        ElementTree.fromstring(f'<path d="{path}"/>')
    assert set(found.layers) <= set(KINDS)
