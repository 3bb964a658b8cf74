"""Answers, and what browsers are told with them."""

import gzip

import pytest

from batchprocess_operator.page.http.answers import Answer, forget, go_to, packed, remember


def test_every_answer_forbids_what_the_page_does_not_need():
    said = dict(Answer(200, b"x").all_headers)
    policy = said["Content-Security-Policy"].split("; ")
    assert policy[0] == "default-src 'none'"
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in said["Content-Security-Policy"]
    assert said["X-Content-Type-Options"] == "nosniff"
    assert said["Cache-Control"] == "no-store"
    # With no-referrer a browser would hide the origin of our own forms.
    assert said["Referrer-Policy"] == "same-origin"


def test_only_files_are_kept_by_browsers():
    assert "immutable" in dict(Answer(200, kept=True).all_headers)["Cache-Control"]


@pytest.mark.parametrize("accepted", ["gzip", "br, GZIP;q=0.5", "deflate, gzip"])
def test_a_large_page_is_packed_for_whoever_takes_it(accepted: str):
    found = packed(Answer(200, b"x" * 5_000), accepted)
    assert gzip.decompress(found.body) == b"x" * 5_000
    assert ("Content-Encoding", "gzip") in found.all_headers


@pytest.mark.parametrize(("size", "accepted"), [(5_000, ""), (5_000, "br"), (10, "gzip")])
def test_others_get_it_as_it_is(size: int, accepted: str):
    given = Answer(200, b"x" * size)
    assert packed(given, accepted) is given


def test_a_token_is_kept_where_scripts_and_other_sites_do_not_get_it():
    for secure in (False, True):
        parts = remember("abc", secure=secure).split("; ")
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(parts)
        assert ("Secure" in parts) is secure
        assert parts[0] == ("__Host-" if secure else "") + "batchprocess-token=abc"


def test_to_forget_it_both_cookies_end():
    assert all("Max-Age=0" in one for one in forget(secure=True))
    assert len(forget(secure=True)) == 2
    # Over plain HTTP a browser takes no Secure cookie, not even to end it.
    assert [one for one in forget(secure=False) if "Secure" in one] == []


def test_a_script_is_told_to_go_elsewhere_in_its_own_way():
    assert ("Location", "/login") in go_to("/login").headers
    told = go_to("/login", in_place=True)
    assert told.status == 401
    assert ("HX-Redirect", "/login") in told.headers
