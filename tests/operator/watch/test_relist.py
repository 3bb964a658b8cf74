"""The full look, which finds what watches have missed."""

import asyncio

from batchprocess_operator.kube import paths
from batchprocess_operator.watch.cache import JobCache
from batchprocess_operator.watch.relist import Relist
from support.operator.fake_api import FakeApi, FakeServer
from support.operator.objects import job_object
from support.operator.virtual_time import run_virtually


def test_a_job_whose_deletion_was_missed_is_told_so_that_all_of_it_is_forgotten() -> None:
    async def look_twice() -> None:
        server, cache, told = FakeServer(), JobCache(), list[str]()
        relist = Relist(FakeApi(server, "operator"), cache, (None,), told.append)  # type: ignore[arg-type]
        clock = asyncio.get_running_loop().time
        uid = server.create(paths.job_objects("team"), job_object(None))["metadata"]["uid"]
        await relist.once(clock)
        server.delete(paths.job_object("team", "digits"))
        await relist.once(clock)
        assert cache.entries == {}
        assert told == [uid, uid]

    run_virtually(look_twice())
