"""SIGKILL at random moments of the digits job on a real S3 server: the output must not notice."""

import json
from pathlib import Path

import pytest

from support.storage.s3_server import Server
from system.campaign.campaign import INTERVAL, SHARDS, Chaos, Outcome, most_repeated, rows, run

pytestmark = pytest.mark.slow
Undisturbed = tuple[Outcome, bytes]


def check(server: Server, folder: Path, undisturbed: Undisturbed, chaos: Chaos) -> Outcome:
    reference, output = undisturbed
    uri = f"s3://{server.bucket}/kills-{chaos.seed}/digits/1"
    outcome = run(uri, server.settings(), server.env(), folder, chaos)
    print(json.dumps({"killed": outcome.killed, "frozen": outcome.frozen, "codes": outcome.codes}))
    assert rows(uri, server.settings()) == output
    assert outcome.summary["metrics"] == reference.summary["metrics"]
    assert outcome.summary["rows"] == reference.summary["rows"] == 1797
    assert bool(outcome.frozen) == bool(chaos.freeze_share)
    if not chaos.freeze_share:
        # Without zombies each attempt begins where its predecessor's last commit ended.
        assert most_repeated(outcome) <= 2 * INTERVAL + (chaos.window or 0)
    return outcome


def test_the_undisturbed_run_processes_every_batch_once(undisturbed: Undisturbed) -> None:
    reference, output = undisturbed
    assert reference.codes == {"0": SHARDS}
    assert len(output.splitlines()) == 1797
    assert all(batches == [list(range(len(batches[0])))] for batches in reference.attempts.values())


def test_sixty_kills_change_nothing(
    server: Server, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    outcome = check(server, tmp_path, undisturbed, Chaos(kills=60, delay=0.03, seed=11))
    assert outcome.killed >= 60


def test_zombies_that_wake_beside_their_replacement_change_nothing(
    server: Server,
    tmp_path: Path,
    undisturbed: Undisturbed,
) -> None:
    fenced = 0
    for seed in range(12, 17):
        # On a busy machine all that are frozen may wake before anybody has replaced them.
        folder = tmp_path / str(seed)
        folder.mkdir()
        chaos = Chaos(kills=8, delay=0.05, freeze_share=0.5, seed=seed)
        fenced += check(server, folder, undisturbed, chaos).codes.get("woken 87", 0)
        if fenced:
            break
    assert fenced >= 1


@pytest.mark.parametrize("freeze_share", [0.0, 0.5])
def test_batches_that_run_side_by_side_are_as_exact(
    server: Server, tmp_path: Path, undisturbed: Undisturbed, freeze_share: float
) -> None:
    kills, seed = (8, 14) if freeze_share else (40, 13)
    chaos = Chaos(kills=kills, delay=0.05, window=8, freeze_share=freeze_share, seed=seed)
    outcome = check(server, tmp_path, undisturbed, chaos)
    assert outcome.killed >= (1 if freeze_share else kills)


@pytest.mark.full
def test_ten_thousand_kills_change_nothing(
    server: Server, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    dealt, seed = 0, 100
    while dealt < 10_000:
        folder = tmp_path / str(seed)
        folder.mkdir()
        # Zombies that wake do some of the work, so that a run may be over before its kills are.
        chaos = Chaos(kills=115, delay=0.05, freeze_share=0.1, seed=seed)
        dealt += check(server, folder, undisturbed, chaos).killed
        seed += 1
    assert seed < 300, "most runs were over before they were killed"
