"""Results as JSON, a table and a plot, named by date and machine."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

_STARTED = datetime.now(UTC)
_LOAD = os.getloadavg()[0]
_COMPARABLE_SECONDS = 2.0
"""What is shorter is start-up and noise."""
_PACKAGES = ["torch", "torchvision", "transformers", "accelerate", "pytorch-lightning"]
_PACKAGES += ["determined", "pyarrow", "numpy", "boto3"]
Rows = list[dict[str, Any]]


def brief(found: dict[str, Any]) -> str:
    """One line for a person who waits."""
    if "error" in found:
        return f"failed: {found['error']}"
    parts = []
    for key, text in (
        ("rate", "{:,.0f}/s"),
        ("seconds", "{:.2f} s"),
        ("first_batch", "first after {:.2f} s"),
        ("rate_after_first", "{:,.0f}/s from then"),
        ("batch_ms", "{:.3f} ms a batch"),
        ("overhead_us", "{:.0f} us a batch"),
        ("peak_host_mb", "host {:,.0f} MB"),
        ("peak_device_mb", "device {:,.0f} MB"),
    ):
        if found.get(key) is not None:
            parts.append(text.format(found[key]))
    if found.get("seconds", _COMPARABLE_SECONDS) < _COMPARABLE_SECONDS:
        parts.append("too short to compare")
    return ", ".join(parts)


def table(results: Rows) -> str:
    """Markdown, one section a part, with shares of the model-only rate."""
    lines = []
    for part in dict.fromkeys(one["part"] for one in results):
        rows = [one for one in results if one["part"] == part]
        whole = _bound(part, results)
        lines += ["", f"### {part}", "", f"| run | result | of {whole[0]} |", "|---|---|---|"]
        for one in rows:
            share = f"{one['rate'] / whole[1]:.3f}" if whole[1] and one.get("rate") else ""
            if whole[1] and part == "compiled" and one.get("rate_after_first"):
                share += f" ({one['rate_after_first'] / whole[1]:.2f} once compiled)"
            lines.append(f"| {one['label']} | {brief(one)} | {share} |")
    return "\n".join(lines) + "\n"


def _bound(part: str, results: Rows) -> tuple[str, float]:
    """What a part's rates are compared with."""
    label, where = {
        "jpeg": ("loader only", "jpeg"),
        "s3": ("disk 0", "s3"),
        "pod": ("1 GPUs in one pod", "pod"),
        "compiled": ("model only", "images"),
    }.get(part, ("model only", part))
    found = (
        one for one in results if (one["part"], one["label"]) == (where, label) and "rate" in one
    )
    return label, next(found, {}).get("rate", 0.0)


def machine() -> dict[str, Any]:
    """What the figures hold for."""
    found: dict[str, Any] = {
        "date": f"{_STARTED:%Y-%m-%d %H:%M} UTC",
        "cores": len(os.sched_getaffinity(0)),
        "load average at the start": round(_LOAD, 1),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "revision": _revision(),
    }
    if torch.cuda.is_available():
        found |= {
            "gpu": torch.cuda.get_device_name(0),
            "gpus": torch.cuda.device_count(),
            "cuda": torch.version.cuda,
        }
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def write(folder: Path, device: str, results: Rows, scale: float) -> None:
    """results.json, table.md and plot.svg below a folder of this run's own."""
    about = machine() | {"scale": scale}
    name = (about.get("gpu") or device).lower().replace("nvidia ", "").replace(" ", "-")
    here = folder / f"{_STARTED:%Y-%m-%d-%H%M}-{name}"
    here.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"machine": about, "results": results}, indent=1)
    (here / "results.json").write_text(text + "\n")
    told = "\n".join(f"- {key}: {value}" for key, value in about.items())
    (here / "table.md").write_text(f"# The batch loop, measured\n\n{told}\n{table(results)}")
    plot(results, here / "plot.svg")


def plot(results: Rows, path: Path) -> None:
    """Bars: every rate as a share of its bound."""
    try:
        import matplotlib as mpl

        mpl.use("Agg")
        from matplotlib import pyplot
    except ImportError:
        return
    parts = [p for p in ("images", "compiled", "text", "jpeg") if _bound(p, results)[1]]
    if not parts:
        return
    figure, axes = pyplot.subplots(1, len(parts), figsize=(4.5 * len(parts), 4), squeeze=False)
    for axis, part in zip(axes[0], parts, strict=True):
        label, whole = _bound(part, results)
        rows = [o for o in results if o["part"] == part and "rate" in o and o["label"] != label]
        rows = [one for one in rows if one["label"] != "loader only"]
        shares = [
            one.get("rate_after_first", 0) if part == "compiled" else one["rate"] for one in rows
        ]
        names = [one["label"] for one in rows]
        colours = ["tab:blue" if name.startswith("ours") else "tab:grey" for name in names]
        bars = axis.barh(
            names[::-1], [share / whole for share in shares[::-1]], color=colours[::-1]
        )
        axis.bar_label(bars, fmt="%.2f", padding=2)
        axis.axvline(1.0, color="black", linewidth=0.8)
        axis.set_title(f"{part}: share of {label}", fontsize=10)
        axis.set_xlim(0, max(1.15, *(share / whole * 1.15 for share in shares), 0))
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)


def _revision() -> str:
    asked = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    )
    return os.environ.get("BENCH_REVISION") or asked.stdout.strip() or "?"
