"""Draw the pictures of the page in docs/pictures, of jobs that are made up.

`PYTHONPATH=tests python -m benchmarks.page_pictures --out docs/pictures`; needs Chromium
(`make browser`), and Pillow.
"""

import argparse
import math
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from batchprocess_operator.page.history import Series
from support.operator.browser import Tab, browser, served, tab
from support.operator.page_jobs import add_busy, add_list, condition, stamp
from support.operator.page_world import PageWorld, today

DESK: dict[str, Any] = {"viewport": {"width": 1_120, "height": 760}, "device_scale_factor": 1.5}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
}


def world() -> PageWorld:
    """A few days of a team."""
    made = PageWorld(now=today())
    made.reviews.tokens["all-token"] = "ann@example.com"
    made.reviews.rights["ann@example.com"] = {""}
    add_list(made, 60)
    words = (
        "pods of shards 12,40 have failed: ValueError: row 3,089: image file is truncated "
        "(3 bytes not processed)"
    )
    failed = condition(made, "PodsFailed", "UserCodeRaised", words, ago=480)
    running = condition(made, "Running", "PodsRunning", "36 pods work on shards", ago=3_500)
    conditions = [running, failed, condition(made, "Progressing", "BatchesCommitted", "", ago=9)]
    uid = add_busy(made, "captions-2026-11", 144, seed=11, age=3_700, conditions=conditions)
    add_busy(made, "faces-all", 10_000, seed=2, age=9_000, conditions=conditions)
    made.history._series[uid] = rates(made)
    made.reviews.events = [event(made, "Warning", "PodsFailed", words, 480)]
    made.reviews.events += [
        event(made, "Normal", "WorkerJobCreated", "Job captions-2026-11-0a1b2c3d", 3_600)
    ]
    return made


def event(made: PageWorld, kind: str, reason: str, message: str, ago: float) -> dict[str, Any]:
    return {"type": kind, "reason": reason, "message": message, "lastTimestamp": stamp(made, -ago)}


def rates(made: PageWorld) -> Series:
    """Half an hour, in which some pods were away for a while."""
    random, series, now = Random(1), Series(), made.now.timestamp()
    for k in range(180):
        rate = 18_400 * (1 - math.exp(-k / 9)) + random.gauss(0, 260)
        rate *= 0.55 if 96 <= k < 112 else 1
        left = 1_560 + 1_800 - 10 * k + (500 if 96 <= k < 118 else 0) + random.gauss(0, 20)
        series.add(now - 1_800 + 10 * k, max(rate, 0.0), 18_400.0 * 10 * k, max(left, 0.0))
    return series


def shoot(one: Tab, path: str, to: Path, *, whole: int = 0) -> None:
    """`whole`: pixels of the page's length, if more than its window shows."""
    one.go(path)
    one.page.wait_for_timeout(700)
    size = one.page.viewport_size
    assert size is not None
    clip: Any = {"x": 0, "y": 0, "width": size["width"], "height": whole or size["height"]}
    one.page.screenshot(path=to, clip=clip, full_page=True)
    # A third of the size, and nobody sees it.
    with Image.open(to) as drawn:
        drawn.quantize(256).save(to, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out: Path = parser.parse_args().out
    job, large = "/jobs/team/captions-2026-11", "/jobs/team/faces-all"
    with browser() as running, served(world()) as base:
        for name, more in {"": {}, "-dark": {"color_scheme": "dark"}}.items():
            with tab(running, base, **DESK, **more) as one:
                one.log_in()
                shoot(one, job, out / f"page-job{name}.png", whole=1_270)
                if not name:
                    shoot(one, "/", out / "page-list.png")
                    shoot(one, large, out / "page-10000-shards.png", whole=900)
        with tab(running, base, **PHONE) as one:
            one.log_in()
            shoot(one, job, out / "page-phone.png", whole=1_500)


if __name__ == "__main__":
    main()
