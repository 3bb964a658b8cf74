"""Tokens that are no guesses."""

import pytest

from batchprocess_operator.page.access.known_tokens import KnownTokens


def test_a_token_is_known_for_so_long_from_when_it_was_seen_last():
    now = [0.0]
    known = KnownTokens(lambda: now[0], 10.0, 5)
    assert not known.has(b"a")
    for time in (0.0, 9.0, 18.0):
        now[0] = time
        known.add(b"a", "ann")
    now[0] = 27.9
    assert known.has(b"a")
    now[0] = 28.0
    assert not known.has(b"a")


@pytest.mark.hostile
def test_whoever_has_very_many_tokens_makes_nobody_else_a_stranger():
    known = KnownTokens(lambda: 0.0, 10.0, 50)
    known.add(b"ann's", "ann")
    for n in range(1_000):
        known.add(b"%d" % n, "many")
    assert len(known) == 50
    assert known.has(b"ann's")
    assert known.has(b"999")
    assert not known.has(b"0")
