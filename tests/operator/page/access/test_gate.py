"""Who may see what, and how often the API server is asked."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import pytest

from batchprocess_operator.page.access import gate as module
from batchprocess_operator.page.access.gate import Gate, TooOften, Viewer
from batchprocess_operator.page.access.reviews import Right
from support.operator.page_world import FakeReviews

T = TypeVar("T")


class Given:
    def __init__(self) -> None:
        self.time, self.api = 0.0, FakeReviews()
        self.gate = Gate(self.api, lambda: self.time)  # type: ignore[arg-type]

    async def viewer(self, token: str = "team-token", address: str = "a") -> Viewer:
        found = await self.gate.viewer(token, address)
        assert found is not None
        return found

    def times(self, kind: str) -> int:
        return sum(one == kind for one, _ in self.api.asked)


async def refusal(questions: Iterable[Awaitable[object]]) -> TooOften | None:
    """Ask one after the other, until one is not asked any more."""
    for one in questions:
        try:
            await one
        except TooOften as error:
            return error
    return None


def run(go: Callable[[Given], Awaitable[T]]) -> T:
    async def inside() -> T:
        return await go(Given())

    return asyncio.run(inside())


def test_whose_token_is_taken_back_is_nobody_within_a_minute():
    async def go(given: Given) -> None:
        await given.viewer()
        given.api.tokens.clear()
        given.time = 44.0
        assert await given.gate.viewer("team-token", "a") is not None
        given.time = 46.0
        assert await given.gate.viewer("team-token", "a") is None

    run(go)


def test_whose_right_is_taken_back_does_not_see_any_more_within_a_minute():
    async def go(given: Given) -> None:
        viewer = await given.viewer()
        right = Right("get", "team")
        assert await given.gate.may(viewer, right)
        given.api.rights.clear()
        given.time = 46.0
        assert not await given.gate.may(viewer, right)

    run(go)


def test_the_same_is_asked_once():
    async def go(given: Given) -> None:
        viewer = await given.viewer()
        for _ in range(20):
            await given.viewer()
            await given.gate.may(viewer, Right("get", "team"))
        assert (given.times("tokenreviews"), given.times("subjectaccessreviews")) == (1, 1)

    run(go)


def test_one_persons_answers_are_not_another_ones():
    async def go(given: Given) -> None:
        right = Right("list")
        everywhere, team = await given.viewer("all-token"), await given.viewer("team-token")
        assert await given.gate.may(everywhere, right)
        assert not await given.gate.may(team, right)

    run(go)


def test_who_sees_all_is_asked_about_once_and_others_for_each_namespace():
    async def go(given: Given) -> None:
        there = {f"ns-{n}" for n in range(30)} | {"team"}
        found = await given.gate.readable(await given.viewer("all-token"), there)
        assert found == (there, False)
        assert given.times("subjectaccessreviews") == 1
        found = await given.gate.readable(await given.viewer("team-token"), there)
        assert found == ({"team"}, False)

    run(go)


def test_of_many_namespaces_some_are_asked_about_and_the_next_page_asks_on():
    async def go(given: Given) -> None:
        viewer, there = await given.viewer(), {f"a-{n:03}" for n in range(150)} | {"team"}
        assert await given.gate.readable(viewer, there) == (frozenset(), True)
        assert given.times("subjectaccessreviews") == 1 + module.MAX_NAMESPACES
        assert await given.gate.readable(viewer, there) == ({"team"}, False)

    run(go)


@pytest.mark.hostile
def test_a_person_is_asked_about_only_so_often():
    async def go(given: Given) -> None:
        viewer = await given.viewer()
        names = (Right("get", "team", f"job-{n}") for n in range(1_000))
        assert await refusal(given.gate.may(viewer, one) for one in names) is not None
        assert given.times("subjectaccessreviews") == module.ACCESSES.burst
        # The list shows what is known.
        everywhere = await given.viewer("all-token")
        assert await given.gate.readable(everywhere, {"team"}) == ({"team"}, False)

    run(go)


@pytest.mark.hostile
def test_where_a_person_asks_too_much_the_list_has_what_is_known():
    async def go(given: Given) -> None:
        viewer = await given.viewer()
        await given.gate.readable(viewer, {"team"})
        for _ in range(module.ACCESSES.burst - 10):
            given.gate._asked.count(viewer.digest.hex(), given.time)
        many = {f"z-{n}" for n in range(40)} | {"team"}
        assert await given.gate.readable(viewer, many) == ({"team"}, True)
        assert given.times("subjectaccessreviews") < 2 + 10

    run(go)


@pytest.mark.hostile
def test_whoever_may_list_somewhere_keeps_seeing_it_in_a_cluster_of_very_many_namespaces():
    async def go(given: Given) -> None:
        viewer, there = await given.viewer(), {f"a-{n:04}" for n in range(800)} | {"team"}
        seen = []
        for _ in range(120):
            given.time += 5
            seen.append((await given.gate.readable(viewer, there))[0])
        # Found in the end, among all that are asked about, and never lost again.
        assert seen[-1] == {"team"}
        assert seen == sorted(seen, key=len)
        # Whoever gets a right sees it, too.
        given.api.rights["team"] |= {"a-0799"}
        for _ in range(40):
            given.time += 5
            found = await given.gate.readable(viewer, there)
        assert found == ({"a-0799", "team"}, False)

    run(go)


@pytest.mark.hostile
def test_what_a_group_may_is_not_believed_of_a_token_that_has_left_the_group():
    async def go(given: Given) -> None:
        before = await given.viewer()
        given.time = 44.0
        assert await given.gate.may(before, Right("list", "team"))
        given.api.tokens["team-token"] = "nobody"
        given.time = 46.0
        after = await given.viewer()
        assert not await given.gate.may(after, Right("list", "team"))

    run(go)


@pytest.mark.hostile
def test_an_address_may_try_only_so_many_tokens_and_another_may_still_log_in():
    async def go(given: Given) -> None:
        told = await refusal(given.gate.viewer(f"guess-{n}", "bad") for n in range(100))
        assert told is not None
        assert told.seconds >= 1
        assert given.times("tokenreviews") == module.ADDRESS.burst
        await given.viewer(address="good")

    run(go)


@pytest.mark.hostile
def test_all_addresses_together_may_try_only_so_many_and_who_is_known_comes_in():
    async def go(given: Given) -> None:
        await given.viewer()
        tries = ((f"guess-{n}", f"address-{n}") for n in range(1_000))
        assert await refusal(given.gate.viewer(*one) for one in tries) is not None
        assert given.times("tokenreviews") <= module.STRANGERS.burst
        given.time = 46.0
        for _ in range(200):
            given.gate._strangers.count("", given.time)
        await given.viewer(address="any")

    run(go)


@pytest.mark.hostile
def test_what_is_remembered_of_guesses_is_bounded_and_is_no_token():
    async def go(given: Given) -> None:
        for n in range(2_000):
            given.time += 1
            await given.gate.viewer(f"guess-{n}", f"address-{n}")
        assert len(given.gate._people) <= module.MAX_PEOPLE
        assert all(len(key) == 32 for key in given.gate._people._known)

    run(go)
