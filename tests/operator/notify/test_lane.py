"""The way to one destination, in virtual time and with a sender that does what a test says."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from batchprocess.api.notify.outbox import PendingMessage
from batchprocess_operator.controller.work_queue import WorkQueue
from batchprocess_operator.notify import lane as module
from batchprocess_operator.notify.destinations import Destination
from batchprocess_operator.notify.lane import AT_A_TIME, MAX_JOBS, Lane
from batchprocess_operator.notify.outcome import Outcome
from batchprocess_operator.notify.waiting import Waiting
from support.operator.fake_sender import Answer, FakeSender
from support.operator.objects import NOW, job
from support.operator.virtual_time import run_virtually

OK, DOWN = Outcome(), Outcome("no answer in 10 s")


def about(number: int = 0, namespace: str = "team") -> Any:
    return replace(job().identity, uid=f"uid{number}", namespace=namespace)


def message(event: str = "Failed", minutes: int = 0) -> PendingMessage:
    return PendingMessage(event=event, time=NOW + timedelta(minutes=minutes))


def deliver(
    answer: Answer,
    jobs: list[list[PendingMessage]],
    seconds: float = 3_600,
    each: float = 0.1,
    of: Callable[[int], str] = lambda _: "team",
) -> tuple[FakeSender, Counter[tuple[str, str]], list[str], Lane]:
    """What was sent and counted, whose status was to change, and what is left."""
    sender, counted, changed = FakeSender(answer, each), Counter[tuple[str, str]](), list[str]()

    async def go() -> Lane:
        loop = asyncio.get_running_loop()
        destination = Destination.model_validate(
            {"name": "team", "type": "webhook", "url": "https://hooks.example"}
        )
        lane = Lane(
            destination,
            "",
            WorkQueue(loop.time),
            sender,
            changed.append,
            lambda name, result: counted.update([(name, result)]),
            loop.time,
            draw=lambda: 1.0,
        )
        for number, pending in enumerate(jobs):
            waiting = Waiting(about(number, of(number)), "team")
            waiting.put(pending)
            lane.put(waiting)
        workers = [asyncio.create_task(lane.work()) for _ in range(AT_A_TIME)]
        await asyncio.sleep(seconds)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        return lane

    return sender, counted, changed, run_virtually(go())


def test_messages_of_a_job_go_one_after_the_other_and_each_once() -> None:
    sent, counted, changed, _ = deliver(lambda *_: OK, [[message("Stalled"), message()]])
    assert sent.ids() == [f"uid0-0-stalled-{NOW.timestamp():.0f}", "uid0-0-failed"]
    assert sent.most_open == 1
    assert changed == ["uid0", "uid0"]
    assert counted == {("team", "delivered"): 2}


def test_namespaces_go_side_by_side_so_many_at_a_time() -> None:
    sent, counted, _, _ = deliver(lambda *_: OK, [[message()]] * 20, of=str)
    assert sent.most_open == AT_A_TIME
    assert counted == {("team", "delivered"): 20}


def test_a_namespace_with_many_messages_is_in_no_others_way() -> None:
    jobs = [[message()]] * (MAX_JOBS + 5)
    slow, counted, _, _ = deliver(
        lambda *_: OK, jobs, each=5, of=lambda n: "small" if n == MAX_JOBS + 4 else "large"
    )
    at = {key: time for time, key in slow.sent}
    assert at[f"uid{MAX_JOBS + 4}-0-failed"] < 10
    assert counted["team", "deferred"] == 4


def test_messages_that_fail_let_those_of_another_namespace_through() -> None:
    def answer(key: str, _: int) -> Outcome:
        return OK if key.startswith("uid500") else Outcome("it answered 500")

    sent, counted, _, _ = deliver(
        answer, [[message()]] * 501, of=lambda n: "good" if n == 500 else "bad"
    )
    (good,) = [at for at, key in sent.sent if key.startswith("uid500")]
    assert good < 10
    assert counted["team", "delivered"] == 1


def test_a_destination_that_is_away_is_tried_by_one_and_ever_more_seldom() -> None:
    sent, _, _, lane = deliver(lambda *_: DOWN, [[message()]] * 500, seconds=3_600, each=10)
    times = [at for at, _ in sent.sent]
    assert 50 < len(times) < 100
    assert all(
        later - earlier > 59 for earlier, later in zip(times[-20:], times[-19:], strict=False)
    )
    assert len(lane.jobs) == 500


def test_all_is_delivered_soon_after_it_is_back() -> None:
    back: Answer = lambda _, __: OK if sent_at() > 1_800 else DOWN  # noqa: E731

    def sent_at() -> float:
        return asyncio.get_running_loop().time()

    sent, counted, _, _ = deliver(back, [[message()]] * 500, seconds=1_800 + 660)
    assert counted["team", "delivered"] == 500
    assert len(sent.ids()) < 700


def test_a_message_that_is_not_taken_holds_up_neither_its_job_nor_others() -> None:
    def answer(key: str, _: int) -> Outcome:
        return Outcome("it answered 400", of_message=True) if "stalled" in key else OK

    sent, counted, _, lane = deliver(answer, [[message("Stalled"), message()], [message()]])
    assert counted["team", "delivered"] == 2
    refused = [at for at, key in sent.sent if "stalled" in key]
    assert len(refused) < 15
    assert lane.jobs["uid0"].why == {
        f"uid0-0-stalled-{NOW.timestamp():.0f}": "it answered 400",
    }


def test_who_asks_for_time_gets_it() -> None:
    def answer(_: str, number: int) -> Outcome:
        return Outcome("it answered 429", retry_after=900) if number == 1 else OK

    sent, _, _, _ = deliver(answer, [[message()]])
    (first, _), (second, _) = sent.sent
    assert 900 <= second - first < 960


def test_more_jobs_than_fit_come_back_later() -> None:
    _, counted, _, lane = deliver(lambda *_: DOWN, [[message()]] * (MAX_JOBS + 5), seconds=1)
    assert len(lane.jobs) == MAX_JOBS
    assert counted["team", "deferred"] == 5


def test_a_fault_of_ours_is_one_of_a_try_and_its_words_are_in_no_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(*_: Any) -> None:
        raise RuntimeError("https://hooks.example/secret")

    monkeypatch.setattr(module, "request_for", fault)
    _, counted, _, lane = deliver(lambda *_: OK, [[message()]], seconds=8)
    assert counted["team", "failed"] == 2
    assert lane.jobs["uid0"].why["uid0-0-failed"] == "the operator has a fault"
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text


def test_a_job_that_goes_while_its_turn_is_waited_for_is_left_out() -> None:
    async def go() -> list[str]:
        loop = asyncio.get_running_loop()
        sender = FakeSender(lambda *_: DOWN)
        destination = Destination.model_validate(
            {"name": "team", "type": "webhook", "url": "https://hooks.example"}
        )
        lane = Lane(
            destination, "", WorkQueue(loop.time), sender, print, lambda *_: None, loop.time
        )
        worker = asyncio.create_task(lane.work())
        for number in range(2):
            waiting = Waiting(about(number), "team")
            waiting.put([message()])
            lane.put(waiting)
        await asyncio.sleep(0.2)
        lane.drop("uid1")
        lane.drop("uid0")
        await asyncio.sleep(600)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        return sender.ids()

    assert run_virtually(go()) == ["uid0-0-failed"]
