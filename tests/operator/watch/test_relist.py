"""The full look, which finds what watches have missed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from batchprocess.kube import paths
from batchprocess_operator.kube.errors import ApiError, Denied, NotFound, Unavailable
from batchprocess_operator.watch.cache import JobCache
from batchprocess_operator.watch.collections import collections
from batchprocess_operator.watch.intake import Intake
from batchprocess_operator.watch.relist import Relist
from support.operator.fake_api import FakeApi, FakeServer
from support.operator.objects import job_object
from support.operator.virtual_time import virtually


class Refusing(FakeApi):
    """Answers lists whose path has one of these words with this error."""

    refused: dict[str, ApiError] = {}  # noqa: RUF012  replaced, never changed

    async def pages(self, path: str, selector: str | None = None) -> AsyncIterator[Any]:
        for word, error in self.refused.items():
            if word in path:
                raise error
        async for one in super().pages(path, selector):
            yield one


class Looking:
    """Full looks at some namespaces of a server, and what was said to have changed."""

    def __init__(self, *namespaces: str | None) -> None:
        self.server, self.cache, self.told = FakeServer(), JobCache(), list[str]()
        self.api = Refusing(self.server, "operator")
        self.intake = Intake(self.cache, self.told.append)
        seen = collections(namespaces or [None])
        self.relist = Relist(self.api, self.cache, seen, self.intake)  # type: ignore[arg-type]

    def apply(self, namespace: str = "team", name: str = "digits", **spec: Any) -> str:
        body = job_object(None, **spec)
        body["metadata"] |= {"name": name, "namespace": namespace}
        uid: str = self.server.create(paths.job_objects(namespace), body)["metadata"]["uid"]
        return uid

    async def once(self) -> None:
        await self.relist.once(asyncio.get_running_loop().time)


@virtually
async def test_a_job_whose_deletion_was_missed_is_told_so_that_all_of_it_is_forgotten():
    looking = Looking()
    uid = looking.apply()
    await looking.once()
    looking.server.delete(paths.job_object("team", "digits"))
    await looking.once()
    assert looking.cache.entries == {}
    assert looking.told == [uid, uid]


@pytest.mark.hostile
@virtually
async def test_an_object_that_cannot_be_read_is_counted_and_the_others_are_seen():
    looking = Looking()
    looking.apply(name="bad")
    uid = looking.apply(name="good")
    looking.server.objects[paths.job_object("team", "bad")]["metadata"]["resourceVersion"] = "x"
    await looking.once()
    assert looking.told == [uid]
    assert looking.intake.unreadable == 1


@pytest.mark.hostile
@virtually
async def test_a_namespace_that_may_not_be_seen_is_left_out_and_nothing_of_it_is_forgotten():
    looking = Looking("team", "other")
    ours, theirs = looking.apply("team"), looking.apply("other")
    await looking.once()
    looking.api.refused = {"/other/": Denied("forbidden")}
    await looking.once()
    assert looking.told == [ours, theirs, ours]
    assert set(looking.cache.entries) == {ours, theirs}


@virtually
async def test_an_operator_that_may_see_nothing_says_so():
    looking = Looking("team", "other")
    looking.api.refused = {"/namespaces/": Denied("forbidden")}
    with pytest.raises(Denied, match="forbidden"):
        await looking.once()


@virtually
async def test_an_operator_that_may_see_a_kind_nowhere_says_so():
    """With rights for all namespaces that is a rule that is missing, and no tenant's doing."""
    looking = Looking()
    looking.apply()
    looking.api.refused = {"/pods": Denied("forbidden")}
    with pytest.raises(Denied, match="forbidden"):
        await looking.once()


@virtually
async def test_a_resource_that_does_not_exist_is_told_before_a_server_that_is_away():
    looking = Looking()
    looking.api.refused = {"/pods": Unavailable("503"), "/batchprocessjobs": NotFound("no")}
    with pytest.raises(NotFound):
        await looking.once()


@virtually
async def test_what_could_be_listed_is_known_though_something_else_could_not():
    looking = Looking()
    uid = looking.apply()
    looking.api.refused = {"/pods": Unavailable("503")}
    with pytest.raises(Unavailable):
        await looking.once()
    assert looking.told == [uid]
