"""Measure, print, and write the results down beside the machine they were measured on."""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.operator_bench import scenarios
from testcluster import ClusterError

RESULTS = Path(__file__).parents[1] / "results"


def main() -> int:
    """Exit status: 0, or 1 with a sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.operator_bench", description=__doc__
    )
    parser.add_argument("what", nargs="*", help="create, latency, large (default: all three)")
    parser.add_argument("--jobs", type=int, default=1_000, help="of create")
    parser.add_argument("--timed", type=int, default=200, help="jobs of latency")
    parser.add_argument("--rate", type=float, default=2.0, help="jobs a second of latency")
    parser.add_argument("--shards", type=int, default=10_000, help="of the large job")
    parser.add_argument("--parallelism", type=int, default=200, help="of the large job")
    parser.add_argument("--seconds", type=float, default=1.0, help="a shard of the large job takes")
    parser.add_argument("--no-results", action="store_true", help="print only")
    given = parser.parse_args()
    chosen: dict[str, Callable[[], Awaitable[scenarios.Figures]]] = {
        "create": lambda: scenarios.created_at_once(given.jobs, 8),
        "latency": lambda: scenarios.one_by_one(given.timed, 4, given.rate),
        "large": lambda: scenarios.one_large(given.shards, given.parallelism, given.seconds),
    }
    unknown = set(given.what) - set(chosen)
    if unknown:
        parser.error(f"no scenario {min(unknown)!r} (there are {', '.join(chosen)})")
    about = _about()
    results: dict[str, Any] = {}
    print(_lines("machine", about))
    try:
        for name in given.what or chosen:
            results[name] = asyncio.run(chosen[name]())  # type: ignore[arg-type]
            print(_lines(name, results[name]), flush=True)
    except ClusterError as error:
        print(f"operator_bench: {error}", file=sys.stderr)
        return 1
    if not given.no_results:
        _write(about, results)
    return 0


def _about() -> dict[str, Any]:
    commit = ("git", "describe", "--always", "--dirty", "--exclude=*")
    memory = Path("/proc/meminfo").read_text().split()[1]
    model = Path("/proc/cpuinfo").read_text().partition("model name\t: ")[2].partition("\n")[0]
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}",
        "commit": subprocess.run(commit, capture_output=True, text=True, check=True).stdout.strip(),
        "cores": os.cpu_count(),
        "processor": model,
        "memory (GiB)": round(int(memory) / 2**20),
        "python": platform.python_version(),
        "load before": round(os.getloadavg()[0], 1),
    }


def _write(about: Mapping[str, Any], results: Mapping[str, Any]) -> None:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"operator-{about['date'].replace(':', '')}.json"
    path.write_text(json.dumps({"machine": about, **results}, indent=2) + "\n")
    print(f"written to {path.relative_to(RESULTS.parents[1])}")


def _lines(title: str, figures: Mapping[str, Any]) -> str:
    lines = [title]
    for name, value in figures.items():
        lines.append(f"  {name:<44}{_in_words(value)}")
    return "\n".join(lines)


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{number} {kind}" for kind, number in value.items())
    return str(value)


if __name__ == "__main__":
    sys.exit(main())
