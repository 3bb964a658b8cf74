"""The full look, which finds what watches have missed."""

import asyncio

from batchprocess_operator.kube import paths
from batchprocess_operator.watch.cache import Store
from batchprocess_operator.watch.relist import Resync
from support.operator.fake_api import FakeApi, FakeServer
from support.operator.objects import job_object
from support.operator.virtual_time import run_virtually


def test_a_job_whose_deletion_was_missed_is_told_so_that_all_of_it_is_forgotten() -> None:
    async def look_twice() -> None:
        server, store, told = FakeServer(), Store(), list[str]()
        resync = Resync(FakeApi(server, "operator"), store, (None,), told.append)  # type: ignore[arg-type]
        clock = asyncio.get_running_loop().time
        uid = server.create(paths.job_objects("team"), job_object(None))["metadata"]["uid"]
        await resync.once(clock)
        server.delete(paths.job_object("team", "digits"))
        await resync.once(clock)
        assert store.entries == {}
        assert told == [uid, uid]

    run_virtually(look_twice())
