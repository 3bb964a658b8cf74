"""The digits job through a proxy that errs on purpose: it finishes, and the output is the same."""

import threading
from pathlib import Path

import pytest

from support.storage.fault_proxy import FaultProxy, Faults, fault_proxy
from support.storage.s3_server import Server
from system.campaign.campaign import Chaos, Outcome, rows, run

pytestmark = pytest.mark.slow
REQUESTS = 100
ROUGH = Faults(error_500=0.05, slow_down=0.2, reset_in_body=0.05, lost_create=0.1)


def go_away(proxy: FaultProxy, seconds: float, over: threading.Event) -> None:
    """An outage in the midst of the work: it begins after some requests, whenever they come."""
    while proxy.done.total() < REQUESTS and not over.wait(0.02):
        pass
    proxy.outage.set()
    over.wait(seconds)
    proxy.outage.clear()


def finish_under(
    faults: Faults,
    outage_seconds: float,
    chaos: Chaos,
    server: Server,
    folder: Path,
) -> tuple[FaultProxy, Outcome, bytes]:
    uri = f"s3://{server.bucket}/faults-{chaos.seed}/digits/1"
    with fault_proxy(server.endpoint, faults, chaos.seed) as proxy:
        over = threading.Event()
        away = threading.Thread(target=go_away, args=(proxy, outage_seconds, over))
        away.start()
        try:
            rough = server.through(proxy.endpoint)
            outcome = run(uri, rough.settings(), rough.env(), folder, chaos)
        finally:
            over.set()
            away.join()
    return proxy, outcome, rows(uri, server.settings())


def check(
    server: Server, folder: Path, undisturbed: tuple[Outcome, bytes], outage: float, chaos: Chaos
) -> None:
    proxy, outcome, output = finish_under(ROUGH, outage, chaos, server, folder)
    print(dict(proxy.done), dict(outcome.codes))
    assert output == undisturbed[1]
    assert outcome.summary["metrics"] == undisturbed[0].summary["metrics"]
    met = {"outage", "error_500", "slow_down", "reset_in_body", "lost_create"}
    assert met <= proxy.done.keys()


def test_errors_resets_lost_replies_and_an_outage_change_nothing(
    server: Server, tmp_path: Path, undisturbed: tuple[Outcome, bytes]
) -> None:
    check(server, tmp_path, undisturbed, 3, Chaos(delay=0.02, seed=21))


@pytest.mark.full
@pytest.mark.parametrize("seed", range(300, 310))
def test_a_long_outage_and_kills_under_faults_change_nothing(
    server: Server, tmp_path: Path, undisturbed: tuple[Outcome, bytes], seed: int
) -> None:
    check(server, tmp_path, undisturbed, 30, Chaos(kills=30, lifetime=3, delay=0.1, seed=seed))
