"""Requests: whose token, and whether our own page sends it."""

import pytest

from batchprocess_operator.page.http.questions import (
    COOKIE,
    MAX_TOKEN,
    SECURE_COOKIE,
    Question,
    may_be_token,
    query_of,
)


def question(body: str = "", **headers: str) -> Question:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Question("POST", "/login", {}, named, "127.0.0.1", body.encode())


@pytest.mark.parametrize(
    ("cookie", "token"),
    [
        (f"{COOKIE}=abc.d", "abc.d"),
        (f"other=1; {COOKIE}=abc; more=2", "abc"),
        (f"{COOKIE}=thrown; {SECURE_COOKIE}=ours", "ours"),
        ("", ""),
        (COOKIE, ""),
        (f"{COOKIE}=", ""),
        (f"{COOKIE}=a\x00b", ""),
        (f"{COOKIE}=\xe9", ""),
        (f"{COOKIE}={'x' * (MAX_TOKEN + 1)}", ""),
    ],
)
def test_a_token_is_read_from_the_cookie_or_there_is_none(cookie: str, token: str):
    assert question(cookie=cookie).token == token


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({"sec_fetch_site": "same-origin", "origin": "null"}, True),
        ({"sec_fetch_site": "same-site", "origin": "http://a", "host": "a"}, False),
        ({"sec_fetch_site": "cross-site"}, False),
        ({"sec_fetch_site": "none"}, False),
        ({"origin": "https://jobs.example", "host": "jobs.example"}, True),
        ({"origin": "http://localhost:8082", "host": "localhost:8082"}, True),
        ({"origin": "http://localhost:9000", "host": "localhost:8082"}, False),
        ({"origin": "null", "host": "jobs.example"}, False),
        ({"origin": "", "host": ""}, False),
        ({"origin": "http://[", "host": "["}, False),
        ({"host": "jobs.example"}, False),
        ({}, False),
    ],
)
def test_a_form_that_another_page_sends_is_known(headers: dict[str, str], ours: bool):
    assert question(**headers).from_our_page is ours


def test_a_browser_that_speaks_tls_says_so_in_its_origin():
    assert question(origin="https://jobs.example").secure
    assert not question(origin="http://jobs.example").secure


def test_a_field_is_read_once_and_without_what_stands_around_it():
    assert question("token=+abc%0A&token=other").field("token") == "abc"
    assert question("token=x").field("other") == ""


@pytest.mark.hostile
@pytest.mark.parametrize("body", ["&".join(["a=1"] * 100), "\xff", "%ff%fe=1", "=&=;"])
def test_a_body_that_is_no_form_has_no_fields(body: str):
    assert question(body).field("token") == ""


@pytest.mark.hostile
def test_a_query_is_cut_and_one_of_too_many_fields_is_none():
    assert query_of("a=1&a=2&b=") == {"a": "1"}
    assert len(query_of(f"a={'x' * 9_999}")["a"]) == 256
    assert query_of("&".join(f"k{n}=1" for n in range(99))) == {}


@pytest.mark.hostile
@pytest.mark.parametrize("text", ["", "a b", "a;b", "a\nb", 'a"b', "ä", "x" * (MAX_TOKEN + 1)])
def test_what_would_end_a_cookie_or_a_header_is_no_token(text: str):
    assert not may_be_token(text)
    assert may_be_token("x" * MAX_TOKEN)
