"""Draw the chart's board, of an operator that works: the picture in docs/metrics.md.

`python -m benchmarks.dashboard_picture --kubeconfig FILE --minutes 6 --out FILE.svg` lets
Prometheus scrape the operator of a test cluster (`make cluster`), whose pods this machine reaches,
for that long, while somebody runs jobs there, and then asks the board's own queries. Needs
matplotlib, which the locks have not.
"""

import argparse
import re
import tempfile
import time
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
from matplotlib import dates, pyplot
from matplotlib.axes import Axes

from batchprocess_operator.dashboard_panels import COLOURS, PANELS, Panel
from testcluster.kubernetes.kubectl import Kubectl
from testcluster.machine.programs import Programs
from testcluster.operator import NAMESPACE, SERVICE
from testcluster.prometheus import Prometheus, start_prometheus

ACROSS, STEP = 3, 3
DARK = {
    "axes.facecolor": "#181b1f",
    "figure.facecolor": "#111217",
    "text.color": "#ccccdc",
    "axes.labelcolor": "#ccccdc",
    "axes.edgecolor": "#2c3235",
    "xtick.color": "#8e8e9a",
    "ytick.color": "#8e8e9a",
    "grid.color": "#2c3235",
    "font.size": 7,
    "svg.hashsalt": "board",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
}
SHADES = {
    "yellow": "#fade2a",
    "orange": "#ff9830",
    "green": "#73bf69",
    "purple": "#b877d9",
    "blue": "#5794f2",
    "super-light-red": "#ffa6b0",
    "red": "#f2495c",
}
OTHERS = ("#73bf69", "#fade2a", "#5794f2", "#ff9830", "#b877d9")


def lines(panel: Panel, prometheus: Prometheus, start: float, end: float) -> dict[str, list]:
    """Times and values by the name that the legend gives; a gap is a value that is missing."""
    found: dict[str, list] = {}
    for query, legend in panel.queries:
        asked = query.replace("$job", ".*").replace("$__rate_interval", "20s")
        for one in prometheus.query_range(asked, start, end, STEP):
            name = legend
            for label, value in one["metric"].items():
                name = name.replace("{{" + label + "}}", value)
            found[name] = [(float(at), float(value)) for at, value in one["values"]]
    return found


def draw(panel: Panel, found: dict[str, list], axes: Axes, start: float, end: float) -> None:
    """One graph: areas on one another where the panel says so, else lines."""
    times = [start + STEP * number for number in range(int((end - start) / STEP) + 1)]
    moments = dates.date2num([time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) for at in times])
    rows = {}
    for name, points in sorted(found.items()):
        at = {round(when): value for when, value in points if value == value}
        rows[name] = [at.get(round(when), 0.0 if panel.stacked else float("nan")) for when in times]
    others = iter(OTHERS * 5)
    colours = [SHADES[COLOURS[name]] if name in COLOURS else next(others) for name in rows]
    if panel.stacked and rows:
        drawn = {"labels": list(rows), "colors": colours, "step": "post", "alpha": 0.6}
        axes.stackplot(moments, list(rows.values()), **drawn)
    for (name, values), colour in zip(rows.items(), colours, strict=True):
        if not panel.stacked:
            axes.plot(moments, values, label=name, linewidth=1, color=colour)
    axes.set_xlim(moments[0], moments[-1])
    axes.set_title(panel.title, loc="left", fontsize=8)
    axes.set_ylim(bottom=0)
    if panel.unit == "percentunit":
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    if panel.unit == "s":
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} s")
    axes.xaxis.set_major_formatter(dates.DateFormatter("%H:%M"))
    axes.xaxis.set_major_locator(dates.MinuteLocator())
    axes.grid(visible=True)
    if rows:
        axes.legend(fontsize=5, frameon=False, loc="upper left", ncols=2)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    path = "-o=jsonpath={.items[0].status.podIP}"
    address = Kubectl(given.kubeconfig)("get", "pods", path, f"--namespace={NAMESPACE}")
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(Path(folder))
        try:
            start = time.time()
            prometheus = start_prometheus(programs, f"{address}:8081", f"{NAMESPACE}/{SERVICE}")
            time.sleep(60 * given.minutes)
            end = time.time()
            every = [(panel, lines(panel, prometheus, start, end)) for panel in PANELS]
        finally:
            programs.kill_all()
    with pyplot.rc_context(DARK):
        down = -(-len(PANELS) // ACROSS)
        figure, grid = pyplot.subplots(down, ACROSS, figsize=(12, 2 * down), layout="constrained")
        for (panel, found), axes in zip(every, grid.flat, strict=True):
            draw(panel, found, axes, start, end)
        figure.savefig(given.out, metadata={"Date": None})
    # A tenth of a point is not to be seen, and the rest of the digits is a quarter of the file.
    text = re.sub(r"\d+\.\d{2,}", lambda found: f"{float(found[0]):.1f}", given.out.read_text())
    given.out.write_text(text)


if __name__ == "__main__":
    main()
