"""Real sockets and bad intentions: what each attack costs, and who does not notice it."""

import asyncio
import contextlib
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchprocess.agent.reports.delivery import Answer
from batchprocess.agent.reports.https import HttpsReporter
from support.operator.attacks import (
    Attack,
    Attacker,
    drops,
    endless_body,
    endless_headers,
    endless_line,
    flood,
    half_a_head,
    pipeline,
    silence,
    slow_body,
    tiny_headers,
    under,
)
from support.operator.fake_pods import report
from support.operator.listeners import Listeners, listeners
from support.operator.report_client import trusting

pytestmark = [pytest.mark.hostile, pytest.mark.slow]

ATTACKERS = 300
MAX_GROWTH = 60
"""MiB, for up to 500 strangers."""
REPORT = report(3, 4).model_dump_json().encode()


@pytest.fixture(scope="module")
def attacked() -> Iterator[Listeners]:
    with listeners() as made:
        yield made


@contextlib.contextmanager
def worker(to: Listeners, folder: Path, number: int) -> Iterator[HttpsReporter]:
    """What pod `number` reports with, more patient."""
    file = folder / "token"
    file.write_text(to.tokens[number])
    made = HttpsReporter(f"https://127.0.0.1:{to.progress}", to.ca, file, timeout=30)
    yield made
    made.close()


def honest(to: Listeners, reporter: HttpsReporter) -> list[object]:
    """A report over a new connection, one over a kept one, and the liveness probe."""
    reporter.close()
    said: list[object] = [reporter.post(REPORT), reporter.post(REPORT)]
    for address in (f"{to.health}/healthz", f"{to.metrics}/metrics"):
        with urllib.request.urlopen(f"http://127.0.0.1:{address}", timeout=30) as answer:
            said.append(answer.status)
    return said


FINE = [Answer(), Answer(), 200, 200]
ATTACKS: dict[str, tuple[Attack, bool]] = {
    "silent before TLS": (silence, True),
    "endless noise before TLS": (endless_line, True),
    "silent after TLS": (silence, False),
    "half a head": (half_a_head, False),
    "endless headers": (endless_headers, False),
    "tiny headers": (tiny_headers, False),
    "endless line": (endless_line, False),
    "byte by byte": (drops, False),
    "slow body": (slow_body, False),
    "endless body": (endless_body, False),
    "unauthorised flood": (flood, False),
    "answers unread": (pipeline, False),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_the_endpoint_under_attack_stays_small_and_takes_an_honest_report(
    name: str, attacked: Listeners, tmp_path: Path
) -> None:
    kind, plain = ATTACKS[name]
    number = list(ATTACKS).index(name)
    attacker = Attacker(attacked.progress, f"127.0.1.{number}", trusting(attacked.ca))

    async def go(reporter: HttpsReporter) -> list[object]:
        async with under(kind, attacker, ATTACKERS, plain=plain):
            await asyncio.sleep(3)
            return await asyncio.to_thread(honest, attacked, reporter)

    attacked.forget_most_memory()
    before = attacked.most_memory()
    with worker(attacked, tmp_path, number) as reporter:
        said = asyncio.run(go(reporter))
    assert said == FINE
    print(f"{name}: {before:.0f} -> {attacked.most_memory():.0f} MiB, {dict(attacker.seen)}")
    assert attacked.most_memory() - before < MAX_GROWTH


def test_a_pod_that_floods_with_a_good_token_is_hung_up_on_and_others_do_not_notice(
    attacked: Listeners, tmp_path: Path
) -> None:
    tls = trusting(attacked.ca)
    attacker = Attacker(attacked.progress, "127.0.1.100", tls, attacked.bad_token)

    async def go(reporter: HttpsReporter) -> list[object]:
        async with under(flood, attacker, 50):
            await asyncio.sleep(3)
            return await asyncio.to_thread(honest, attacked, reporter)

    with worker(attacked, tmp_path, -1) as reporter:
        said = asyncio.run(go(reporter))
    assert said == FINE
    # Of 50 connections a hundred may come at once, and then twenty a second.
    assert sum(attacker.seen[code] for code in ("204", "422", "429")) < 100 + 20 * 60


def test_a_kept_connection_goes_on_while_strangers_come_from_its_own_address(
    tmp_path: Path,
) -> None:
    async def go(reporter: HttpsReporter, attacker: Attacker) -> list[Answer]:
        said = [await asyncio.to_thread(reporter.post, REPORT)]
        async with under(half_a_head, attacker, ATTACKERS):
            await asyncio.sleep(3)
            said += [await asyncio.to_thread(reporter.post, REPORT) for _ in range(2)]
        return said

    with listeners() as attacked, worker(attacked, tmp_path, 0) as reporter:
        attacker = Attacker(attacked.progress, "127.0.0.1", trusting(attacked.ca))
        said = asyncio.run(go(reporter, attacker))
    assert said == [Answer()] * 3
