"""What the API server fills in, as it says itself."""

import asyncio

from batchprocess.kube import paths
from batchprocess_operator.model.job import UnknownField
from batchprocess_operator.watch.served_schema import VALID_SECONDS, ServedSchema
from support.operator.fake_api import FakeApi, FakeServer
from support.operator.served_schemas import served_schema
from support.operator.virtual_time import run_virtually

BLUE = (UnknownField(("spec", "colour"), "blue"),)


def served(server: FakeServer) -> ServedSchema:
    api = FakeApi(server)
    return ServedSchema(api, asyncio.get_running_loop().time)  # type: ignore[arg-type]


def test_a_default_is_asked_for_once_by_all_jobs_for_a_while() -> None:
    async def whole() -> None:
        server = FakeServer({paths.served_schema(): served_schema(colour={"default": "blue"})})
        schema = served(server)
        told = await asyncio.gather(*(schema.refusal(BLUE) for _ in range(100)))
        assert set(told) == {""}
        assert len(server.requests) == 1
        server.objects[paths.served_schema()] = served_schema(colour={"default": "red"})
        await asyncio.sleep(VALID_SECONDS)
        assert "leave the field out" in await schema.refusal(BLUE)
        assert len(server.requests) == 2

    run_virtually(whole())


def test_what_cannot_be_read_is_said_and_asked_for_again_after_a_while() -> None:
    async def whole() -> None:
        server = FakeServer()
        schema = served(server)
        for _ in range(10):
            why = await schema.refusal(BLUE)
            assert 'spec.colour is "blue"' in why
            assert "cannot ask for its default (/openapi/v3/apis/batchprocess.dev" in why
        assert len(server.requests) == 1
        server.objects[paths.served_schema()] = {"components": {"schemas": {"other": {}}}}
        await asyncio.sleep(VALID_SECONDS)
        assert "has no schema of BatchProcessJob" in await schema.refusal(BLUE)
        server.objects[paths.served_schema()] = served_schema(colour={"default": "blue"})
        await asyncio.sleep(VALID_SECONDS)
        assert await schema.refusal(BLUE) == ""

    run_virtually(whole())


def test_nobody_is_asked_about_nulls() -> None:
    async def whole() -> None:
        server = FakeServer()
        assert await served(server).refusal([UnknownField(("spec", "colour"), None)]) == ""
        assert server.requests == []

    run_virtually(whole())
