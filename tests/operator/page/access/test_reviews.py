"""What the API server is asked, and what is made of its answers."""

import asyncio
from typing import Any

import pytest

from batchprocess_operator.page.access.reviews import (
    Person,
    Right,
    TooMuchOfAPerson,
    review_access,
    review_token,
)


class FakeApi:
    def __init__(self, **status: Any) -> None:
        self.status, self.bodies = status, []

    async def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.bodies.append(body)
        return {"status": self.status}


def who(**status: Any) -> Person | None:
    return asyncio.run(review_token(FakeApi(**status), "token"))  # type: ignore[arg-type]


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("name", "party"),
    [
        ("system:serviceaccount:team:a", "system:serviceaccount:team"),
        ("system:serviceaccount:team:b", "system:serviceaccount:team"),
        ("oidc:ann:b:c", "oidc:ann:b:c"),
        ("ann", "ann"),
    ],
)
def test_service_accounts_of_a_namespace_are_one_party(name: str, party: str):
    assert Person(name, b"{}").party == party


def test_a_token_is_asked_about_for_the_api_server_itself():
    api = FakeApi(authenticated=True, user={"username": "ann"})
    asyncio.run(review_token(api, "abc"))  # type: ignore[arg-type]
    assert api.bodies[0]["spec"] == {"token": "abc"}


@pytest.mark.parametrize(
    "status",
    [
        {},
        {"authenticated": False, "user": {"username": "ann"}},
        {"authenticated": "true", "user": {"username": "ann"}},
        {"authenticated": True},
        {"authenticated": True, "user": {"username": ""}},
    ],
)
def test_whoever_is_not_known_is_nobody(status: dict[str, Any]):
    assert who(**status) is None


def test_somebody_is_asked_about_with_all_that_the_api_server_said_of_them():
    user = {"username": "ann", "uid": "7", "groups": ["a", "b"], "extra": {"k": ["v"]}}
    person = who(authenticated=True, user=user)
    assert person is not None
    api = FakeApi(allowed=True)
    right = Right("get", "team", "digits")
    assert asyncio.run(review_access(api, person, right))  # type: ignore[arg-type]
    assert api.bodies[0]["spec"] == {
        "user": "ann",
        "uid": "7",
        "groups": ["a", "b"],
        "extra": {"k": ["v"]},
        "resourceAttributes": {
            "verb": "get",
            "group": "batchprocess.dev",
            "resource": "batchprocessjobs",
            "namespace": "team",
            "name": "digits",
        },
    }


@pytest.mark.parametrize(
    "status", [{}, {"allowed": False}, {"allowed": "yes"}, {"allowed": True, "denied": True}]
)
def test_what_is_not_plainly_allowed_is_not(status: dict[str, Any]):
    api = FakeApi(**status)
    asked = review_access(api, Person("ann", b'{"user":"ann"}'), Right("list"))  # type: ignore[arg-type]
    assert not asyncio.run(asked)


@pytest.mark.hostile
def test_somebody_in_too_many_groups_is_told_so():
    user = {"username": "ann", "groups": [f"group-{n:06}" for n in range(10_000)]}
    with pytest.raises(TooMuchOfAPerson, match="may have 65536"):
        who(authenticated=True, user=user)


@pytest.mark.hostile
def test_a_name_is_cut_and_plain():
    person = who(authenticated=True, user={"username": "a\x1b[31m" + "b" * 500})
    assert person is not None
    assert (len(person.name), "\x1b" in person.name) == (128, False)
